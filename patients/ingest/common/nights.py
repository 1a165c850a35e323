"""Sleep records as vendors tell them: whole nights with an id, or loose stretches."""

from collections.abc import Iterable
from dataclasses import replace
from math import isnan

import numpy as np

from patients.domain.errors import InputError
from patients.domain.recording import SleepEpisode
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, Rejected, sleep_episode, utc
from patients.ingest.common.sleep_stretches import episodes_of

Segment = tuple[int, int, str]  # start and end in UTC seconds, one of STAGES
Told = tuple[float | None, float | None]  # minutes asleep and awake; None is not told

MAX_SEGMENTS = 10_000  # of one night; 24 hours hold 2,880 epochs of 30 s
MAX_NIGHTS = 10_000  # of one file; 20 years hold 7,300
SCORED = {"light", "deep", "rem"}


def night(
    segments: Iterable[Segment],
    log_id: str,
    rejected: Rejected,
    bounds: tuple[int, int] | None = None,
    told: Told | None = None,
) -> SleepEpisode | None:
    """One sleep record; None, and counted, if it is empty, negative or over 24 h.

    Where segments overlap, finer stages paint over plain sleep and waking over all. The record
    spans ``bounds`` as well, of which segments need not tell all. ``told`` are the vendor's own
    minutes, believed if the record is long enough for them; a record without stages whose
    minutes cannot be true is left out.
    """
    good = sorted({s for s in segments if s[0] < s[1]}, key=lambda s: (STAGES.index(s[2]), s))
    spans = [(first, stop) for first, stop, _ in good]
    if bounds and (bounds[0] < bounds[1] or not spans):
        spans.append(bounds)
    length = max(s[1] for s in spans) - min(s[0] for s in spans) if spans else 0
    if length <= 0 or len(good) > MAX_SEGMENTS:
        rejected["sleep_bad_duration"] += 1
        return None
    if length > MAX_SLEEP_SECONDS:
        rejected["sleep_over_24_h"] += 1
        return None
    start, end = (utc(f(s[i] for s in spans)) for i, f in enumerate((min, max)))
    if good:
        episode = replace(sleep_episode(good, log_id), start=start, end=end)
    else:
        episode = SleepEpisode(start, end, length / 60, 0.0, (), log_id)
    with_minutes = _with_minutes(episode, told, length / 60)
    rejected["sleep_impossible_minutes"] += with_minutes is None
    return with_minutes or (episode if good else None)


def _with_minutes(
    episode: SleepEpisode, told: Told | None, length_minutes: float
) -> SleepEpisode | None:
    """The record with the vendor's minutes; None if these cannot be true.

    Of one told alone the other is what the stages say or, if less, the rest of the record.
    """
    asleep, awake = (None if n is None or isnan(n) else n for n in told or (None, None))
    if asleep is None and awake is not None:
        rest = max(length_minutes - awake, 0.0)
        asleep = min(episode.asleep_minutes, rest) if episode.stages else rest
    elif awake is None and asleep is not None:
        rest = max(length_minutes - asleep, 0.0)
        awake = min(episode.awake_minutes, rest) if episode.stages else rest
    if asleep is None or awake is None:
        return episode  # neither was told
    if asleep >= 0 and awake >= 0 and asleep + awake <= length_minutes + 1:
        return replace(episode, asleep_minutes=asleep, awake_minutes=awake)
    return None


def nights_of_stretches(stretches: Iterable[Segment], rejected: Rejected) -> list[SleepEpisode]:
    """Loose stretches joined to nights, and what is no night; see ``episodes_of``.

    Stretches without a length or over 24 h long are left out and counted.
    """
    told = [(start, end, STAGES.index(stage)) for start, end, stage in sorted(set(stretches))]
    rows = np.array(told, np.int64).reshape(-1, 3)
    length = rows[:, 1] - rows[:, 0]
    rejected["sleep_bad_duration"] += int(np.count_nonzero(length <= 0))
    rejected["sleep_over_24_h"] += int(np.count_nonzero(length > MAX_SLEEP_SECONDS))
    found = episodes_of(rows[(length > 0) & (length <= MAX_SLEEP_SECONDS)], rejected)
    require_few(sum(episode.asleep_minutes > 0 for episode in found))
    return found


def distinct(episodes: Iterable[SleepEpisode], rejected: Rejected) -> list[SleepEpisode]:
    """The records without those told again: of one id, start and end, the better one stays.

    Better is the one with stages, then the one with more sleep. Records that overlap otherwise
    (a night scored again) all stay: which one counts is decided where all of them are known.
    """
    best: dict[tuple[object, ...], SleepEpisode] = {}
    for episode in sorted(episodes, key=_worth):
        key = (episode.start, episode.end, episode.log_id)
        rejected["sleep_duplicate"] += key in best
        best.setdefault(key, episode)
    require_few(len(best))
    return list(best.values())


def _worth(episode: SleepEpisode) -> tuple[object, ...]:
    staged = any(stage.stage in SCORED for stage in episode.stages)
    stages = tuple((s.start, s.end, s.stage) for s in episode.stages)
    return not staged, -episode.asleep_minutes, episode.start, episode.awake_minutes, stages


def require_few(count: int) -> None:
    """InputError for more sleep records than a file of one person can hold."""
    if count > MAX_NIGHTS:
        raise InputError(
            f"The recording holds {count:,} sleep records, over {MAX_NIGHTS:,}; "
            "give the files of one person, or split them by year."
        )
