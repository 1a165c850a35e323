import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.minutes import Partial, merged, reduced
from patients.domain.recording import MINUTES_PER_DAY, Minutes

EPOCH_SECONDS, FULL = 10, 6


def day_of(samples: list[tuple[int, float]], how: str, full: int) -> tuple[Minutes, Partial]:
    """A file's samples (second of the day, value) as the minutes of one day."""
    seconds = np.array([s for s, _ in sorted(samples)], dtype=np.int64)
    values = np.array([v for _, v in sorted(samples)], dtype=np.float64)
    edges = (int(seconds[0]) // 60, int(seconds[-1]) // 60) if seconds.size else ()
    minutes, found, partial = reduced(seconds, values, how, full, edges)
    day = np.full(MINUTES_PER_DAY, np.nan, dtype=np.float32)
    day[minutes] = found
    return day, partial


def test_a_minute_under_half_of_its_epochs_has_no_value_yet_and_gets_one_from_the_next_file() -> (
    None
):
    first = day_of([(0, 12.0), (10, 18.0)], "mean", FULL)
    second = day_of([(20, 30.0)], "mean", FULL)
    assert np.isnan(first[0][0]) and np.isnan(second[0][0])
    values, partial = merged(first, second, "mean", FULL)
    assert values[0] == 20
    assert partial == {0: ((0, 12.0), (10, 18.0), (20, 30.0))}


def test_a_whole_minute_beats_a_partial_one_however_large() -> None:
    whole = day_of([(s, 10.0) for s in range(0, 60, 10)], "mean", FULL)
    part = day_of([(0, 900.0), (10, 900.0), (20, 900.0)], "mean", FULL)
    for pair in ((whole, part), (part, whole)):
        values, partial = merged(*pair, "mean", FULL)
        assert (values[0], partial) == (10, {})


def test_sums_of_a_minute_cut_in_two_are_added_once() -> None:
    first, second = (
        day_of([(0, 3.0), (70, 4.0)], "sum", 0),
        day_of([(100, 5.0), (200, 6.0)], "sum", 0),
    )
    once = merged(first, second, "sum")
    again = merged(once, second, "sum")
    assert once[0][1] == again[0][1] == 9


epochs = st.lists(
    st.tuples(st.integers(0, 59).map(lambda n: n * EPOCH_SECONDS), st.integers(0, 500).map(float)),
    min_size=1,
    max_size=60,
    unique_by=lambda sample: sample[0],
)


@given(epochs, st.lists(st.integers(0, 2), min_size=60, max_size=60), st.randoms())
def test_files_of_fixed_epochs_give_the_whole_however_they_are_dealt_out(
    samples: list[tuple[int, float]], dealt: list[int], shuffle: random.Random
) -> None:
    whole = day_of(samples, "mean", FULL)
    files = [[s for s, n in zip(samples, dealt, strict=False) if n == k] for k in range(3)]
    days = [day_of(file, "mean", FULL) for file in files] * 2
    shuffle.shuffle(days)
    taken = days[0]
    for day in days[1:]:
        taken = merged(taken, day, "mean", FULL)
    np.testing.assert_array_equal(taken[0], whole[0])
    assert dict(taken[1]) == dict(whole[1])


@given(epochs, st.integers(0, 59), st.sampled_from(["mean", "sum", "max"]), st.randoms())
def test_irregular_samples_cut_anywhere_in_time_give_the_whole(
    samples: list[tuple[int, float]], cut: int, how: str, shuffle: random.Random
) -> None:
    whole = day_of(samples, how, 0)
    halves = [
        [s for s in samples if s[0] < cut * EPOCH_SECONDS],
        [s for s in samples if s[0] >= cut * EPOCH_SECONDS],
    ]
    days = [day_of(half, how, 0) for half in halves if half]
    shuffle.shuffle(days)
    taken = days[0]
    for day in days[1:]:
        taken = merged(taken, day, how)
    np.testing.assert_array_equal(taken[0], whole[0])


values_of_a_day = st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=5, max_size=5)


@given(st.lists(values_of_a_day, min_size=3, max_size=3))
def test_taking_whole_minutes_together_is_commutative_associative_and_idempotent(
    lists: list[list[int | None]],
) -> None:
    a, b, c = (
        (
            np.array([np.nan if v is None else v for v in values] + [np.nan] * 1435, np.float32),
            {},
        )
        for values in lists
    )

    def join(x: tuple[Minutes, Partial], y: tuple[Minutes, Partial]) -> tuple[Minutes, Partial]:
        return merged(x, y, "mean")

    np.testing.assert_array_equal(join(a, b)[0], join(b, a)[0])
    np.testing.assert_array_equal(join(join(a, b), c)[0], join(a, join(b, c))[0])
    np.testing.assert_array_equal(join(a, a)[0], a[0])
