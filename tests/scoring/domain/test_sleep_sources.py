"""The same sleep windows from a vendor's records and from a minute series made out of them."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.recording import SleepEpisode, SleepStage
from scoring.domain.daily import daily_features
from scoring.domain.sleep import (
    Window,
    centred_day_mean,
    sleep_windows,
    state_from_activity,
    state_from_episodes,
)
from tests.scoring.domain.builders import MINUTE, a_day, episode, person, series

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
MINUTES = 2 * 1440
AWAKE_COUNTS = 250
Bouts = list[tuple[int, int]]

# Around each of the rules: bouts of 10 min, gaps of 1 h, windows of 3.75 h, rests of 30 min.
SLEEPS = st.sampled_from([30, 31, 59, 60, 164, 165, 166, 224, 225, 226, 400])
WAKES = st.sampled_from([1, 5, 9, 10, 11, 58, 59, 60, 61, 120])


@st.composite
def nights(draw: st.DrawFn, sleeps: st.SearchStrategy[int]) -> Bouts:
    """Bouts of sleep in minutes of the grid, awake before, between and after them."""
    at, bouts = draw(st.integers(1, 600)), []
    for length in draw(st.lists(sleeps, min_size=1, max_size=8)):
        if at + length >= MINUTES:
            break
        bouts.append((at, at + length))
        at += length + draw(WAKES)
    return bouts


def from_records(bouts: Bouts) -> list[Window]:
    """The windows of one record whose stages are the bouts and the waking between them."""
    edges = [edge for bout in bouts for edge in bout]
    stages = tuple(
        SleepStage(START + a * MINUTE, START + b * MINUTE, "awake" if n % 2 else "asleep")
        for n, (a, b) in enumerate(zip(edges, edges[1:], strict=False))
    )
    awake = float(sum((s.end - s.start) / MINUTE for s in stages if s.stage == "awake"))
    length = edges[-1] - edges[0]
    record = SleepEpisode(stages[0].start, stages[-1].end, length - awake, awake, stages)
    worn = np.ones(MINUTES, dtype=bool)
    return sleep_windows(state_from_episodes([record], START, MINUTES, worn))


def from_minutes(bouts: Bouts) -> list[Window]:
    """The windows read from activity that is 0 within the bouts and high elsewhere."""
    activity = np.full(MINUTES, AWAKE_COUNTS, dtype=np.float32)
    for start, stop in bouts:
        activity[start:stop] = 0
    worn = np.ones(MINUTES, dtype=bool)
    mean = centred_day_mean(activity, worn)
    return sleep_windows(state_from_activity(activity, worn, None, mean))


def spans(windows: list[Window]) -> Bouts:
    return [(w.start, w.stop) for w in windows]


@given(nights(SLEEPS))
def test_windows_from_records_and_from_minutes_are_the_same(bouts: Bouts) -> None:
    """It holds where each bout lasts the 30 min that sleep must last to be read from activity."""
    records, minutes = from_records(bouts), from_minutes(bouts)
    assert spans(records) == spans(minutes)
    for ours, theirs in zip(records, minutes, strict=True):
        # Waking under 10 min is a sleeper's movement in activity, and waking in a record.
        short = sum(
            start - stop
            for (_, stop), (start, _) in zip(bouts, bouts[1:], strict=False)
            if start - stop < 10 and ours.start <= stop and start <= ours.stop
        )
        assert theirs.asleep_minutes - ours.asleep_minutes == short


@given(nights(st.integers(5, 90)))
def test_shorter_bouts_count_if_waking_under_ten_minutes_parts_them(bouts: Bouts) -> None:
    """The exact condition: 5 min each, and 30 min together once such waking is bridged."""
    together = [list(bouts[0])]
    for start, stop in bouts[1:]:
        if start - together[-1][1] < 10:
            together[-1][1] = stop
        else:
            together.append([start, stop])
    same = spans(from_records(bouts)) == spans(from_minutes(bouts))
    assert same or any(stop - start < 30 for start, stop in together)


@pytest.mark.parametrize(
    ("length", "by_record", "by_minutes"), [(9, 0, 0), (10, 1, 0), (29, 1, 0), (30, 1, 1)]
)
def test_short_nap_is_told_by_a_record_only(length: int, by_record: int, by_minutes: int) -> None:
    """Why the condition is there: stillness of 10 min is a desk as often as a nap."""
    nap = [(600, 600 + length)]
    assert (len(from_records(nap)), len(from_minutes(nap))) == (by_record, by_minutes)


def test_still_moment_apart_from_the_night_begins_it_in_a_record_only() -> None:
    bouts = [(600, 604), (609, 1000)]
    assert spans(from_records(bouts)) == [(600, 1000)]
    assert spans(from_minutes(bouts)) == [(609, 1000)]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-150, 60), st.integers(300, 540), st.sampled_from([0, 12, 45, 59])),
        min_size=8, max_size=8,
    )
)  # fmt: skip
def test_days_made_of_either_have_the_same_sleep(plan: list[tuple[int, int, int]]) -> None:
    """Through wear, grid and days: a sleeper who stirs each 20 minutes, as sleepers do."""
    nights = tuple(
        episode(a_day(n), onset, offset, ((100, 100 + awake),) if awake else ())
        for n, (onset, offset, awake) in enumerate(plan, start=1)
    )
    values = np.full(9 * 1440, AWAKE_COUNTS, dtype=np.float32)
    values += np.arange(len(values)) % 60
    for n, (onset, offset, awake) in enumerate(plan, start=1):
        for start, stop in ((onset, 100), (100 + awake, offset)):
            asleep = np.arange(n * 1440 + start, n * 1440 + stop)
            values[asleep] = np.where(asleep % 20 == 0, 12, 0)
    with_records = replace(person(9, nights), activity=series(values))
    without = replace(with_records, sleep=())
    # Sleep begun less than 30 min before the day's end is read from records alone, so the day
    # that is looked at is the last: no sleep follows it.
    [one], [other] = (list(daily_features(w, a_day(8), a_day(8))) for w in (with_records, without))
    assert one[0].sleep == other[0].sleep
    assert one[0].indexes == pytest.approx(other[0].indexes)
