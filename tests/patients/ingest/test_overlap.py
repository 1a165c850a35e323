import random
from collections import defaultdict
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.recording import MinuteSeries, SleepEpisode
from patients.ingest.common import overlap
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, Rejected, utc
from patients.ingest.common.overlap import (
    FAR,
    good_sleep,
    good_steps,
    sleep_episodes,
    steps_per_minute,
)
from patients.ingest.common.spill import ROW, Rows

HOUR = 3600
Row = tuple[int, int, float, int]


def rows_of(rows: list[Row]) -> Rows:
    return np.array([(*row, 0) for row in rows], ROW)


def steps_of(
    rows: list[Row], edges: tuple[int, ...] = (), rejected: Rejected | None = None
) -> MinuteSeries | None:
    rejected = Rejected() if rejected is None else rejected
    told = rows_of(rows)
    return steps_per_minute(told[good_steps(told, rejected)], 0, 10**6, edges, rejected)


def by_minute(series: MinuteSeries | None) -> dict[int, float]:
    if series is None:
        return {}
    first = int(series.start.timestamp()) // 60
    return {first + i: float(v) for i, v in enumerate(series.values) if not np.isnan(v)}


def expected_by_minute(rows: list[Row]) -> dict[int, dict[int, float]]:
    """Per minute and app, in plain Python, exact duplicates once."""
    per: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for start, end, value, app in set(rows):
        if value > 300 * max((end - start) / 60, 1):
            continue
        for minute in range(start // 60, max(end - 1, start) // 60 + 1):
            inside = min(end, 60 * minute + 60) - max(start, 60 * minute)
            per[minute][app] += value * (inside / (end - start) if end > start else 1)
    return per


step_rows = st.lists(
    st.tuples(
        st.integers(0, 3000), st.integers(0, 600), st.integers(0, 400), st.integers(0, 2)
    ).map(lambda r: (r[0], r[0] + r[1], float(r[2]), r[3])),
    max_size=40,
)


@given(step_rows)
def test_a_minute_is_that_of_the_app_with_most_and_never_a_sum(rows: list[Row]) -> None:
    found = by_minute(steps_of(rows))
    for minute, told in expected_by_minute(rows).items():
        usable = [n for n in told.values() if n <= 300]
        if usable:
            assert found.pop(minute) == pytest.approx(max(usable), rel=1e-6, abs=1e-4)
    assert found == {}


@given(step_rows, st.randoms())
def test_shuffled_steps_are_the_same_bytes(rows: list[Row], rng: random.Random) -> None:
    first = steps_of(rows, (3, 20))
    rng.shuffle(rows)
    second = steps_of(rows + rows[:3], (3, 20))
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.values.tobytes() == second.values.tobytes()
        assert first.partial == second.partial


@given(step_rows, st.integers(1, 9), st.integers(0, 60))
def test_blocks_and_borders_do_not_change_a_byte(rows: list[Row], block: int, border: int) -> None:
    whole = by_minute(steps_of(rows))
    told = rows_of(rows)
    told = told[good_steps(told, Rejected())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "BLOCK", block)
        early = by_minute(steps_per_minute(told, 0, border, (), Rejected()))
        late = by_minute(steps_per_minute(told, border, 10**6, (), Rejected()))
    assert all(minute < border for minute in early) and early | late == whole


def test_a_minute_at_the_edge_keeps_its_shares() -> None:
    series = steps_of([(30, 90, 60.0, 0), (90, 120, 7.0, 0), (60, 120, 5.0, 1)], edges=(1,))
    assert series is not None
    assert by_minute(series) == {0: 30, 1: 37}
    assert series.partial == {1: ((0, 30.0), (30, 7.0))}


def test_steps_left_out_are_counted_by_reason() -> None:
    rejected = Rejected()
    rows = [
        (0, 60, 301.0, 0),  # too many
        (60, 120, float("nan"), 0),
        (60, 0, 5.0, 0),  # ends before it starts
        (0, 24 * HOUR, 9000.0, 0),  # a day's total
        (120, 125, 200.0, 0),
        (130, 135, 200.0, 0),  # 400 in one minute, in two records
        (180, 240, 7.0, 0),
        (180, 240, 7.0, 0),  # told twice
    ]
    assert by_minute(steps_of(rows, rejected=rejected)) == {3: 7}
    assert rejected == {
        "steps_out_of_range": 2,
        "steps_bad_duration": 2,
        "steps_minute_out_of_range": 1,
        "steps_duplicate": 1,
    }


Stretch = tuple[int, int, str]


def nights(stretches: list[Stretch], rejected: Rejected | None = None) -> list[SleepEpisode]:
    rejected = Rejected() if rejected is None else rejected
    told = rows_of([(a, b, float(STAGES.index(stage)), 0) for a, b, stage in stretches])
    return sleep_episodes(told[good_sleep(told, rejected)], rejected)[0]


def test_stretches_within_an_hour_are_one_night() -> None:
    night, nap = nights(
        [
            (0, 2 * HOUR, "light"),
            (3 * HOUR, 4 * HOUR, "deep"),
            (4 * HOUR, 5 * HOUR, "awake"),
            (6 * HOUR + 1, 7 * HOUR, "asleep"),
        ]
    )
    assert (night.start, night.end) == (utc(0), utc(5 * HOUR))
    assert (night.asleep_minutes, night.awake_minutes) == (180, 60)
    assert [s.stage for s in night.stages] == ["light", "deep", "awake"]
    assert nap.start == utc(6 * HOUR + 1)


def test_stretches_that_overlap_are_not_summed() -> None:
    (night,) = nights([(0, 8 * HOUR, "asleep"), (0, 2 * HOUR, "rem"), (0, 8 * HOUR, "asleep")])
    assert night.asleep_minutes == 480
    assert [s.stage for s in night.stages] == ["rem", "asleep"]


def test_impossible_stretches_and_episodes_are_left_out() -> None:
    rejected = Rejected()
    chain = [(i * HOUR, (i + 1) * HOUR, "asleep") for i in range(30)]
    odd = [(5, 5, "asleep"), (9, 5, "asleep"), (0, 10**10, "asleep")]
    assert nights(chain + odd, rejected) == []
    assert rejected == {"sleep_bad_duration": 3, "sleep_over_24_h": 1}
    assert nights([]) == []


sleep_rows = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.integers(1, 40),
        st.sampled_from(["asleep", "light", "deep", "rem", "awake"]),
    ).map(lambda r: (r[0] * 600, (r[0] + r[1]) * 600, r[2])),
    max_size=25,
)


