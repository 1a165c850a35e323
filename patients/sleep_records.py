"""Writing sleep records: those whole in themselves, and those made of loose stretches."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.db.models import Q
from django.utils import timezone

from patients.domain.recording import Channel, SleepStage
from patients.domain.recording import SleepEpisode as RecordedSleep
from patients.domain.resolve import is_staged
from patients.ingest.common.base import STAGES, Rejected
from patients.ingest.common.sleep_stretches import Stretches, episodes_of
from patients.models import Device, ResolvedDay, SleepEpisode

MINUTE = timedelta(minutes=1)
TOUCHED, KNOWN = timedelta(days=2), timedelta(days=5)  # around new loose stretches
MAXIMUM = datetime.max.replace(tzinfo=UTC)
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
    were read in two zones and so lie hours apart. Records made of loose stretches are made anew
    of these and of the device's stored ones around them, so that it does not matter how files
    cut them. Only those within TOUCHED can come out different, seen from those within KNOWN: a
    border between nights depends on a day before and a day after it.
    """
    loose = [episode for episode in episodes if not episode.log_id]
    wanted = Q(log_id__in={e.log_id[:LONGEST_ID] for e in episodes if e.log_id})
    if loose:
        first, last = min(e.start for e in loose), max(e.end for e in loose)
        wanted |= Q(log_id="", end__gte=first - KNOWN, start__lte=last + KNOWN)
    records = _Records(device.sleep_episodes.filter(wanted))
    changed = _store_loose(device, records, loose)
    for episode in episodes:
        if episode.log_id:
            changed += _store_whole(device, records, episode)
    nights_gone(device.patient_id, records.save())
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
        self._of_log: dict[str, set[Key]] = defaultdict(set)
        for key in self.rows:
            self._of_log[key[2]].add(key)
        self._written: set[Key] = set()
        self._gone: list[SleepEpisode] = []

    def put(self, row: SleepEpisode) -> None:
        """Write a record, or over the one of its start, end and id."""
        key = _key(row)
        self._of_log[row.log_id].add(key)
        self.rows[key] = row
        self._written.add(key)

    def drop(self, key: Key) -> None:
        """Delete a record."""
        row = self.rows.pop(key)
        self._of_log[row.log_id].discard(key)
        self._written.discard(key)
        if row.pk is not None:
            self._gone.append(row)

    def of_log(self, log_id: str) -> list[Key]:
        """The records of that id."""
        return sorted(self._of_log[log_id])

    def save(self) -> set[date]:
        """Make it so; returns the UTC days on which only nights ended that are no more."""
        SleepEpisode.objects.filter(pk__in=[row.pk for row in self._gone]).delete()
        written = [self.rows[key] for key in sorted(self._written)]
        SleepEpisode.objects.bulk_create(
            written,
            update_conflicts=True,
            unique_fields=["patient", "device", "start", "end", "log_id"],
            update_fields=["asleep_minutes", "awake_minutes", "stages", "updated_at"],
            batch_size=BATCH_ROWS,
        )
        loose = [row for row in written if not row.log_id]
        # Where a longer night took its place, that one's own time of change says enough.
        loose_days = {t.astimezone(UTC).date() for row in loose for t in (row.start, row.end)}
        return {
            _utc_day(row)
            for row in self._gone
            if row.log_id or (row.is_chosen and _utc_day(row) not in loose_days)
        }


def _key(row: SleepEpisode) -> Key:
    return row.start, row.end, row.log_id


def _utc_day(row: SleepEpisode) -> date:
    return row.end.astimezone(UTC).date()


def _store_whole(device: Device, records: _Records, episode: RecordedSleep) -> list[datetime]:
    replaced = records.of_log(episode.log_id[:LONGEST_ID])
    if any(_worth(as_recorded(records.rows[key])) >= _worth(episode) for key in replaced):
        return []
    row = _row(device, episode)
    for key in replaced:
        if key != _key(row):
            records.drop(key)
    return [*_written(records, row), *(moment for key in replaced for moment in key[:2])]


def _store_loose(
    device: Device, records: _Records, episodes: Sequence[RecordedSleep]
) -> list[datetime]:
    if not episodes:
        return []
    first = min(e.start for e in episodes) - TOUCHED
    last = max(e.end for e in episodes) + TOUCHED
    stored = {key: records.rows[key] for key in records.of_log("")}
    told = [*map(as_recorded, stored.values()), *episodes]
    found = episodes_of(np.concatenate([_stretches(e) for e in told]), Rejected())
    made = [_row(device, e) for e in found if e.end >= first and e.start <= last]
    kept = {_key(row) for row in made}
    changed: list[datetime] = []
    for key, row in stored.items():
        if row.end >= first and row.start <= last and key not in kept:
            records.drop(key)
            changed += key[:2]
    return changed + [moment for row in made for moment in _written(records, row)]


def _written(records: _Records, row: SleepEpisode) -> list[datetime]:
    """Put the record, if it is not stored so already; returns its start and end if it was not."""
    old = records.rows.get(_key(row))
    if old:
        if _same(old, row):
            return []
        row.pk = old.pk
    records.put(row)
    return [row.start, row.end]


def _stretches(episode: RecordedSleep) -> Stretches:
    told = episode.stages or (SleepStage(episode.start, episode.end, "asleep"),)
    seconds = [
        (round(s.start.timestamp()), round(s.end.timestamp()), STAGES.index(s.stage)) for s in told
    ]
    return np.array(seconds, np.int64)


def _row(device: Device, episode: RecordedSleep) -> SleepEpisode:
    return SleepEpisode(
        patient_id=device.patient_id,
        device=device,
        log_id=episode.log_id[:LONGEST_ID],
        start=episode.start,
        end=episode.end,
        asleep_minutes=episode.asleep_minutes,
        awake_minutes=episode.awake_minutes,
        is_chosen=episode.asleep_minutes > 0,
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
