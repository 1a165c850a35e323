"""Writing sleep records: those whole in themselves, and those made of loose stretches."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from patients.domain.recording import SleepEpisode as RecordedSleep
from patients.domain.recording import SleepStage
from patients.domain.resolve import NIGHT_GAP, is_staged
from patients.ingest.base import MAX_SLEEP_SECONDS, STAGES, sleep_episode
from patients.models import Device, SleepEpisode

MINUTE = timedelta(minutes=1)


def as_recorded(row: SleepEpisode) -> RecordedSleep:
    """A stored row as the value it was."""
    return RecordedSleep(
        row.start,
        row.end,
        row.asleep_minutes,
        row.awake_minutes,
        tuple(
            SleepStage(row.start + offset * MINUTE, row.start + (offset + minutes) * MINUTE, stage)
            for offset, minutes, stage in row.stages
        ),
        row.log_id,
    )


def sleep_store(*, device: Device, episodes: Sequence[RecordedSleep]) -> list[datetime]:
    """Write the records that are new or different; returns where changed ones begin and end.

    Of two records with one id, start and end, the staged one stays, then the one with more
    sleep. Records made of loose stretches join with those of the device less than an hour
    away, because a file may end in the middle of a night.
    """
    if not episodes:
        return []
    first, last = min(e.start for e in episodes), max(e.end for e in episodes)
    near = device.sleep_episodes.filter(end__gte=first - NIGHT_GAP, start__lte=last + NIGHT_GAP)
    stored = {(row.start, row.end, row.log_id): row for row in near}
    changed: list[datetime] = []
    for episode in episodes:
        changed += _store_one(device, stored, episode)
    return changed


def _store_one(
    device: Device,
    stored: dict[tuple[datetime, datetime, str], SleepEpisode],
    episode: RecordedSleep,
) -> list[datetime]:
    if not episode.log_id:
        episode, replaced = _joined(stored, episode)
        for key in replaced:
            if key != (episode.start, episode.end, ""):
                stored.pop(key).delete()
    old = stored.get((episode.start, episode.end, episode.log_id))
    row = _row(device, episode)
    if old:
        if _same(old, row) or (episode.log_id and _worth(as_recorded(old)) >= _worth(episode)):
            return []
        row.pk, row.is_chosen = old.pk, old.is_chosen
    row.save()
    stored[row.start, row.end, row.log_id] = row
    return [row.start, row.end]


def _joined(
    stored: dict[tuple[datetime, datetime, str], SleepEpisode], episode: RecordedSleep
) -> tuple[RecordedSleep, list[tuple[datetime, datetime, str]]]:
    """The episode with the stored stretches that touch it, and the keys of their rows."""
    taken: list[tuple[datetime, datetime, str]] = []
    found = True
    while found:
        found = False
        for key, row in stored.items():
            if key in taken or row.log_id or not _touch(episode, row):
                continue
            union = _painted([episode, as_recorded(row)])
            if union is not None:
                episode, found = union, True
                taken.append(key)
                break
    return episode, taken


def _touch(episode: RecordedSleep, row: SleepEpisode) -> bool:
    return row.start <= episode.end + NIGHT_GAP and episode.start <= row.end + NIGHT_GAP


def _painted(episodes: Sequence[RecordedSleep]) -> RecordedSleep | None:
    """The stretches of all as one episode, deeper stages over plain sleep and waking over all."""
    segments = [
        (round(s.start.timestamp()), round(s.end.timestamp()), s.stage)
        for e in episodes
        for s in (e.stages or (SleepStage(e.start, e.end, "asleep"),))
    ]
    span = max(s[1] for s in segments) - min(s[0] for s in segments)
    if span > MAX_SLEEP_SECONDS:
        return None
    return sleep_episode(sorted(segments, key=lambda s: (STAGES.index(s[2]), s)))


def _row(device: Device, episode: RecordedSleep) -> SleepEpisode:
    return SleepEpisode(
        patient_id=device.patient_id,
        device=device,
        log_id=episode.log_id[:80],
        start=episode.start,
        end=episode.end,
        asleep_minutes=episode.asleep_minutes,
        awake_minutes=episode.awake_minutes,
        stages=[
            [
                (stage.start - episode.start) / MINUTE,
                (stage.end - stage.start) / MINUTE,
                stage.stage,
            ]
            for stage in episode.stages
        ],
    )


def _same(old: SleepEpisode, new: SleepEpisode) -> bool:
    return all(
        getattr(old, name) == getattr(new, name)
        for name in ("asleep_minutes", "awake_minutes", "stages")
    )


def _worth(episode: RecordedSleep) -> tuple[bool, float, float, str]:
    return (
        is_staged(episode), episode.asleep_minutes, episode.awake_minutes, str(episode.stages)
    )  # fmt: skip