@given(sleep_rows, st.randoms())
def test_sleep_is_never_summed_and_never_depends_on_order(
    stretches: list[Stretch], rng: random.Random
) -> None:
    found = nights(stretches)
    for night, following in zip(found, found[1:], strict=False):
        assert following.start > night.end + timedelta(hours=1)
    for night in found:
        assert night.end - night.start <= timedelta(hours=24)
        in_bed = (night.end - night.start).total_seconds() / 60
        assert 0 < night.asleep_minutes + night.awake_minutes <= in_bed
    rng.shuffle(stretches)
    assert nights(stretches) == found


@given(sleep_rows, st.lists(st.integers(0, 250), max_size=4))
def test_a_night_over_a_border_is_one(stretches: list[Stretch], borders: list[int]) -> None:
    rows = rows_of([(a, b, float(STAGES.index(stage)), 0) for a, b, stage in stretches])
    found, rejected, went_on = [], Rejected(), rows[:0]
    limits = [0, *sorted(600 * border for border in borders), FAR]
    for low, high in zip(limits, limits[1:], strict=False):
        own = rows[(rows["start"] >= low) & (rows["start"] < high)]
        episodes, went_on = sleep_episodes(np.concatenate((went_on, own)), rejected, high)
        found += episodes
    counted = Rejected()
    assert found == nights(stretches, counted) and went_on.size == 0
    assert rejected["sleep_over_24_h"] == counted["sleep_over_24_h"]


def test_sleep_without_end_does_not_fill_the_memory() -> None:
    went_on = rows_of([])
    for day in range(40):
        hours = [(day * 24 + n) * HOUR for n in range(24)]
        rows = rows_of([(at, at + HOUR, 1.0, 0) for at in hours])
        more_from = (day + 1) * MAX_SLEEP_SECONDS
        _, went_on = sleep_episodes(np.concatenate((went_on, rows)), Rejected(), more_from)
        assert went_on.size <= 24
