import random
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.recording import SleepEpisode
from patients.ingest.common import sleep_stretches
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, Rejected, utc
from patients.ingest.common.sleep_stretches import FAR, good_sleep, sleep_episodes
from patients.ingest.common.spill import ROW, Rows

HOUR = 3600
Row = tuple[int, int, float, int]


def rows_of(rows: list[Row]) -> Rows:
    return np.array([(*row, 0) for row in rows], ROW)


Stretch = tuple[int, int, str]


def episodes(stretches: list[Stretch], rejected: Rejected | None = None) -> list[SleepEpisode]:
    rejected = Rejected() if rejected is None else rejected
    told = rows_of([(a, b, float(STAGES.index(stage)), 0) for a, b, stage in stretches])
    return sleep_episodes(told[good_sleep(told, rejected)], rejected)[0]


def nights(stretches: list[Stretch], rejected: Rejected | None = None) -> list[SleepEpisode]:
    return [e for e in episodes(stretches, rejected) if e.asleep_minutes > 0]


def hours(found: list[SleepEpisode]) -> list[tuple[float, float]]:
    return [(e.start.timestamp() / HOUR, e.end.timestamp() / HOUR) for e in found]


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
    assert nights(chain + odd, rejected) == []  # what is kept of the chain is no night
    assert rejected == {"sleep_bad_duration": 3, "sleep_over_24_h": 1}
    assert nights([]) == []


def test_nights_joined_by_waking_by_day_are_nights() -> None:
    days = range(5)
    asleep = [(24 * d * HOUR, (24 * d + 8) * HOUR, "light") for d in days]
    awake = [((24 * d + 8) * HOUR, (24 * d + 24) * HOUR, "awake") for d in days[:-1]]
    found = nights(asleep + awake)
    assert hours(found) == [(24 * d, 24 * d + 8) for d in days]
    assert {(n.asleep_minutes, n.awake_minutes) for n in found} == {(480, 0)}
    waking = [e for e in episodes(asleep + awake) if not e.asleep_minutes]
    assert sum(e.awake_minutes for e in waking) == 4 * 16 * 60


def test_a_chain_over_a_day_is_split_at_its_longest_time_without_sleep() -> None:
    told = [(0, 8, "light"), (8, 8.5, "awake"), (9, 20, "deep"), (20.5, 30, "rem")]
    seconds = [(int(a * HOUR), int(b * HOUR), stage) for a, b, stage in told]
    assert hours(nights(seconds)) == [(0, 8), (9, 30)]
    shorter = [(0, 1, "light"), (1.5, 20, "deep"), (20.5, 30, "rem")]
    seconds = [(int(a * HOUR), int(b * HOUR), stage) for a, b, stage in shorter]
    assert hours(nights(seconds)) == [(0, 1), (1.5, 20), (20.5, 30)]


def test_long_waking_before_and_after_sleep_is_no_part_of_the_night() -> None:
    told = [(0, 2, "awake"), (2, 9, "light"), (9, 10, "awake")]
    assert hours(nights([(a * HOUR, b * HOUR, stage) for a, b, stage in told])) == [(0, 10)]
    told = [(0, 20, "awake"), (20, 27, "light"), (27, 28, "awake")]
    assert hours(nights([(a * HOUR, b * HOUR, stage) for a, b, stage in told])) == [(20, 28)]


sleep_rows = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.integers(1, 140),
        st.sampled_from(["asleep", "light", "deep", "rem", "awake", "awake"]),
    ).map(lambda r: (r[0] * 600, (r[0] + r[1]) * 600, r[2])),
    max_size=25,
)


def split(sleep: list[int], first: int, stop: int) -> list[tuple[int, int]]:
    """The pieces of a chain from first to stop, slots of 10 minutes of which some are sleep."""
    if not sleep:
        return []
    if stop - first <= 144:
        return [(first, stop)]
    edges = [first - 1, *sleep, stop]
    length, earliest = max((b - a - 1, -a) for a, b in zip(edges, edges[1:], strict=False))
    if not length:
        return []
    begins = 1 - earliest
    ends = begins + length
    before, after = ([s for s in sleep if s < begins], [s for s in sleep if s >= ends])
    return split(before, first, begins) + split(after, ends, stop)


