from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel
from patients.ingest.common.base import (
    Rejected,
    binned,
    recording,
    require_short_rows,
    sleep_episode,
    utc_from_local,
    zones_of,
)

BERLIN = ZoneHistory.of("Europe/Berlin")


def seconds(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[s]").astype(np.int64)


def hours_utc(*texts: str, zones: ZoneHistory = BERLIN) -> list[str]:
    found = utc_from_local(seconds(*texts), zones)
    return [datetime.fromtimestamp(s, UTC).strftime("%d %H:%M") for s in found.tolist()]


NO_PLACES = ["localtime", "posixrules", "Factory", "right/UTC", "posix/Europe/Berlin"]


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "Europe/Berlin\0", *NO_PLACES]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="time zone .* is not known"):
        zones_of(name)


def test_local_time_is_converted_in_summer_and_winter() -> None:
    assert hours_utc("2024-01-15T12:00", "2024-07-15T12:00") == ["15 11:00", "15 10:00"]


def test_a_repeated_hour_is_settled_by_file_order() -> None:
    texts = ["2024-10-27T01:59", "2024-10-27T02:00", "2024-10-27T02:59"]
    texts += ["2024-10-27T02:00", "2024-10-27T02:59", "2024-10-27T03:00"]
    expected = ["26 23:59", "27 00:00", "27 00:59", "27 01:00", "27 01:59", "27 02:00"]
    assert hours_utc(*texts) == expected


def test_a_repeated_hour_seen_once_is_its_first() -> None:
    assert hours_utc("2024-10-27T02:30", "2024-10-27T03:30") == ["27 00:30", "27 02:30"]


def test_a_time_that_never_was_is_shifted_by_the_gap() -> None:
    assert hours_utc("2024-03-31T01:59", "2024-03-31T02:30") == ["31 00:59", "31 01:30"]


def test_a_day_that_never_was_is_shifted_by_a_day() -> None:
    apia = ZoneHistory.of("Pacific/Apia")  # had no 30 December 2011
    assert hours_utc("2011-12-30T12:00", zones=apia) == hours_utc("2011-12-31T12:00", zones=apia)


@given(st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)), st.sampled_from(["Asia/Tokyo"]))
def test_local_time_agrees_with_zoneinfo(local: datetime, zone: str) -> None:
    found = utc_from_local(seconds(local.isoformat()), zones_of(zone))[0]
    assert found == int(local.replace(tzinfo=ZoneInfo(zone), microsecond=0).timestamp())


def samples(*pairs: tuple[int, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in pairs], np.int64), np.array([v for _, v in pairs], float)


def test_binned_means_a_minute_and_leaves_gaps_empty() -> None:
    rejected = Rejected()
    heart = samples((120, 60), (150, 80), (270, 90), (275, 5), (280, np.nan), (270, 90))
    series = binned(Channel.HEART_RATE, heart, rejected)
    assert series is not None
    assert series.start == datetime(1970, 1, 1, 0, 2, tzinfo=UTC)
    np.testing.assert_array_equal(series.values, [70, np.nan, 90])
    assert rejected == {"heart_rate_out_of_range": 2, "heart_rate_duplicate": 1}


def test_samples_out_of_range_are_told_by_utc_day_those_of_no_date_by_none() -> None:
    rejected = Rejected()
    heart = samples((86_399, 5), (86_400, 5), (86_401, 5), (86_402, 60), (-1, 5), (2**62, 5))
    binned(Channel.HEART_RATE, heart, rejected)
    binned(Channel.STEPS, samples((0, 200), (30, 200)), rejected, "sum")
    assert rejected == {
        "heart_rate_out_of_range": 5,
        "heart_rate_duplicate": 0,
        "steps_out_of_range": 0,
        "steps_duplicate": 0,
        "steps_minute_out_of_range": 1,
    }
    first, second = date(1970, 1, 1), date(1970, 1, 2)
    assert rejected.days == {
        (Channel.HEART_RATE, first): 1,
        (Channel.HEART_RATE, second): 2,
        (Channel.STEPS, first): 1,
    }


def test_binned_without_a_good_sample_is_none() -> None:
    assert binned(Channel.LIGHT, samples((0, -1)), Rejected()) is None


def test_binned_refuses_a_span_over_20_years() -> None:
    ends = samples((0, 60.0), (21 * 366 * 86400, 60.0))
    with pytest.raises(InputError, match="1970-01-01 to 1991.* 20 years"):
        binned(Channel.HEART_RATE, ends, Rejected())


@given(st.lists(st.tuples(st.integers(0, 600), st.floats(20, 300)), min_size=1), st.randoms())
def test_binned_does_not_depend_on_the_order(pairs: list, rng) -> None:
    first = binned(Channel.HEART_RATE, samples(*pairs), Rejected())
    rng.shuffle(pairs)
    second = binned(Channel.HEART_RATE, samples(*pairs), Rejected())
    assert first is not None and second is not None
    assert first.values.tobytes() == second.values.tobytes()


def test_sleep_episode_paints_later_segments_over_earlier() -> None:
    night = sleep_episode([(0, 3600, "light"), (3900, 4200, "deep"), (600, 660, "awake")])
    assert [(s.stage, (s.end - s.start).seconds) for s in night.stages] == [
        ("light", 600),
        ("awake", 60),
        ("light", 2940),
        ("deep", 300),
    ]
    assert (night.asleep_minutes, night.awake_minutes) == (64, 1)  # the gap is neither
    assert night.end - night.start == timedelta(minutes=70)


def test_recording_refuses_parts_20_years_apart() -> None:
    heart = binned(Channel.HEART_RATE, samples((0, 60.0)), Rejected())
    later = 21 * 366 * 86400
    with pytest.raises(InputError, match="20 years"):
        recording(Path("a.xml"), "x", "y", [heart], [sleep_episode([(later, later + 60, "light")])])


def test_recording_of_nothing_says_what_was_left_out() -> None:
    with pytest.raises(InputError, match=r"a\.xml holds nothing .*\(3 steps_unit\)"):
        recording(
            Path("a.xml"), "x", "y", [None], rejected=Rejected({"steps_unit": 3, "duplicate": 0})
        )


@pytest.mark.parametrize(
    ("line", "good"),
    [(b"1," * 499, True), (b"1," * 501, False), (b'"a","b"', True), (b'1,"a', False)],
)
def test_a_row_without_end_is_refused_before_pandas_widens_all_to_it(
    line: bytes, good: bool
) -> None:
    lines = [b'a note with one "\n', b"1,2\n", line + b"\n"]
    if good:
        require_short_rows(lines, 1)
        return
    with pytest.raises(ValueError, match="a row without end"):
        require_short_rows(lines, 1)
    require_short_rows(lines, 3)
