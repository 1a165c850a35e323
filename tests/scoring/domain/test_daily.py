"""Features of a local day: a regular sleeper by hand, and what is missing, travelled or cut."""

from dataclasses import replace
from datetime import date, time, timedelta

import numpy as np
import pytest

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, Family, Minutes
from scoring.domain.daily import daily_features
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.vector import vector
from tests.scoring.domain.builders import (
    BERLIN,
    FIRST,
    MINUTE,
    a_day,
    counts,
    episode,
    log_only,
    logged,
    person,
    series,
)


def computed(who: PersonData, first: int = 0, last: int = 19) -> list[DayFeatures]:
    return [f for f, _ in daily_features(who, a_day(first), a_day(last))]


def cut(values: Minutes, first: int, last: int, value: float = 0.0) -> None:
    """Put the sensor away between two minutes."""
    values[first:last] = value


def test_regular_sleeper_by_hand() -> None:
    wakes = ((100, 130),)
    nights = tuple(episode(a_day(d), wakes=wakes) for d in range(1, 20))
    day = computed(person(sleep=nights))[-1]
    assert day.day == a_day(19)
    assert (day.recorded_minutes, day.worn_minutes, day.night_worn_minutes) == (1440, 1440, 720)
    assert day.night_present and day.flags == ()
    assert day.sleep == {
        "time_asleep_hours": 7.5,
        "time_in_bed_hours": 8.0,
        "efficiency": 7.5 / 8,
        "latency_minutes": None,  # the record begins with sleep
        "wake_after_onset_minutes": 30.0,
        "fragmentation_per_hour": 1 / 7.5,
        "onset_minutes": -60.0,
        "offset_minutes": 420.0,
        "midpoint_hours": 3.0,
        "sleep_regularity_index": 100.0,
    }
    amplitude = np.sqrt((1 / 3) / (2 / 3))
    expected = (7.5, 0, 0.5, 0, 8.0, 1, 0, 0, 7.5 / 24, amplitude)
    assert day.indexes[:10] == pytest.approx(expected)


def test_phase_of_a_regular_sleeper_is_that_of_the_schedule() -> None:
    day = computed(logged())[-1]
    assert day.phase["dlmo_hour"] == pytest.approx(21.577, abs=0.02)
    assert day.phase["cbtmin_hour"] == pytest.approx(4.577, abs=0.02)
    assert day.phase["amplitude"] == pytest.approx(1.101, abs=0.002)
    assert day.indexes[10:] == (day.phase["dlmo_hour"], day.phase["amplitude"])


def test_sleep_scored_from_counts_finds_the_same_night() -> None:
    day = computed(person())[-2]
    assert day.sleep["onset_minutes"] == pytest.approx(-60, abs=2)
    assert day.sleep["offset_minutes"] == pytest.approx(420, abs=2)
    assert day.phase["dlmo_hour"] == pytest.approx(21.577, abs=0.05)


def test_rhythm_begins_with_the_seventh_recorded_day() -> None:
    days = computed(logged())
    assert [d.rhythm["interdaily_stability"] is None for d in days] == [True] * 6 + [False] * 14
    assert days[-1].rhythm["interdaily_stability"] == pytest.approx(1.0, abs=0.01)
    onset = days[-1].rhythm["l5_onset_minute"]
    # The five stillest hours lie within the eight of the night.
    assert onset is not None and (onset - 1380) % 1440 <= 180


def test_window_belongs_to_the_day_whose_midnight_is_nearest_to_its_middle() -> None:
    # Middles at 09:00 of a day and at 21:00 of the day before it.
    for onset, offset in ((420, 660), (-300, -60)):
        days = computed(log_only(episode(a_day(10), onset, offset)))
        slept = [d.day for d in days if d.indexes[0]]
        assert slept == [a_day(10)], onset


def test_middle_at_noon_belongs_to_the_next_day() -> None:
    for middle, offset in ((719, 10), (720, 11), (721, 11)):
        days = computed(log_only(episode(a_day(10), middle - 120, middle + 120)))
        assert [d.day for d in days if d.indexes[0]] == [a_day(offset)], middle


