"""Fitbit sleep logs over the hour that comes twice."""

from pathlib import Path
from typing import Any

from tests.patients.ingest.builders import fitbit_level, fitbit_sleep
from tests.patients.ingest.test_fitbit import night_of


def autumn(tmp_path: Path, start: str, end: str, hours: float, *rows: tuple[str, str, int]) -> Any:
    """The night of a log over the end of summer time in Berlin, 27 October 2024, 03:00 to 02:00."""
    log = fitbit_sleep(f"2024-10-{start}", f"2024-10-{end}", duration=int(hours * 3_600_000))
    log |= {"minutesAsleep": None, "minutesAwake": None}
    log["levels"] = {"data": [fitbit_level(f"2024-10-{at}", stage, n) for at, stage, n in rows]}
    return night_of(tmp_path, log)


def spans(night: Any) -> list[tuple[str, str, str]]:
    return [(f"{s.start:%H:%M}", f"{s.end:%H:%M}", s.stage) for s in night.stages]


def test_stretches_in_the_hour_told_twice_follow_each_other(tmp_path: Path) -> None:
    night = autumn(
        tmp_path, "26T23:30:00", "27T07:00:00", 8.5,
        ("26T23:30:00", "light", 120), ("27T01:30:00", "deep", 90),
        ("27T02:00:00", "rem", 60), ("27T03:00:00", "light", 240),
    )  # fmt: skip
    assert spans(night) == [
        ("21:30", "23:30", "light"), ("23:30", "01:00", "deep"),
        ("01:00", "02:00", "rem"), ("02:00", "06:00", "light"),
    ]  # fmt: skip
    assert (night.asleep_minutes, night.awake_minutes) == (510, 0)


def test_a_log_that_begins_in_the_second_two_o_clock_hour(tmp_path: Path) -> None:
    night = autumn(tmp_path, "27T02:10:00", "27T06:10:00", 4, ("27T02:10:00", "light", 240))
    assert spans(night) == [("01:10", "05:10", "light")]


def test_a_wake_over_the_change_of_clocks_keeps_its_length(tmp_path: Path) -> None:
    night = autumn(
        tmp_path, "27T00:30:00", "27T07:30:00", 8,
        ("27T00:30:00", "light", 60), ("27T01:30:00", "wake", 180), ("27T03:30:00", "light", 240),
    )  # fmt: skip
    assert spans(night) == [
        ("22:30", "23:30", "light"), ("23:30", "02:30", "awake"), ("02:30", "06:30", "light"),
    ]  # fmt: skip