@given(sleep_rows)
def test_nights_are_those_of_splitting_again_and_again(stretches: list[Stretch]) -> None:
    told = {slot: False for a, b, _ in stretches for slot in range(a // 600, b // 600)}
    awake = {s for a, b, stage in stretches if stage == "awake" for s in range(a // 600, b // 600)}
    chains: list[list[int]] = []
    for slot in sorted(told):
        if not chains or slot - chains[-1][-1] > 7:
            chains.append([])
        chains[-1].append(slot)
    expected = [
        (first / 6, stop / 6)
        for chain in chains
        for first, stop in split([s for s in chain if s not in awake], chain[0], chain[-1] + 1)
    ]
    assert hours(nights(stretches)) == expected


@given(sleep_rows, sleep_rows)
def test_made_again_of_the_episodes_it_is_as_made_at_once(
    stretches: list[Stretch], more: list[Stretch]
) -> None:
    kept = [
        (int(s.start.timestamp()), int(s.end.timestamp()), s.stage)
        for e in episodes(stretches)
        for s in e.stages
    ]
    assert episodes(kept) == episodes(stretches)
    assert episodes(kept + more) == episodes(stretches + more)


@given(sleep_rows, st.randoms())
def test_sleep_is_never_summed_and_never_depends_on_order(
    stretches: list[Stretch], rng: random.Random
) -> None:
    found = episodes(stretches)
    for episode, following in pairwise(sorted(found, key=lambda e: e.start)):
        assert following.start >= episode.end
    for episode in found:
        assert episode.end - episode.start <= timedelta(hours=24)
        in_bed = (episode.end - episode.start).total_seconds() / 60
        assert episode.asleep_minutes + episode.awake_minutes <= in_bed
    rng.shuffle(stretches)
    assert episodes(stretches) == found


@given(sleep_rows, st.lists(st.integers(0, 750), max_size=4))
def test_a_night_over_a_border_is_one(stretches: list[Stretch], borders: list[int]) -> None:
    rows = rows_of([(a, b, float(STAGES.index(stage)), 0) for a, b, stage in stretches])
    found, rejected, went_on = [], Rejected(), rows[:0]
    limits = [0, *sorted(600 * border for border in borders), FAR]
    for low, high in pairwise(limits):
        own = rows[(rows["start"] >= low) & (rows["start"] < high)]
        of_part, went_on = sleep_episodes(np.concatenate((went_on, own)), rejected, high)
        found += of_part
    counted = Rejected()
    assert found == episodes(stretches, counted) and went_on.size == 0
    assert rejected["sleep_over_24_h"] == counted["sleep_over_24_h"]


def test_sleep_without_end_does_not_fill_the_memory() -> None:
    went_on = rows_of([])
    for day in range(40):
        hours = [(day * 24 + n) * HOUR for n in range(24)]
        rows = rows_of([(at, at + HOUR, 1.0, 0) for at in hours])
        more_from = (day + 1) * MAX_SLEEP_SECONDS
        _, went_on = sleep_episodes(np.concatenate((went_on, rows)), Rejected(), more_from)
        assert went_on.size <= 24


def test_a_chain_without_end_is_ended_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sleep_stretches, "MOST_OPEN", 5)
    told = rows_of([(n * HOUR, n * HOUR + 1800, 1.0, 0) for n in range(5)])
    assert sleep_episodes(told, Rejected(), 0)[1].size == 5
    told = rows_of([(n * HOUR, n * HOUR + 1800, 1.0, 0) for n in range(6)])
    found, went_on = sleep_episodes(told, Rejected(), 0)
    assert hours(found) == [(0, 5.5)] and went_on.size == 0