@pytest.mark.parametrize("from_records", [True, False])
def test_in_two_goes_as_in_one(from_records: bool) -> None:
    who = logged() if from_records else person()
    whole = list(daily_features(who, a_day(0), a_day(19)))
    first = list(daily_features(who, a_day(0), a_day(9)))
    second = list(daily_features(who, a_day(10), a_day(19), first[-1][1]))
    assert first + second == whole


def test_day_by_day_as_in_one() -> None:
    who, pacemaker, days = logged(), None, []
    for offset in range(20):
        ((features, pacemaker),) = daily_features(who, a_day(offset), a_day(offset), pacemaker)
        days.append(features)
    assert days == computed(who)


def test_starting_anew_forgets_and_soon_agrees() -> None:
    # A pacemaker begun from one night on day 10 and one that knows ten nights more.
    anew = computed(logged(), 10, 19)
    known = computed(logged())[10:]
    assert anew[-1].phase["dlmo_hour"] == pytest.approx(known[-1].phase["dlmo_hour"], abs=0.01)


def test_future_days_change_no_earlier_day_where_sleep_comes_from_records() -> None:
    longer = logged(30)
    later = replace(longer, sleep=(*longer.sleep[:19], episode(a_day(20), 300, 900)))
    one, other = computed(logged(20)), computed(later, 0, 29)[:20]
    assert one == other
    for day in one:
        first = vector(one, day.day).values
        assert np.array_equal(first, vector(computed(later, 0, 29), day.day).values, equal_nan=True)


def test_future_night_changes_no_earlier_day_where_sleep_comes_from_counts() -> None:
    def awake(values: Minutes) -> None:
        values[15 * 1440 : 15 * 1440 + 420] = 300

    calm, other = computed(person(), 0, 14), computed(person(change=awake), 0, 19)
    assert calm == other[:15]


def test_missing_night_has_no_values() -> None:
    sleep = tuple(episode(a_day(d)) for d in range(1, 20) if d != 10)
    who = person(sleep=sleep, change=lambda v: cut(v, 10 * 1440 - 200, 10 * 1440 + 560, np.nan))
    day = computed(who)[10]
    assert not day.night_present and "night_missing" in day.flags
    assert day.indexes == (None,) * 12
    assert set(day.sleep.values()) == {None}
    assert day.phase["dlmo_hour"] == pytest.approx(21.577, abs=0.05)  # by the usual nights


@pytest.mark.parametrize(("lux", "present"), [(400.0, False), (0.0, True)])
def test_night_unworn_is_missing_in_the_light_and_rest_in_the_dark(
    lux: float, present: bool
) -> None:
    light = np.full(20 * 1440, 300.0)
    light[10 * 1440 - 60 : 10 * 1440 + 420] = lux
    who = person(
        change=lambda v: cut(v, 10 * 1440 - 60, 10 * 1440 + 420),
        light=series(light, Channel.LIGHT, unit="lux"),
    )
    day = computed(who)[10]
    assert day.night_present == present
    assert ("night_missing" in day.flags) != present
    assert ("night_unworn" in day.flags) == present
    assert day.night_worn_minutes == 240
    if present:
        assert day.sleep["time_asleep_hours"] == pytest.approx(8, abs=0.1)


def test_unworn_night_without_a_light_sensor_is_missing() -> None:
    day = computed(person(change=lambda v: cut(v, 10 * 1440 - 60, 10 * 1440 + 420)))[10]
    assert not day.night_present and day.indexes == (None,) * 12


def test_naps_alone_are_no_night() -> None:
    def away(values: Minutes) -> None:
        cut(values, 10 * 1440 - 300, 10 * 1440 + 560, np.nan)

    nap = episode(a_day(10), 600, 690)
    others = tuple(episode(a_day(d)) for d in range(1, 20) if d != 10)
    day = computed(person(sleep=(*others[:9], nap, *others[9:]), change=away))[10]
    assert not day.night_present
    assert set(day.sleep.values()) == {None} and day.indexes == (None,) * 12


def test_worn_night_without_a_record_is_read_from_activity() -> None:
    who = person(sleep=tuple(episode(a_day(d)) for d in range(1, 20) if d != 10))
    day = computed(who)[10]
    assert day.night_present
    assert day.sleep["time_asleep_hours"] == pytest.approx(8, abs=0.3)


