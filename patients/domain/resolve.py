"""Several devices that saw the same minute or the same night: one is chosen, none are summed.

Devices come in order of preference. What is chosen depends on that order and on what the
devices recorded, never on when their files came.
"""

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from patients.domain.packing import Chosen
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    Minutes,
    MinuteSeries,
    Recording,
    SleepEpisode,
)
from patients.domain.walks import MOST_STEPS, steps_by_minute, united

NIGHT_GAP = timedelta(hours=1)  # records that lie nearer tell of the same sleep
SCORED_STAGES = {"light", "deep", "rem"}
MINUTE = timedelta(minutes=1)


def first_order(kind: DeviceKind, source: str, device: str) -> tuple[int, str, str]:
    """The place of a device that nobody has put in order: by kind, then by name.

    >>> first_order(DeviceKind.WATCH, "b", "x") < first_order(DeviceKind.PHONE, "a", "x")
    True
    """
    return list(DeviceKind).index(kind), source, device


def resolved(candidates: Sequence[Minutes]) -> tuple[Minutes, Chosen]:
    """Each minute from the first device that has it, and its place in that order from 1, else 0.

    ``candidates`` are the devices' minutes in order of preference, all of one shape.

    >>> nan = np.nan
    >>> watch, phone = np.array([[5, nan, nan], [7, 8, nan]], dtype=np.float32)
    >>> values, chosen = resolved([watch, phone])
    >>> values.tolist(), chosen.tolist()
    ([5.0, 8.0, nan], [1, 2, 0])
    """
    values = np.full(candidates[0].shape, np.nan, dtype=np.float32)
    chosen = np.zeros(values.shape, dtype=np.uint8)
    for number, minutes in enumerate(candidates, start=1):
        free = (chosen == 0) & ~np.isnan(minutes)
        values[free], chosen[free] = minutes[free], number
    return values, chosen


def chosen_sleep(episodes: Sequence[SleepEpisode], ranks: Sequence[int]) -> list[bool]:
    """Which sleep records count: those of one device wherever several tell of a night.

    ``ranks`` are the devices' places in the order of preference, one a record. Records less
    than an hour apart are of one night; it goes to the device with stages, then to the most
    preferred. Of records of that device that overlap, the one with stages, then the longer
    sleep, then the earlier one counts. A record without any sleep is no night.
    """
    keep = [False] * len(episodes)
    order = sorted(range(len(episodes)), key=lambda i: (episodes[i].start, episodes[i].end))
    night: list[int] = []
    reach = datetime.min
    for i in order:
        if episodes[i].asleep_minutes <= 0:
            continue
        start, end = (t.replace(tzinfo=None) for t in (episodes[i].start, episodes[i].end))
        if night and start > reach + NIGHT_GAP:
            _choose(episodes, ranks, night, keep)
            night, reach = [], datetime.min
        night.append(i)
        reach = max(reach, end)
    _choose(episodes, ranks, night, keep)
    return keep


def _choose(
    episodes: Sequence[SleepEpisode], ranks: Sequence[int], night: list[int], keep: list[bool]
) -> None:
    if not night:
        return
    best = min((not any(is_staged(episodes[j]) for j in night if ranks[j] == r), r)
               for r in {ranks[i] for i in night})[1]  # fmt: skip
    taken: list[tuple[datetime, datetime]] = []  # in order of time
    for i in sorted((i for i in night if ranks[i] == best), key=lambda i: _worth(episodes[i])):
        span = (episodes[i].start, episodes[i].end)
        at = bisect(taken, span)
        after_one = at == 0 or taken[at - 1][1] <= span[0]
        if after_one and (at == len(taken) or span[1] <= taken[at][0]):
            taken.insert(at, span)
            keep[i] = True


def is_staged(episode: SleepEpisode) -> bool:
    """Whether the record tells light, deep and REM sleep apart."""
    return any(stage.stage in SCORED_STAGES for stage in episode.stages)


def _worth(episode: SleepEpisode) -> tuple[object, ...]:
    return (
        not is_staged(episode),
        -episode.asleep_minutes,
        episode.start,
        episode.end,
        episode.awake_minutes,
        episode.log_id,
    )


def whole(recordings: Iterable[Recording]) -> Recording:
    """All that a file's devices recorded as one recording, in their first order.

    ``rejected`` adds up; of several unit families the one with more minutes is taken. There
    must be at least one recording.
    """
    parts = sorted(recordings, key=lambda r: first_order(r.kind, r.source, r.device))
    ranks = {name: n for n, name in enumerate(dict.fromkeys((r.source, r.device) for r in parts))}
    lanes: dict[tuple[Channel, Family | None], dict[int, list[MinuteSeries]]] = {}
    rejected: dict[str, int] = {}
    for part in parts:
        for series in part.series:
            family = part.family if series.channel is Channel.ACTIVITY else None
            lane = lanes.setdefault((series.channel, family), {})
            lane.setdefault(ranks[part.source, part.device], []).append(series)
        for reason, count in part.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
    best: dict[Channel, tuple[MinuteSeries, Family | None]] = {}
    for (channel, family), devices in lanes.items():
        series = _resolved_series([devices[rank] for rank in sorted(devices)])
        if channel not in best or _count(series) > _count(best[channel][0]):
            best[channel] = series, family
    told = [(e, ranks[part.source, part.device]) for part in parts for e in part.sleep]
    keep = chosen_sleep([e for e, _ in told], [rank for _, rank in told])
    sleep = sorted(
        (e for (e, _), kept in zip(told, keep, strict=True) if kept), key=lambda e: e.start
    )
    family = best[Channel.ACTIVITY][1] if Channel.ACTIVITY in best else None
    return Recording(
        source=parts[0].source,
        device=", ".join(dict.fromkeys(part.device for part in parts)),
        family=family or (Family.STEPS if Channel.STEPS in best else None),
        series=tuple(series for series, _ in best.values()),
        sleep=tuple(sleep),
        rejected=rejected,
        kind=parts[0].kind,
        questionnaires=tuple(q for part in parts for q in part.questionnaires),
    )


def _count(series: MinuteSeries) -> int:
    return int((~np.isnan(series.values)).sum())


def _resolved_series(devices: Sequence[Sequence[MinuteSeries]]) -> MinuteSeries:
    every = [series for device in devices for series in device]
    start, end = min(s.start for s in every), max(s.end for s in every)
    candidates = []
    for device in devices:
        minutes = np.full(round((end - start) / MINUTE), np.nan, dtype=np.float32)
        for series in _walked_anew(device):
            first = round((series.start - start) / MINUTE)
            there = minutes[first : first + len(series.values)]
            np.fmax(there, series.values, out=there)
        candidates.append(minutes)
    values, _ = resolved(candidates)
    return MinuteSeries(every[0].channel, every[0].unit, start, values)


def _walked_anew(device: Sequence[MinuteSeries]) -> Sequence[MinuteSeries]:
    """A device's series; those of walks as one, since their walks may overlap."""
    walked = [series for series in device if series.walks is not None]
    if len(walked) < 2:
        return device
    walks = united(np.concatenate([s.walks for s in walked if s.walks is not None]))
    first, steps = steps_by_minute(walks, walked[0].how)
    values = np.where(steps > MOST_STEPS, np.nan, steps).astype(np.float32)
    start = datetime.fromtimestamp(first * 60, UTC)
    one = replace(walked[0], start=start, values=values, walks=walks)
    return [*(series for series in device if series.walks is None), one]
