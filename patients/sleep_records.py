"""Writing sleep records: those whole in themselves, and those made of loose stretches."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from patients.domain.recording import Channel, SleepStage
from patients.domain.recording import SleepEpisode as RecordedSleep
from patients.domain.resolve import NIGHT_GAP, is_staged
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, sleep_episode
from patients.models import Device, ResolvedDay, SleepEpisode

MINUTE = timedelta(minutes=1)
LONGEST = timedelta(seconds=MAX_SLEEP_SECONDS)
MINIMUM, MAXIMUM = (t.replace(tzinfo=UTC) for t in (datetime.min, datetime.max))
BATCH_ROWS = 500
LONGEST_ID = 80

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

    Of records with one id the staged one stays, then the one with more sleep, also where they
    were read in two zones and so lie hours apart. Records made of loose stretches join with
    those of the device less than an hour away, because a file may end in the middle of a night.
    """
    if not episodes:
        return []
    first, last = min(e.start for e in episodes), max(e.end for e in episodes)
    near = Q(end__gte=first - NIGHT_GAP, start__lte=last + NIGHT_GAP)
    same_log = Q(log_id__in={e.log_id[:LONGEST_ID] for e in episodes if e.log_id})
    records = _Records(device.sleep_episodes.filter(near | same_log))
    changed: list[datetime] = []
    for episode in episodes:
        changed += _store_one(device, records, episode)
    nights_gone(device.patient_id, {end.astimezone(UTC).date() for end in records.save()})
    return changed


def nights_gone(patient_id: int, days: Collection[date]) -> None:
    """Say that records which ended on these UTC days are no more, so that features are made anew.

    A row of the day is marked; where it has none, one without devices is left.
    """
    now = timezone.now()
    rows = ResolvedDay.objects.filter(patient=patient_id, utc_day__in=days)
    rows.update(updated_at=now)
    marked = set(rows.values_list("utc_day", flat=True))
    empty = {"channel": Channel.ACTIVITY, "devices": [], "chosen": b"", "minutes": 0}
    ResolvedDay.objects.bulk_create(
        [
            ResolvedDay(patient_id=patient_id, utc_day=day, last_minute=0, updated_at=now, **empty)
            for day in set(days) - marked
        ]
    )


class _Records:
    """A device's stored records, and those to be written and deleted in the end."""

    def __init__(self, stored: Iterable[SleepEpisode]) -> None:
        self.rows = {_key(row): row for row in stored}
        self._loose = sorted(key for key in self.rows if not key[2])
        self._of_log: dict[str, set[Key]] = defaultdict(set)
        for key in self.rows:
            self._of_log[key[2]].add(key)
        self._written: set[Key] = set()
        self._gone: list[SleepEpisode] = []

    def put(self, row: SleepEpisode) -> None:
        """Write a record, or over the one of its start, end and id."""
        key = _key(row)
        if not row.log_id and key not in self.rows:
            insort(self._loose, key)
        self._of_log[row.log_id].add(key)
        self.rows[key] = row
        self._written.add(key)

    def drop(self, key: Key) -> None:
        """Delete a record."""
        row = self.rows.pop(key)
        if not row.log_id:
            self._loose.remove(key)
        self._of_log[row.log_id].discard(key)
        self._written.discard(key)
        if row.pk is not None:
            self._gone.append(row)

    def of_log(self, log_id: str) -> list[Key]:
        """The records of that id."""
        return sorted(self._of_log[log_id])

    def loose_near(self, episode: RecordedSleep) -> list[Key]:
        """The records of loose stretches that may touch the episode, by start."""
        first = (episode.start - NIGHT_GAP - LONGEST, MINIMUM, "")
        last = (episode.end + NIGHT_GAP, MAXIMUM, "")
        return self._loose[bisect_left(self._loose, first) : bisect_right(self._loose, last)]

    def save(self) -> list[datetime]:
        """Make it so; returns the ends of the deleted ones that told of a night by their id."""
        SleepEpisode.objects.filter(pk__in=[row.pk for row in self._gone]).delete()
        SleepEpisode.objects.bulk_create(
            [self.rows[key] for key in sorted(self._written)],
            update_conflicts=True,
            unique_fields=["patient", "device", "start", "end", "log_id"],
            update_fields=["asleep_minutes", "awake_minutes", "stages", "updated_at"],
            batch_size=BATCH_ROWS,
        )
        return [row.end for row in self._gone if row.log_id]


def _key(row: SleepEpisode) -> Key:
    return row.start, row.end, row.log_id


def _store_one(device: Device, records: _Records, episode: RecordedSleep) -> list[datetime]:
    if episode.log_id:
        replaced = records.of_log(episode.log_id[:LONGEST_ID])
        if any(_worth(as_recorded(records.rows[key])) >= _worth(episode) for key in replaced):
            return []
    else:
        episode, replaced = _joined(records, episode)
    row = _row(device, episode)
    for key in replaced:
        if key != _key(row):
            records.drop(key)
    old = records.rows.get(_key(row))
    if old:
        if _same(old, row):
            return []
        row.pk = old.pk
    records.put(row)
    return [row.start, row.end, *(moment for key in replaced for moment in key[:2])]


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
        log_id=episode.log_id[:LONGEST_ID],
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


def _worth(episode: RecordedSleep) -> tuple[object, ...]:
    """Of records of one night the largest stays: an order of all, whatever came first."""
    return (
        is_staged(episode), episode.asleep_minutes, episode.awake_minutes,
        MAXIMUM - episode.start, episode.end, str(episode.stages),
    )  # fmt: skip