def test_step_counter_night_without_a_record_is_missing_not_sleepless() -> None:
    steps = series(np.where(counts(20) > 100, 20.0, 0.0), Channel.STEPS)
    who = PersonData(
        zones=BERLIN, family=Family.STEPS, activity=steps, steps=steps,
        heart_rate=series(np.full(20 * 1440, 60.0), Channel.HEART_RATE),
        sleep=tuple(episode(a_day(d)) for d in range(1, 20) if d != 10),
    )  # fmt: skip
    days = computed(who)
    assert not days[10].night_present and "night_missing" in days[10].flags
    assert days[9].night_present and days[11].night_present


def test_step_counter_night_full_of_steps_is_a_night_awake() -> None:
    walked = np.where(counts(20) > 100, 20.0, 0.0)
    walked[10 * 1440 - 240 : 10 * 1440 + 600 : 15] = 30.0
    steps = series(walked, Channel.STEPS)
    who = PersonData(
        zones=BERLIN, family=Family.STEPS, activity=steps, steps=steps,
        heart_rate=series(np.full(20 * 1440, 60.0), Channel.HEART_RATE),
        sleep=tuple(episode(a_day(d)) for d in range(1, 20) if d != 10),
    )  # fmt: skip
    day = computed(who)[10]
    assert day.night_present and day.sleep["time_asleep_hours"] == 0


def test_days_to_come_change_no_earlier_day_read_from_activity() -> None:
    def loud(values: Minutes) -> None:
        values[15 * 1440 :] *= 20

    assert computed(person(change=loud))[:14] == computed(person())[:14]


def test_night_awake_and_worn_is_a_night_of_no_sleep() -> None:
    def awake(values: Minutes) -> None:
        values[10 * 1440 - 240 : 10 * 1440 + 600] = values[9 * 1440 + 450 : 9 * 1440 + 1290]

    records = tuple(episode(a_day(d)) for d in range(1, 20) if d != 10)
    day = computed(person(sleep=records, change=awake))[10]
    assert day.night_present and day.sleep["time_asleep_hours"] == 0
    assert day.indexes[:10] == (0,) * 10


def test_step_counter_without_sleep_records_knows_no_night() -> None:
    steps = np.where(counts(20) > 100, 20.0, 0.0)
    heart_rate = np.full(20 * 1440, 60.0)
    who = PersonData(
        zones=BERLIN, family=Family.STEPS, activity=series(steps, Channel.STEPS),
        steps=series(steps, Channel.STEPS), heart_rate=series(heart_rate, Channel.HEART_RATE),
    )  # fmt: skip
    for day in computed(who):
        assert not day.night_present and day.indexes == (None,) * 12


def test_day_with_little_recorded_is_flagged() -> None:
    who = logged(change=lambda v: cut(v, 10 * 1440 + 500, 11 * 1440, np.nan))
    days = computed(who)
    assert "partial_day" in days[10].flags and "partial_day" not in days[9].flags
    assert days[10].rhythm["l5"] is None and days[16].rhythm["l5"] is None
    assert days[17].rhythm["l5"] is not None


def clock_nights(zones: ZoneHistory, first: date, days: int) -> PersonData:
    """Sleep from 23:00 to 07:00 by the clock of the place, worn all the time."""
    start = zones.day_bounds(first)[0]
    minutes = round((zones.day_bounds(first + timedelta(days=days - 1))[1] - start) / MINUTE)
    nights = tuple(
        replace(
            episode(day),
            start=zones.at(day - timedelta(days=1), time(23)),
            end=zones.at(day, time(7)),
        )
        for day in (first + timedelta(days=d) for d in range(1, days))
    )
    values = 100 + np.arange(minutes) % 50
    return PersonData(
        zones=zones, family=Family.ACTIGRAPH_COUNTS, sleep=nights,
        activity=series(values.astype(np.float32), first=first, zones=zones),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "minutes", "slept"), [(date(2024, 3, 31), 1380, 7), (date(2024, 10, 27), 1500, 9)]
)
def test_clock_change_is_flagged_and_its_night_has_an_hour_less_or_more(
    change: date, minutes: int, slept: float
) -> None:
    who = clock_nights(BERLIN, change - timedelta(days=9), 16)
    days = {
        d.day: d
        for d, _ in daily_features(who, change - timedelta(days=9), change + timedelta(days=6))
    }
    day = days[change]
    assert day.recorded_minutes == minutes and day.flags == ("clock_change",)
    assert day.sleep["time_asleep_hours"] == slept
    assert day.sleep["onset_minutes"] == -60
    assert day.rhythm["l5"] is not None
    after = days[change + timedelta(days=6)]
    assert after.flags == () and after.sleep["time_asleep_hours"] == 8
    assert after.phase["dlmo_hour"] == pytest.approx(21.58, abs=0.5)


