import random
from collections import Counter, defaultdict
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.recording import MinuteSeries, SleepEpisode
from patients.ingest import overlap
from patients.ingest.base import STAGES, utc
from patients.ingest.overlap import Spans, sleep_of_one_source, steps_per_minute

HOUR = 3600
Row = tuple[int, int, float, int]


def spans(rows: list[Row]) -> Spans:
    made = Spans()
    for row in rows:
        made.append(*row)
    return made


def steps_of(rows: list[Row], order: list[int] | None = None) -> dict[int, float]:
    series = steps_per_minute(spans(rows), order or [0, 1, 2], Counter())
    return {} if series is None else by_minute(series)


def by_minute(series: MinuteSeries) -> dict[int, float]:
    first = int(series.start.timestamp()) // 60
    return {first + i: float(v) for i, v in enumerate(series.values) if not np.isnan(v)}


def expected_by_minute(rows: list[Row]) -> dict[int, dict[int, float]]:
    """Per minute and source, in plain Python, exact duplicates once."""
    per: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for start, end, value, source in set(rows):
        if value > 300 * max((end - start) / 60, 1):
            continue
        for minute in range(start // 60, max(end - 1, start) // 60 + 1):
            inside = min(end, 60 * minute + 60) - max(start, 60 * minute)
            per[minute][source] += value * (inside / (end - start) if end > start else 1)
    return per


step_rows = st.lists(
    st.tuples(
        st.integers(0, 3000), st.integers(0, 600), st.integers(0, 400), st.integers(0, 2)
    ).map(lambda r: (r[0], r[0] + r[1], float(r[2]), r[3])),
    max_size=40,
)


@given(step_rows, st.permutations([0, 1, 2]))
def test_each_minute_is_that_of_its_best_source(rows: list[Row], order: list[int]) -> None:
    found = steps_of(rows, order)
    for minute, told in expected_by_minute(rows).items():
        usable = {source: n for source, n in told.items() if n <= 300}
        if usable:
            best = usable[min(usable, key=lambda s: order[s])]
            assert found.pop(minute) == pytest.approx(best, rel=1e-6, abs=1e-6)
            assert best <= max(told.values())
    assert found == {}


@given(step_rows, st.randoms())
def test_shuffled_steps_are_the_same_bytes(rows: list[Row], rng: random.Random) -> None:
    first = steps_per_minute(spans(rows), [1, 0, 2], Counter())
    rng.shuffle(rows)
    second = steps_per_minute(spans(rows + rows[:3]), [1, 0, 2], Counter())
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.values.tobytes() == second.values.tobytes()


def test_blocks_do_not_change_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(i * 20, i * 20 + 50, 10.0, i % 2) for i in range(100)]
    whole = steps_of(rows)
    monkeypatch.setattr(overlap, "BLOCK", 3)
    assert steps_of(rows) == pytest.approx(whole)


def test_steps_left_out_are_counted_by_reason() -> None:
    rejected: Counter[str] = Counter()
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
    series = steps_per_minute(spans(rows), [0], rejected)
    assert series is not None and by_minute(series) == {3: 7}
    assert rejected == {
        "steps_out_of_range": 2,
        "steps_bad_duration": 2,
        "steps_minute_out_of_range": 1,
        "steps_duplicate": 1,
    }


def nights(rows: list[tuple[int, int, str, int]], order: list[int]) -> list[SleepEpisode]:
    coded = [(a, b, float(STAGES.index(stage)), source) for a, b, stage, source in rows]
    return sleep_of_one_source(spans(coded), order, Counter())


def test_a_night_told_by_two_sources_is_that_with_stages() -> None:
    rows = [
        (0, 8 * HOUR, "asleep", 0),
        (HOUR, 4 * HOUR, "light", 1),
        (4 * HOUR, 5 * HOUR, "awake", 1),
        (5 * HOUR, 7 * HOUR, "deep", 1),
    ]
    (night,) = nights(rows, [0, 1])
    assert (night.start, night.end) == (utc(HOUR), utc(7 * HOUR))
    assert (night.asleep_minutes, night.awake_minutes) == (300, 60)
    assert [s.stage for s in night.stages] == ["light", "awake", "deep"]


def test_without_stages_the_preferred_source_is_taken() -> None:
    rows = [(0, 8 * HOUR, "asleep", 0), (HOUR, 7 * HOUR, "asleep", 1)]
    assert [n.asleep_minutes for n in nights(rows, [0, 1])] == [480]
    assert [n.asleep_minutes for n in nights(rows, [1, 0])] == [360]


def test_a_nap_of_another_source_stays() -> None:
    rows = [(0, 8 * HOUR, "light", 0), (14 * HOUR, 15 * HOUR, "asleep", 1)]
    assert [n.asleep_minutes for n in nights(rows, [0, 1])] == [480, 60]


def test_one_source_telling_twice_is_not_summed() -> None:
    rows = [(0, 8 * HOUR, "asleep", 0), (0, 2 * HOUR, "rem", 0), (0, 8 * HOUR, "asleep", 0)]
    (night,) = nights(rows, [0])
    assert night.asleep_minutes == 480
    assert [s.stage for s in night.stages] == ["rem", "asleep"]


def test_impossible_and_sleepless_stretches_are_left_out() -> None:
    rejected: Counter[str] = Counter()
    chain = [(i * HOUR, (i + 1) * HOUR, 1.0, 0) for i in range(30)]
    odd = [(5, 5, 1.0, 1), (9, 5, 1.0, 1), (0, 10**10, 1.0, 1)]
    awake = [(100 * HOUR, 101 * HOUR, float(STAGES.index("awake")), 0)]
    assert sleep_of_one_source(spans(chain + odd + awake), [0, 1], rejected) == []
    assert rejected == {"sleep_bad_duration": 3, "sleep_over_24_h": 1}
    assert sleep_of_one_source(Spans(), [], Counter()) == []


sleep_rows = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.integers(1, 40),
        st.sampled_from(["asleep", "light", "deep", "rem", "awake"]),
        st.integers(0, 2),
    ).map(lambda r: (r[0] * 600, (r[0] + r[1]) * 600, r[2], r[3])),
    max_size=25,
)


@given(sleep_rows, st.permutations([0, 1, 2]), st.randoms())
def test_sleep_is_never_summed_and_never_depends_on_order(
    rows: list[tuple[int, int, str, int]], order: list[int], rng: random.Random
) -> None:
    found = nights(rows, order)
    ends = [n.end for n in found]
    assert all(n.start > end for n, end in zip(found[1:], ends, strict=False))
    for night in found:
        assert night.end - night.start <= timedelta(hours=24)
        in_bed = (night.end - night.start).total_seconds() / 60
        assert 0 < night.asleep_minutes + night.awake_minutes <= in_bed
    rng.shuffle(rows)
    assert nights(rows, order) == found
