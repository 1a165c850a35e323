"""Local days of people who fly, worked by hand: across 9 zones, and over the date line."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.ingest.sources import read_recordings

HOUR = timedelta(hours=1)
PLACES = (
    "Europe/Paris", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago",
    "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Auckland",
)  # fmt: skip
# In summer Paris is two hours before UTC and Los Angeles seven behind it.
TRIP = ZoneHistory(
    (
        (date(2024, 1, 1), "Europe/Paris"),
        (date(2024, 6, 11), "America/Los_Angeles"),
        (date(2024, 6, 21), "Europe/Paris"),
    )
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def test_flight_west_over_nine_zones_by_hand() -> None:
    assert TRIP.day_bounds(date(2024, 6, 10)) == (utc(2024, 6, 9, 22), utc(2024, 6, 11, 7))  # 33 h
    assert TRIP.day_bounds(date(2024, 6, 11)) == (utc(2024, 6, 11, 7), utc(2024, 6, 12, 7))
    # From noon in Paris to noon in Los Angeles.
    assert TRIP.night_bounds(date(2024, 6, 11)) == (utc(2024, 6, 10, 10), utc(2024, 6, 11, 19))
    assert TRIP.night_bounds(date(2024, 6, 10))[1] == utc(2024, 6, 10, 10)


def test_flight_east_over_nine_zones_by_hand() -> None:
    assert TRIP.day_bounds(date(2024, 6, 20)) == (utc(2024, 6, 20, 7), utc(2024, 6, 20, 22))  # 15 h
    assert TRIP.day_bounds(date(2024, 6, 21)) == (utc(2024, 6, 20, 22), utc(2024, 6, 21, 22))
    assert TRIP.night_bounds(date(2024, 6, 21)) == (utc(2024, 6, 20, 19), utc(2024, 6, 21, 10))


def test_moments_around_the_flight_have_the_day_of_the_place() -> None:
    assert TRIP.local_day(utc(2024, 6, 11, 6, 59)) == date(2024, 6, 10)  # 23:59 in Los Angeles
    assert TRIP.local_day(utc(2024, 6, 11, 7)) == date(2024, 6, 11)
    assert TRIP.local_day(utc(2024, 6, 20, 21, 59)) == date(2024, 6, 20)
    assert TRIP.local_day(utc(2024, 6, 20, 22)) == date(2024, 6, 21)  # midnight in Paris


def test_clock_is_that_of_the_days_own_place() -> None:
    arrived, moment = date(2024, 6, 11), utc(2024, 6, 11, 5)
    assert TRIP.minute_of_day(moment, arrived) == -120  # 22:00 in Los Angeles
    assert TRIP.minute_of_day(moment, date(2024, 6, 10)) == 1440 + 7 * 60  # 07:00 in Paris


def test_naive_stamps_before_and_after_the_flights_are_read_in_their_place(tmp_path: Path) -> None:
    for day, read in (
        (10, utc(2024, 6, 10, 6, 30)),
        (11, utc(2024, 6, 11, 15, 30)),
        (20, utc(2024, 6, 20, 15, 30)),
        (21, utc(2024, 6, 21, 6, 30)),
    ):
        path = tmp_path / "recording.csv"
        path.write_text(f"timestamp,steps\n2024-06-{day} 08:30,5\n")
        [recording] = read_recordings(path, TRIP)
        assert recording.start == read


def test_date_that_occurs_twice_is_one_long_day() -> None:
    # Kiritimati is 14 h before UTC, Pago Pago 11 h behind it: their dates differ by a day.
    west = ZoneHistory(
        ((date(2024, 1, 1), "Pacific/Kiritimati"), (date(2024, 6, 11), "Pacific/Pago_Pago"))
    )
    assert west.day_bounds(date(2024, 6, 10)) == (utc(2024, 6, 9, 10), utc(2024, 6, 11, 11))
    assert west.local_day(utc(2024, 6, 11, 10, 59)) == date(2024, 6, 10)
    assert west.local_day(utc(2024, 6, 11, 11)) == date(2024, 6, 11)


def test_date_that_is_flown_over_has_no_minute_and_takes_none_twice() -> None:
    east = ZoneHistory(
        ((date(2024, 1, 1), "Pacific/Pago_Pago"), (date(2024, 6, 11), "Pacific/Kiritimati"))
    )
    begins = utc(2024, 6, 10, 10)  # 11 June in Kiritimati, an hour before 10 June in Pago Pago
    assert east.day_bounds(date(2024, 6, 9)) == (utc(2024, 6, 9, 11), begins)
    assert east.day_bounds(date(2024, 6, 10)) == (begins, begins)
    assert east.day_bounds(date(2024, 6, 11)) == (begins, begins + 24 * HOUR)
    assert east.local_day(begins) == date(2024, 6, 11)
    assert east.night_bounds(date(2024, 6, 10)) == (utc(2024, 6, 9, 23), begins)
    assert east.night_bounds(date(2024, 6, 11)) == (begins, begins + 12 * HOUR)
    touched = list(east.days(begins - HOUR, begins + HOUR))
    assert touched == [date(2024, 6, 9), date(2024, 6, 11)]


def test_short_day_of_a_journey_east_ends_its_night_with_itself() -> None:
    # Honolulu is 10 h behind UTC, Auckland 12 before it: 10 June has two hours and no noon.
    east = ZoneHistory(
        ((date(2024, 1, 1), "Pacific/Honolulu"), (date(2024, 6, 11), "Pacific/Auckland"))
    )
    assert east.day_bounds(date(2024, 6, 10)) == (utc(2024, 6, 10, 10), utc(2024, 6, 10, 12))
    # Slept from 23:00 to 07:00 in Auckland: the middle is in the night of the 11th.
    low, high = east.night_bounds(date(2024, 6, 11))
    assert low <= east.at(date(2024, 6, 11), time(3)) < high


def test_samoa_had_no_30_december_2011() -> None:
    samoa = ZoneHistory.of("Pacific/Apia")
    midnight = utc(2011, 12, 30, 10)
    assert samoa.day_bounds(date(2011, 12, 29)) == (utc(2011, 12, 29, 10), midnight)
    assert samoa.day_bounds(date(2011, 12, 30)) == (midnight, midnight)
    assert samoa.day_bounds(date(2011, 12, 31)) == (midnight, midnight + 24 * HOUR)
    assert samoa.local_day(midnight) == date(2011, 12, 31)
    assert samoa.night_bounds(date(2011, 12, 31)) == (midnight, midnight + 12 * HOUR)
    touched = list(samoa.days(midnight - HOUR, midnight + HOUR))
    assert touched == [date(2011, 12, 29), date(2011, 12, 31)]


@st.composite
def journeys(draw: st.DrawFn) -> tuple[ZoneHistory, date]:
    """Journeys a few days apart, or on days in a row, and the day of the first."""
    day = first = draw(st.sampled_from((date(2011, 12, 27), date(2024, 3, 29), date(2024, 6, 10))))
    spans = [(date(2000, 1, 1), draw(st.sampled_from(PLACES)))]
    for _ in range(draw(st.integers(1, 4))):
        spans.append((day, draw(st.sampled_from(PLACES))))
        day += timedelta(days=draw(st.integers(1, 3)))
    return ZoneHistory(tuple(spans)), first


@given(journeys())
def test_days_and_nights_lie_edge_to_edge_on_every_journey(trip: tuple[ZoneHistory, date]) -> None:
    zones, first = trip
    days = [first + timedelta(days=n) for n in range(-3, 14)]
    for bounds in (zones.day_bounds, zones.night_bounds):
        for day in days:
            assert bounds(day)[0] <= bounds(day)[1]
            assert bounds(day)[1] == bounds(day + timedelta(days=1))[0]


@given(journeys(), st.integers(-3, 14), st.integers(0, 14))
def test_zones_told_in_words_are_read_from_them(
    trip: tuple[ZoneHistory, date], begin: int, length: int
) -> None:
    zones, day = trip
    days = [day + timedelta(days=begin + n) for n in range(length + 1)]
    words = zones.told(days[0], days[-1])
    read = ZoneHistory.from_told(words)
    assert [read.zone_on(day) for day in days] == [zones.zone_on(day) for day in days]
    assert read.told(days[0], days[-1]) == words


@given(journeys(), st.integers(-48 * 60, 12 * 24 * 60))
def test_every_moment_of_every_journey_has_one_day(
    trip: tuple[ZoneHistory, date], minute: int
) -> None:
    zones, first = trip
    moment = datetime.combine(first, time.min, UTC) + timedelta(minutes=minute)
    near = [moment.date() + timedelta(days=n) for n in range(-3, 4)]
    holding = [d for d in near if zones.day_bounds(d)[0] <= moment < zones.day_bounds(d)[1]]
    assert holding == [zones.local_day(moment)]
    assert [d for d in zones.days(moment, moment + HOUR) if d in holding] == holding


@pytest.mark.parametrize("place", PLACES)
def test_a_year_is_cut_into_days_without_gap_or_overlap(place: str) -> None:
    zones, total = ZoneHistory.of(place), timedelta()
    for offset in range(366):
        begins, ends = zones.day_bounds(date(2011, 6, 1) + timedelta(days=offset))
        total += ends - begins
    whole = zones.day_bounds(date(2012, 6, 1))[0] - zones.day_bounds(date(2011, 6, 1))[0]
    assert total == whole