@pytest.mark.parametrize(
    ("home", "abroad"),
    [
        ("Europe/Berlin", "America/Toronto"),
        ("America/Toronto", "Asia/Tokyo"),
        ("Pacific/Honolulu", "Pacific/Auckland"),
        ("Pacific/Auckland", "Pacific/Honolulu"),
        ("Pacific/Pago_Pago", "Pacific/Kiritimati"),
        ("Pacific/Kiritimati", "Pacific/Pago_Pago"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_journey_is_flagged_and_the_phase_follows(home: str, abroad: str) -> None:
    zones = ZoneHistory(((date(2020, 1, 1), home), (a_day(10), abroad)))
    who, pacemaker, days = clock_nights(zones, FIRST, 25), None, []
    for offset in range(25):
        ((features, pacemaker),) = daily_features(who, a_day(offset), a_day(offset), pacemaker)
        days.append(features)
    assert [d.day for d in days if "travel_day" in d.flags] == [a_day(9), a_day(10)]
    assert len(days) == 25
    dlmo = [d.phase["dlmo_hour"] for d in days]
    assert dlmo[9] == pytest.approx(21.6, abs=0.1)
    assert dlmo[24] == pytest.approx(21.6, abs=1.5)


def test_phase_that_crosses_noon_is_flagged_and_does_not_jump() -> None:
    # Two hours later every day: once around the clock.
    nights = tuple(episode(a_day(d), -60 + 90 * d, 420 + 90 * d) for d in range(1, 26))
    days = [d for d in computed(person(28, nights), 0, 26) if d.indexes[10] is not None]
    unwrapped = [d.indexes[10] for d in days]
    steps = np.diff(np.array(unwrapped, dtype=np.float64))
    assert (np.abs(steps) < 6).all()
    turns = [int((phase - 12) // 24) for phase in unwrapped if phase is not None]
    crossings = [days[i].day for i in range(1, len(turns)) if turns[i] != turns[i - 1]]
    assert crossings  # and only where the printed hour jumps
    assert [d.day for d in days if "phase_crossed_noon" in d.flags] == crossings
    assert all(12 <= float(d.phase["dlmo_hour"] or 0) < 36 for d in days)


@pytest.mark.parametrize("onset", [-60, 90, 450, 540, 600])
def test_amplitude_counts_sleep_wherever_it_lies_in_the_noon_to_noon_day(onset: int) -> None:
    # The same 7 h every day, also across noon: a share p of each noon-to-noon day.
    nights = tuple(episode(a_day(d), onset, onset + 420) for d in range(1, 12))
    day = [d for d in computed(person(13, nights), 0, 10) if d.night_present][-1]
    p = 7 / 24
    assert day.indexes[9] == pytest.approx(np.sqrt(p / (1 - p)), rel=0.02)


def test_a_zone_set_by_the_minute_has_a_phase() -> None:
    monrovia = ZoneHistory.of("Africa/Monrovia")  # 44 min 30 s behind, until 7 January 1972
    who = clock_nights(monrovia, date(1972, 1, 1), 14)
    days = [f for f, _ in daily_features(who, date(1972, 1, 1), date(1972, 1, 14))]
    assert all(d.phase["dlmo_hour"] is not None for d in days[2:13])


def test_features_survive_storage() -> None:
    for day in computed(logged(), 0, 9):
        assert DayFeatures.from_dict(day.as_dict()) == day


def test_adding_a_day_of_sleep_shifts_the_clock_the_right_way() -> None:
    late = tuple(episode(a_day(d), 120, 600) for d in range(1, 20))
    dlmo = computed(person(sleep=late))[-1].phase["dlmo_hour"]
    assert dlmo == pytest.approx(21.577 + 3, abs=0.05)
