"""The sleep of a day by hand: what each number means and when it is not known."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from patients.domain.recording import Channel, SleepEpisode, SleepStage
from scoring.domain.daily import daily_features
from scoring.domain.day_sleep import sleep_regularity_index
from scoring.domain.types import DayFeatures, Mask, PersonData
from tests.scoring.domain.builders import (
    BERLIN,
    MINUTE,
    a_day,
    episode,
    log_only,
    logged,
    person,
    series,
)

LAST = 8


def last_day(who: PersonData) -> DayFeatures:
    return [f for f, _ in daily_features(who, a_day(LAST), a_day(LAST))][0]


def night(*stages: tuple[int, int, str], day: int = LAST) -> SleepEpisode:
    """A record of these stages, in minutes of the day."""
    midnight = BERLIN.day_bounds(a_day(day))[0]
    told = tuple(SleepStage(midnight + a * MINUTE, midnight + b * MINUTE, s) for a, b, s in stages)
    awake = sum(b - a for a, b, s in stages if s == "awake")
    length = stages[-1][1] - stages[0][0]
    return SleepEpisode(told[0].start, told[-1].end, length - awake, awake, told)


def test_latency_is_the_time_awake_at_the_start_of_the_record() -> None:
    record = night((-60, -35, "awake"), (-35, 180, "light"), (180, 200, "awake"), (200, 430, "rem"))
    sleep = last_day(log_only(record)).sleep
    assert sleep["latency_minutes"] == 25
    assert sleep["onset_minutes"] == -35
    assert sleep["wake_after_onset_minutes"] == 20
    # In bed for 490 minutes, of which 25 and 20 awake.
    assert sleep["time_in_bed_hours"] == pytest.approx(490 / 60)
    assert sleep["efficiency"] == pytest.approx(445 / 490)
    assert sleep["fragmentation_per_hour"] == pytest.approx(1 / (445 / 60))


def test_latency_goes_on_until_the_first_sleep() -> None:
    record = night((-60, -50, "awake"), (-50, -40, "wake"), (-40, 420, "asleep"))
    assert last_day(log_only(record)).sleep["latency_minutes"] == 20


@pytest.mark.parametrize(
    "record",
    [
        episode(a_day(LAST)),  # no stages
        night((-60, 100, "light"), (100, 130, "awake"), (130, 420, "deep")),  # begins asleep
        # Its first stage is told only later: what was before it nobody knows.
        replace(night((-60, -40, "awake"), (-40, 420, "light")),
                start=BERLIN.day_bounds(a_day(LAST))[0] - 90 * MINUTE),
    ],
)  # fmt: skip
def test_latency_is_not_known_unless_the_record_begins_awake(record: SleepEpisode) -> None:
    assert last_day(log_only(record)).sleep["latency_minutes"] is None


def test_latency_is_that_of_the_main_sleep() -> None:
    main = night((-60, 420, "light"))
    nap = night((600, 620, "awake"), (620, 700, "light"))
    assert last_day(log_only(main, nap)).sleep["latency_minutes"] is None


def test_sleep_read_from_activity_has_no_latency() -> None:
    sleep = last_day(person(LAST + 2)).sleep
    assert sleep["time_asleep_hours"] == pytest.approx(8, abs=0.1)
    assert sleep["latency_minutes"] is None and sleep["fragmentation_per_hour"] == 0


@pytest.mark.parametrize(("awake", "counted"), [(9, 0), (10, 1), (59, 1)])
def test_awakening_of_ten_minutes_fragments_sleep(awake: int, counted: int) -> None:
    record = episode(a_day(LAST), wakes=((100, 100 + awake),))
    found = last_day(log_only(record)).sleep["fragmentation_per_hour"]
    assert found == pytest.approx(counted / ((480 - awake) / 60))


def test_awakenings_are_not_known_where_only_their_minutes_are_told() -> None:
    record = replace(episode(a_day(LAST)), asleep_minutes=440, awake_minutes=40.0)
    sleep = last_day(log_only(record)).sleep
    assert sleep["fragmentation_per_hour"] is None
    assert sleep["wake_after_onset_minutes"] == 40
    assert sleep["efficiency"] == pytest.approx(440 / 480)
    none_awake = last_day(log_only(episode(a_day(LAST)))).sleep
    assert none_awake["fragmentation_per_hour"] == 0


def test_nap_is_in_the_efficiency_of_the_day() -> None:
    main = episode(a_day(LAST), wakes=((100, 130),))
    nap = night((600, 620, "awake"), (620, 680, "light"))
    sleep = last_day(log_only(main, nap)).sleep
    assert sleep["efficiency"] == pytest.approx((450 + 60) / (480 + 80))


def test_night_without_sleep_has_no_shares() -> None:
    who = person(LAST + 2, change=lambda v: v.__setitem__(slice(None), 300 + np.arange(len(v)) % 7))
    sleep = last_day(who).sleep
    assert sleep["time_asleep_hours"] == 0
    assert sleep["efficiency"] is None and sleep["fragmentation_per_hour"] is None


def test_regular_sleeper_has_an_index_of_100() -> None:
    assert last_day(logged(LAST + 2)).sleep["sleep_regularity_index"] == 100


def test_one_night_three_hours_late_by_hand() -> None:
    late = {4: episode(a_day(4), 120, 600)}
    nights = tuple(late.get(d, episode(a_day(d))) for d in range(1, LAST + 1))
    found = last_day(person(LAST + 2, nights)).sleep["sleep_regularity_index"]
    # 2 x 180 minutes differ from the night before, and as many from the night after.
    assert found == pytest.approx(100 - 200 * 720 / (6 * 1440), abs=1e-9)


def test_index_is_of_seven_days_and_no_more() -> None:
    nights = tuple(episode(a_day(d), *((120, 600) if d < 2 else ())) for d in range(1, 10))
    who = person(10, nights)
    found = [f.sleep["sleep_regularity_index"] for f, _ in daily_features(who, a_day(7), a_day(8))]
    assert found[0] < 100 and found[1] == 100  # type: ignore[operator]


@pytest.mark.parametrize(("missing", "is_known"), [(1, True), (2, False)])
def test_one_missing_night_is_borne_and_two_are_not(missing: int, is_known: bool) -> None:
    def away(values: np.ndarray) -> None:
        for day in (3, 5)[:missing]:
            values[day * 1440 - 180 : day * 1440 + 540] = np.nan

    nights = tuple(episode(a_day(d)) for d in range(1, 10) if d not in (3, 5)[:missing])
    found = last_day(person(10, nights, away)).sleep["sleep_regularity_index"]
    assert found == (100 if is_known else None)


def test_unknown_minutes_are_no_wake() -> None:
    asleep = np.tile(np.arange(1440) < 480, 7)
    known = np.ones_like(asleep)
    known[1440:1740] = False
    asleep[1440:1740] = False  # what an unknown minute says is not read
    assert sleep_regularity_index(asleep, known) == 100
    assert sleep_regularity_index(asleep, np.ones_like(asleep)) < 100  # type: ignore[operator]


def test_three_quarters_of_the_pairs_must_be_known() -> None:
    asleep, known = np.zeros(2880, dtype=bool), np.ones(2880, dtype=bool)
    known[:360] = False
    assert sleep_regularity_index(asleep, known) == 100
    known[360] = False
    assert sleep_regularity_index(asleep, known) is None


def test_opposite_days_have_an_index_of_minus_100() -> None:
    asleep = np.repeat([True, False, True], 1440)
    assert sleep_regularity_index(asleep, np.ones_like(asleep)) == -100


@pytest.mark.parametrize("minutes", [0, 1, 1440])
def test_less_than_two_days_have_no_index(minutes: int) -> None:
    every = np.ones(minutes, dtype=bool)
    assert sleep_regularity_index(every, every) is None


@given(arrays(np.bool_, 3000), arrays(np.bool_, 3000))
def test_index_is_the_share_of_equal_known_pairs(asleep: Mask, known: Mask) -> None:
    pairs = [i for i in range(1440, 3000) if known[i] and known[i - 1440]]
    found = sleep_regularity_index(asleep, known)
    if len(pairs) < 0.75 * 1560:
        assert found is None
    else:
        same = sum(bool(asleep[i] == asleep[i - 1440]) for i in pairs)
        assert found == pytest.approx(-100 + 200 * same / len(pairs))


@pytest.mark.parametrize("change", [date(2024, 3, 31), date(2024, 10, 27)])
def test_who_keeps_the_clock_is_an_hour_off_once_when_it_changes(change: date) -> None:
    days = [change + timedelta(days=n) for n in range(-5, 3)]
    pulse = series(np.full(10 * 1440, 60.0), Channel.HEART_RATE, first=days[0])
    who = replace(log_only(*(episode(d) for d in days)), heart_rate=pulse)
    [(features, _)] = daily_features(who, days[-1], days[-1])
    # Sleep began or ended an hour off twice; the last evening, before its record, is not known.
    wanted = 100 - 200 * 120 / (6 * 1440 - 720)
    assert features.sleep["sleep_regularity_index"] == pytest.approx(wanted)
