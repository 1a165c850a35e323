import random
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.recording import SleepEpisode
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, Rejected, utc
from patients.ingest.common.sleep_stretches import FAR, good_sleep, sleep_episodes
from patients.ingest.common.spill import ROW, Rows

HOUR = 3600
Row = tuple[int, int, float, int]


def rows_of(rows: list[Row]) -> Rows:
    return np.array([(*row, 0) for row in rows], ROW)


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
