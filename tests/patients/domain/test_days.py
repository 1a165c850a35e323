"""Local days, across clock changes, journeys and edges."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory, zone_named
from patients.domain.errors import InputError

BERLIN = ZoneHistory.of("Europe/Berlin")
MINUTE = timedelta(minutes=1)
ZONES = ("Europe/Berlin", "America/Toronto", "Asia/Kolkata", "Pacific/Auckland", "Etc/UTC")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def minutes(zones: ZoneHistory, day: date) -> float:
    start, end = zones.day_bounds(day)
    return (end - start) / MINUTE


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", date(2024, 3, 30), 1440),
        ("Europe/Berlin", date(2024, 3, 31), 1380),
        ("Europe/Berlin", date(2024, 10, 27), 1500),
        ("America/Toronto", date(2024, 3, 10), 1380),
        ("America/Toronto", date(2024, 11, 3), 1500),
        ("Australia/Lord_Howe", date(2024, 4, 7), 1470),
        # Clocks that change at midnight itself.
        ("Africa/Cairo", date(2024, 4, 26), 1380),
        ("Africa/Cairo", date(2024, 10, 31), 1500),
        ("America/Havana", date(2024, 11, 3), 1500),
    ],
)
def test_day_has_its_minutes_when_clocks_change(zone: str, day: date, length: int) -> None:
    assert minutes(ZoneHistory.of(zone), day) == length


def test_days_lie_edge_to_edge_through_a_year_of_clock_changes() -> None:
    for zone in ZONES:
        zones = ZoneHistory.of(zone)
        for offset in range(366):
            day = date(2024, 1, 1) + timedelta(days=offset)
            assert zones.day_bounds(day)[1] == zones.day_bounds(day + timedelta(days=1))[0]


def test_journey_makes_a_longer_day_and_moves_the_midnights() -> None:
    zones = ZoneHistory(
        ((date(2024, 1, 1), "Europe/Berlin"), (date(2024, 6, 2), "America/Toronto"))
    )
    assert zones.day_bounds(date(2024, 6, 1)) == (utc(2024, 5, 31, 22), utc(2024, 6, 2, 4))
    assert minutes(zones, date(2024, 6, 1)) == 30 * 60
    assert minutes(zones, date(2024, 6, 2)) == 1440
    assert zones.local_day(utc(2024, 6, 2, 3, 59)) == date(2024, 6, 1)
    assert zones.local_day(utc(2024, 6, 2, 4)) == date(2024, 6, 2)


def test_journey_east_makes_a_shorter_day() -> None:
    zones = ZoneHistory(
        ((date(2024, 1, 1), "America/Toronto"), (date(2024, 6, 2), "Europe/Berlin"))
    )
    assert minutes(zones, date(2024, 6, 1)) == 18 * 60


def test_first_zone_holds_for_the_days_before_it() -> None:
    zones = ZoneHistory(((date(2024, 6, 1), "Asia/Kolkata"),))
    assert zones.day_bounds(date(2020, 1, 1))[0] == utc(2019, 12, 31, 18, 30)


NO_PLACES = ["localtime", "posixrules", "Factory", "right/UTC", "posix/Europe/Berlin"]


@pytest.mark.parametrize(
    "name", ["Berlin", "", "Europe/Nowhere", "../etc/passwd", "Europe/", *NO_PLACES]
)
def test_unknown_zone_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(InputError, match="is no time zone: give an IANA name") as refused:
        zone_named(name)
    assert "\n" not in str(refused.value)


def test_patient_without_a_zone_is_refused() -> None:
    with pytest.raises(InputError, match="no time zone yet"):
        ZoneHistory(()).zone_on(date(2024, 1, 1))


def test_local_day_at_the_edges() -> None:
    midnight = utc(2024, 3, 30, 23)
    assert BERLIN.local_day(midnight - timedelta(microseconds=1)) == date(2024, 3, 30)
    assert BERLIN.local_day(midnight) == date(2024, 3, 31)
    assert BERLIN.local_day(utc(2024, 3, 31, 21, 59)) == date(2024, 3, 31)
    assert BERLIN.local_day(utc(2024, 3, 31, 22)) == date(2024, 4, 1)


def test_zones_are_told_over_the_days_asked_for() -> None:
    zones = ZoneHistory(
        (
            (date(2024, 1, 1), "Europe/Berlin"),
            (date(2024, 5, 3), "America/Toronto"),
            (date(2024, 5, 9), "America/Toronto"),
            (date(2024, 6, 1), "Asia/Tokyo"),
        )
    )
    both = "Europe/Berlin, America/Toronto from 2024-05-03"
    for days, words in (
        ((date(2023, 1, 1), date(2024, 5, 2)), "Europe/Berlin"),
        ((date(2024, 5, 2), date(2024, 5, 3)), both),
        ((date(2024, 5, 2), date(2024, 5, 31)), both),
        ((date(2024, 5, 3), date(2024, 5, 31)), "America/Toronto"),
        ((date.min, date.max), f"{both}, Asia/Tokyo from 2024-06-01"),
    ):
        assert zones.told(*days) == words
    assert BERLIN.told(date.min, date.max) == "Europe/Berlin"


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
)
def test_local_day_holds_its_moment(moment: datetime, zone: str) -> None:
    zones = ZoneHistory.of(zone)
    start, end = zones.day_bounds(zones.local_day(moment))
    assert start <= moment < end
    assert zones.local_day(moment) == moment.astimezone(zone_named(zone)).date()


def test_night_runs_from_noon_to_noon_and_follows_the_clock() -> None:
    assert BERLIN.night_bounds(date(2024, 1, 2)) == (utc(2024, 1, 1, 11), utc(2024, 1, 2, 11))
    assert BERLIN.night_bounds(date(2024, 3, 31)) == (utc(2024, 3, 30, 11), utc(2024, 3, 31, 10))
    assert BERLIN.night_bounds(date(2024, 10, 27)) == (utc(2024, 10, 26, 10), utc(2024, 10, 27, 11))


def test_days_touched_are_half_open() -> None:
    start, end = utc(2024, 1, 1, 22, 59), utc(2024, 1, 2, 23)
    assert list(BERLIN.days(start, end)) == [date(2024, 1, 1), date(2024, 1, 2)]
    assert list(BERLIN.days(start, end + timedelta(seconds=1)))[-1] == date(2024, 1, 3)


def test_minute_of_day_is_read_from_the_clock() -> None:
    day = date(2024, 3, 31)
    assert BERLIN.minute_of_day(BERLIN.at(day, time(7)), day) == 420
    assert BERLIN.minute_of_day(BERLIN.at(day - timedelta(days=1), time(23)), day) == -60
    assert BERLIN.minute_of_day(BERLIN.at(day + timedelta(days=1), time(0)), day) == 1440
