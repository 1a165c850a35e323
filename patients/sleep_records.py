"""Writing sleep records: those whole in themselves, and those made of loose stretches."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from patients.domain.recording import SleepEpisode as RecordedSleep
from patients.domain.recording import SleepStage
from patients.domain.resolve import NIGHT_GAP, is_staged
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, sleep_episode
from patients.models import Device, SleepEpisode

MINUTE = timedelta(minutes=1)
LONGEST = timedelta(seconds=MAX_SLEEP_SECONDS)
MINIMUM, MAXIMUM = (t.replace(tzinfo=UTC) for t in (datetime.min, datetime.max))
BATCH_ROWS = 500

Key = tuple[datetime, datetime, str]  # start, end, the vendor's id


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
    records = _Records(near)
    changed: list[datetime] = []
    for episode in episodes:
        changed += _store_one(device, records, episode)
    records.save()
    return changed


class _Records:
    """A device's stored records, and those to be written and deleted in the end."""

    def __init__(self, stored: Iterable[SleepEpisode]) -> None:
        self.rows = {_key(row): row for row in stored}
        self._loose = sorted(key for key in self.rows if not key[2])
        self._written: set[Key] = set()
        self._gone: list[int] = []

    def put(self, row: SleepEpisode) -> None:
        """Write a record, or over the one of its start, end and id."""
        key = _key(row)
        if not row.log_id and key not in self.rows:
            insort(self._loose, key)
        self.rows[key] = row
        self._written.add(key)

    def drop(self, key: Key) -> None:
        """Delete a record of loose stretches."""
        row = self.rows.pop(key)
        self._loose.remove(key)
        self._written.discard(key)
        if row.pk is not None:
            self._gone.append(row.pk)

    def loose_near(self, episode: RecordedSleep) -> list[Key]:
        """The records of loose stretches that may touch the episode, by start."""
        first = (episode.start - NIGHT_GAP - LONGEST, MINIMUM, "")
        last = (episode.end + NIGHT_GAP, MAXIMUM, "")
        return self._loose[bisect_left(self._loose, first) : bisect_right(self._loose, last)]

    def save(self) -> None:
        """Make it so."""
        SleepEpisode.objects.filter(pk__in=self._gone).delete()
        SleepEpisode.objects.bulk_create(
            [self.rows[key] for key in sorted(self._written)],
            update_conflicts=True,
            unique_fields=["patient", "device", "start", "end", "log_id"],
            update_fields=["asleep_minutes", "awake_minutes", "stages", "updated_at"],
            batch_size=BATCH_ROWS,
        )


def _key(row: SleepEpisode) -> Key:
    return row.start, row.end, row.log_id


def _store_one(device: Device, records: _Records, episode: RecordedSleep) -> list[datetime]:
    if not episode.log_id:
        episode, replaced = _joined(records, episode)
        for key in replaced:
            if key != (episode.start, episode.end, ""):
                records.drop(key)
    row = _row(device, episode)
    old = records.rows.get(_key(row))
    if old:
        if _same(old, row) or (episode.log_id and _worth(as_recorded(old)) >= _worth(episode)):
            return []
        row.pk = old.pk
    records.put(row)
    return [row.start, row.end]


def _joined(records: _Records, episode: RecordedSleep) -> tuple[RecordedSleep, list[Key]]:
    """The episode with the stored stretches that touch it, and the keys of their rows."""
    taken: list[Key] = []
    found = True
    while found:
        found = False
        for key in records.loose_near(episode):
            row = records.rows[key]
            if key in taken or not _touch(episode, row):
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
