"""Walks to minutes: held against a plain second-by-second reading, in any order and block size."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain import walks as walking
from patients.domain.recording import Walks
from patients.domain.walks import (
    DAY_SECONDS,
    LENGTHS_SECONDS,
    WALK,
    by_day,
    pack_walks,
    steps_by_minute,
    united,
    unpack_walks,
    walks_of_minutes,
)

Row = tuple[int, int, float, int]  # start, end, steps, teller
HOUR = 3600
ROUNDED = 2e-6


def told(*rows: Row) -> Walks:
    return np.array(list(rows), WALK)


def minutes(rows: Walks, how: str = "max") -> dict[int, float]:
    first, steps = steps_by_minute(rows, how)
    return {first + i: float(n) for i, n in enumerate(steps) if not np.isnan(n)}


def by_second(rows: list[Row]) -> dict[int, float]:
    """One teller's steps of each second, in plain Python: what the shorter walks leave over."""
    rates: dict[int, float] = {}
    largest: dict[tuple[int, int], float] = {}
    for start, end, steps, _ in rows:
        largest[start, end] = max(steps, largest.get((start, end), 0.0))
    for low, high in zip((-1, *LENGTHS_SECONDS), LENGTHS_SECONDS, strict=False):
        now: dict[int, float] = {}
        for (start, end), steps in largest.items():
            span = range(start, max(end, start + 1))
            if low < len(span) <= high:
                free = [second for second in span if second not in rates]
                left = max(steps - sum(rates.get(second, 0.0) for second in span), 0.0)
                for second in free:
                    pace = min(left / len(free), steps / len(span))
                    now[second] = max(pace, now.get(second, 0.0))
        rates |= now
    return rates


def by_minute(rows: list[Row], how: str) -> dict[int, float]:
    found: dict[int, dict[int, float]] = {}
    for teller in {row[3] for row in rows}:
        for second, rate in by_second([row for row in rows if row[3] == teller]).items():
            minute = found.setdefault(second // 60, {})
            minute[teller] = minute.get(teller, 0.0) + rate
    add = max if how == "max" else sum
    return {minute: add(tellers.values()) for minute, tellers in found.items()}


walks = st.lists(
    st.tuples(
        st.integers(0, 6000),
        st.integers(0, 90) | st.integers(0, HOUR),
        st.integers(0, 300).map(float),
        st.integers(0, 2),
    ).map(lambda r: (r[0], r[0] + r[1], r[2], r[3])),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(walks, st.sampled_from(["max", "sum"]))
def test_minutes_are_those_of_a_plain_reading(rows: list[Row], how: str) -> None:
    found = minutes(told(*rows), how)
    expected = by_minute(rows, how)
    assert found.keys() == expected.keys()
    assert all(found[m] == pytest.approx(expected[m], abs=ROUNDED) for m in found)


aligned = st.lists(
    st.tuples(st.integers(0, 99), st.integers(1, 60), st.integers(0, 300).map(float)).map(
        lambda r: (60 * r[0], 60 * (r[0] + r[1]), r[2] * r[1], 0)
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(aligned)
def test_no_minute_is_faster_than_its_fastest_walk_and_no_step_is_made(rows: list[Row]) -> None:
    found = minutes(told(*rows))
    for minute, steps in found.items():
        over = [row for row in rows if row[0] <= 60 * minute < row[1]]
        assert steps <= max(60 * n / (end - start) for start, end, n, _ in over) + ROUNDED
    assert sum(found.values()) <= sum(row[2] for row in rows) + ROUNDED * len(found)


@settings(deadline=None)
@given(walks, st.randoms(), st.integers(1, 50))
def test_order_repeats_and_blocks_change_no_byte(
    rows: list[Row], rng: random.Random, block: int
) -> None:
    first, steps = steps_by_minute(united(told(*rows)), "max")
    again = rows + rows[:3]
    rng.shuffle(again)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walking, "BLOCK_PIECES", block)
        other_first, other = steps_by_minute(told(*again), "max")
    assert (first, steps.tobytes()) == (other_first, other.tobytes())


def test_the_finer_record_holds_and_the_coarser_has_what_is_left() -> None:
    found = minutes(told((0, 600, 500.0, 0), (0, 300, 300.0, 0)))
    assert found == {**dict.fromkeys(range(5), 60.0), **dict.fromkeys(range(5, 10), 40.0)}


def test_the_minutes_of_an_hour_are_not_counted_again_with_the_hour() -> None:
    hour = (0, HOUR, 1200.0, 0)
    busy = [(60 * n, 60 * n + 60, 40.0, 0) for n in range(30)]
    found = minutes(told(hour, *busy))
    assert sum(found.values()) == 1200
    assert all(found[n] == (40 if n < 30 else 0) for n in range(60))


def test_a_coarse_record_is_never_faster_than_itself() -> None:
    found = minutes(told((0, 600, 600.0, 0), (0, 300, 0.0, 0)))
    assert found == {**dict.fromkeys(range(5), 0.0), **dict.fromkeys(range(5, 10), 60.0)}


def test_walks_that_touch_share_a_minute_and_are_added_there() -> None:
    assert minutes(told((0, 90, 90.0, 0), (90, 150, 30.0, 0))) == {0: 60, 1: 45, 2: 15}


def test_two_apps_are_not_added_up_but_two_kinds_of_movement_are() -> None:
    rows = told((0, 60, 50.0, 1), (0, 60, 70.0, 2))
    assert minutes(rows, "max") == {0: 70} and minutes(rows, "sum") == {0: 120}


def test_whole_counts_stay_whole() -> None:
    assert set(minutes(told((0, 600, 100.0, 0))).values()) == {10.0}
    assert set(minutes(told((0, 3600, 1800.0, 0))).values()) == {30.0}


@given(walks)
def test_packing_keeps_every_walk(rows: list[Row]) -> None:
    midnight = 20_000 * DAY_SECONDS
    once = united(told(*((a + midnight, b + midnight, n, t) for a, b, n, t in rows)))
    assert list(by_day(once)) == [20_000]
    back, how = unpack_walks(pack_walks(once, "sum", midnight), midnight)
    assert how == "sum" and np.array_equal(back, once)
    shuffled = united(np.concatenate((once[::-1], once[:2])))
    assert pack_walks(shuffled, "max", midnight) == pack_walks(once, "max", midnight)


def test_a_day_without_walks_of_its_own_packs_to_none() -> None:
    back, how = unpack_walks(pack_walks(told(), "max", 0), 0)
    assert how == "max" and back.size == 0 and back.dtype == WALK


def test_minutes_kept_before_walks_were_become_walks() -> None:
    day = np.full(1440, np.nan, np.float32)
    day[[3, 7]] = 12.5, 0
    assert minutes(walks_of_minutes(day, 0)) == {3: 12.5, 7: 0}
