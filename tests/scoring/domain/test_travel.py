"""Features on a day of 23 h, one of 25 h, and days with a flight over 9 zones, by hand."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, Family, MinuteSeries, SleepEpisode
from scoring.domain.daily import daily_features
from scoring.domain.types import DayFeatures, PersonData
from tests.scoring.domain.builders import BERLIN, MINUTE

HOUR = timedelta(hours=1)
Spans = list[tuple[datetime, datetime]]
TRIP = ZoneHistory(
    (
        (date(2024, 1, 1), "Europe/Paris"),
        (date(2024, 6, 11), "America/Los_Angeles"),
        (date(2024, 6, 21), "Europe/Paris"),
    )
)


def sleeper(
    zones: ZoneHistory, first: date, last: date, sleep: Spans, recorded: bool
) -> PersonData:
    """Awake 90 and 110 by turns; asleep 8 and 12 in a record, else 0 with a twitch of 60.

    Steps are 0 to 6 on every minute, in turn.
    """
    start, end = zones.day_bounds(first)[0], zones.day_bounds(last)[1]
    minute = np.arange(round((end - start) / MINUTE))
    values = np.where(minute % 2, 110.0, 90.0)
    for onset, offset in sleep:
        inside = slice(*(max(round((t - start) / MINUTE), 0) for t in (onset, offset)))
        in_sleep = minute[inside]
        values[inside] = (
            np.where(in_sleep % 2, 12.0, 8.0) if recorded else np.where(in_sleep % 20, 0.0, 60.0)
        )

    def series(channel: Channel, of: NDArray[Any]) -> MinuteSeries:
        return MinuteSeries(channel, "a minute", start, of.astype(np.float32))

    return PersonData(
        zones=zones, family=Family.ACTIGRAPH_COUNTS, activity=series(Channel.ACTIVITY, values),
        steps=series(Channel.STEPS, minute % 7),
        sleep=tuple(
            SleepEpisode(a, b, (b - a) / MINUTE, 0.0) for a, b in sleep if recorded and a > start
        ),
    )  # fmt: skip


def from_23_to_7(zones: ZoneHistory, first: date, last: date) -> Spans:
    days = [first + timedelta(days=n) for n in range((last - first).days + 2)]
    return [(zones.at(d - timedelta(days=1), time(23)), zones.at(d, time(7))) for d in days]


def computed(who: PersonData, first: date, last: date) -> dict[date, DayFeatures]:
    return {f.day: f for f, _ in daily_features(who, first, last)}


def steps_of(days: dict[date, DayFeatures]) -> float:
    return sum(float(f.activity["steps"] or 0) for f in days.values())


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("day", "minutes", "slept", "l5_hour"),
    [(date(2024, 3, 31), 1380, 7.0, 0), (date(2024, 10, 27), 1500, 9.0, 22)],
)
def test_day_of_23_and_of_25_hours(
    day: date, minutes: int, slept: float, l5_hour: int, recorded: bool
) -> None:
    first, last = day - timedelta(days=9), day + timedelta(days=7)
    who = sleeper(BERLIN, first, last, from_23_to_7(BERLIN, first, last), recorded)
    days = computed(who, first, last)
    features = days[day]
    assert features.flags == ("clock_change",)
    assert [d for d, f in days.items() if "clock_change" in f.flags] == [day]
    assert (features.recorded_minutes, features.worn_minutes) == (minutes, minutes)
    # Hours that passed, and times on the clock.
    assert features.sleep["time_asleep_hours"] == pytest.approx(slept, abs=0.02)
    assert features.sleep["onset_minutes"] == pytest.approx(-60, abs=1)
    assert features.sleep["offset_minutes"] == pytest.approx(420, abs=1)
    assert features.activity["steps"] == pytest.approx(minutes * 3, abs=21)
    assert features.activity["recorded_hours"] == minutes / 60
    if recorded:
        # From midnight to 07:00 by the clock, 6 h or 8 h, and an hour from 23:00.
        asleep = 60 * slept
        mean = (asleep * 10 + (minutes - asleep) * 100) / minutes
        assert features.activity["mean_per_minute"] == pytest.approx(mean)
        # The week is 10,080 minutes that end at midnight, so the six nights before lie an hour
        # off the clock; all seven nights are asleep from 00:00 (22:00) on for 7 (8) hours.
        assert features.rhythm["l5"] == pytest.approx(10)
        assert features.rhythm["m10"] == pytest.approx(100)
        onset = features.rhythm["l5_onset_minute"]
        assert onset is not None and (onset - l5_hour * 60) % 1440 <= 180
    assert days[day + timedelta(days=1)].sleep["time_asleep_hours"] == pytest.approx(8, abs=0.02)


def test_minutes_of_a_night_with_a_clock_change_count_as_they_passed() -> None:
    for day, minutes in ((date(2024, 3, 31), 660), (date(2024, 10, 27), 780)):
        first, last = day - timedelta(days=2), day
        who = sleeper(BERLIN, first, last, from_23_to_7(BERLIN, first, last), True)
        assert computed(who, first, last)[day].night_worn_minutes == minutes  # 21:00 to 09:00


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


FIRST, LAST = date(2024, 6, 5), date(2024, 6, 26)
IN_PARIS = [(utc(2024, 6, d - 1, 21), utc(2024, 6, d, 5)) for d in range(5, 11)]
NAP_ON_BOARD = (utc(2024, 6, 10, 14), utc(2024, 6, 10, 15, 30))
IN_LOS_ANGELES = [(utc(2024, 6, d, 5), utc(2024, 6, d, 14)) for d in range(11, 21)]
NIGHT_ON_BOARD = (utc(2024, 6, 21, 2), utc(2024, 6, 21, 6))
BACK_IN_PARIS = [(utc(2024, 6, d - 1, 21), utc(2024, 6, d, 5)) for d in range(22, 27)]
TRIP_SLEEP = [*IN_PARIS, NAP_ON_BOARD, *IN_LOS_ANGELES, NIGHT_ON_BOARD, *BACK_IN_PARIS]


@pytest.fixture(scope="module")
def trip() -> dict[date, DayFeatures]:
    """Out from Paris on 10 June, 13:00 to 15:30; back from Los Angeles on 20 June at 17:00."""
    return computed(sleeper(TRIP, FIRST, LAST, TRIP_SLEEP, True), FIRST, LAST)


def test_days_of_the_flights_are_marked_and_have_their_hours(trip: dict[date, DayFeatures]) -> None:
    marked = {d: f.recorded_minutes for d, f in trip.items() if "travel_day" in f.flags}
    assert marked == {
        date(2024, 6, 10): 33 * 60, date(2024, 6, 11): 1440,
        date(2024, 6, 20): 15 * 60, date(2024, 6, 21): 1440,
    }  # fmt: skip
    assert not any("clock_change" in f.flags for f in trip.values())


def test_night_after_the_flight_west_by_hand(trip: dict[date, DayFeatures]) -> None:
    night = trip[date(2024, 6, 11)]
    # Nap on board and night from 22:00 to 07:00 in Los Angeles, between the two noons.
    assert night.sleep["time_asleep_hours"] == pytest.approx(1.5 + 9)
    assert (night.sleep["onset_minutes"], night.sleep["offset_minutes"]) == (-120, 420)
    assert night.sleep["midpoint_hours"] == 2.5
    assert night.indexes[:8] == pytest.approx((9.0, 1.5, 0, 0, 9.0, 1, 1.5, 1))
    # Share awake of the 33 h, in bins of ten minutes that are wholly awake or asleep.
    awake = (33 - 10.5) / 33
    assert night.indexes[9] == pytest.approx(np.sqrt(awake * (1 - awake)) / awake)


def test_night_of_the_flight_east_by_hand(trip: dict[date, DayFeatures]) -> None:
    night = trip[date(2024, 6, 21)]
    # Asleep on board from 04:00 to 08:00 by the clock of Paris.
    assert night.sleep["time_asleep_hours"] == pytest.approx(4)
    assert (night.sleep["onset_minutes"], night.sleep["offset_minutes"]) == (240, 480)
    assert night.night_worn_minutes == 180  # 21:00 in Los Angeles is 06:00 in Paris


def test_every_sleep_belongs_to_one_day(trip: dict[date, DayFeatures]) -> None:
    found = sum(f.sleep["time_asleep_hours"] or 0 for f in trip.values() if f.night_present)
    # The first night began before the recording did: its record is left out.
    asked = sum((b - a) / HOUR for a, b in TRIP_SLEEP[1:])
    assert found == pytest.approx(asked)


def test_no_step_is_counted_twice_or_lost(trip: dict[date, DayFeatures]) -> None:
    minutes = round((TRIP.day_bounds(LAST)[1] - TRIP.day_bounds(FIRST)[0]) / MINUTE)
    assert sum(f.recorded_minutes for f in trip.values()) == minutes
    assert steps_of(trip) == (np.arange(minutes) % 7).sum()
    assert trip[date(2024, 6, 10)].activity["steps"] == pytest.approx(33 * 60 * 3, abs=21)
    assert trip[date(2024, 6, 20)].activity["steps"] == pytest.approx(15 * 60 * 3, abs=21)


@pytest.mark.parametrize(
    ("home", "abroad"),
    [
        ("Pacific/Pago_Pago", "Pacific/Kiritimati"),
        ("Pacific/Kiritimati", "Pacific/Pago_Pago"),
        ("Pacific/Honolulu", "Pacific/Auckland"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_date_line_counts_no_step_twice_and_does_not_fail(home: str, abroad: str) -> None:
    zones = ZoneHistory(((date(2024, 1, 1), home), (date(2024, 6, 11), abroad)))
    who = sleeper(zones, FIRST, LAST, from_23_to_7(zones, FIRST, date(2024, 6, 9)), True)
    days = computed(who, FIRST, LAST)
    minutes = round((zones.day_bounds(LAST)[1] - zones.day_bounds(FIRST)[0]) / MINUTE)
    assert steps_of(days) == (np.arange(minutes) % 7).sum()
    assert "travel_day" in days[date(2024, 6, 10)].flags
    assert "travel_day" in days[date(2024, 6, 11)].flags


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_samoa_lost_a_day_but_no_step() -> None:
    samoa, first, last = ZoneHistory.of("Pacific/Apia"), date(2011, 12, 25), date(2012, 1, 3)
    sleep = [s for s in from_23_to_7(samoa, first, last) if s[0] < s[1] and s[0].day != 30]
    days = computed(sleeper(samoa, first, last, sleep, True), first, last)
    assert sum(f.recorded_minutes for f in days.values()) == 9 * 1440
    assert days[date(2011, 12, 30)].recorded_minutes == 0
    assert "clock_change" in days[date(2011, 12, 30)].flags
    assert days[date(2011, 12, 29)].sleep["time_asleep_hours"] == 8
