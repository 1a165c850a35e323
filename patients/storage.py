"""Taking recordings in: minutes of each device, who is believed for each minute, and sleep.

What is stored is a function of what the devices recorded and of their order, never of when or
how often the files came. Files, their hashes and times are rows of their own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils import timezone

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.future import until
from patients.domain.minutes import utc_days
from patients.domain.recording import QuestionnaireAnswer, Recording
from patients.file_records import (
    file_renew,
    moments_of,
    parts_of,
    read_in,
    require_days_alike,
    require_same_zones,
)
from patients.ingest.common.base import MAX_SPAN_YEARS, Zone, zones_of
from patients.ingest.sources import AUTO, check_there, read_recordings
from patients.minute_records import minutes_store
from patients.models import (
    Device,
    Patient,
    Questionnaire,
    RecordingFile,
    RecordingPart,
    User,
)
from patients.resolving import resolve_days, resolve_sleep
from patients.services import audit_record, file_sha256
from patients.sleep_records import sleep_store

SLEEP = "sleep"
BATCH_ROWS = 500
MAX_AHEAD = timedelta(days=1)  # clocks and zones differ
MOST_DEVICES = 200  # the chosen device of a minute is kept in one byte
RESOLVED_ROWS = 2_000

DayKey = tuple[date, str, str]  # UTC day, channel, family


@dataclass(frozen=True)
class Stored:
    """What taking a file in changed."""

    source: str
    days: int
    minutes: int
    changed: bool
    rejected: dict[str, int]


def told(stored: Stored) -> dict[str, object]:
    """What was stored, as commands and receipts say it."""
    return {
        "source": stored.source,
        "days": stored.days,
        "minutes": stored.minutes,
        "status": "stored" if stored.changed else "unchanged",
        "rejected": stored.rejected,
    }


@dataclass(frozen=True)
class Arrival:
    """What came in one file or push, under which hash, and who sent it."""

    recordings: Iterable[Recording]
    sha256: str
    zones: ZoneHistory
    by: User | str
    received_at: datetime | None = None


@dataclass
class _Taken:
    """What a file held so far."""

    sources: set[str] = field(default_factory=set)
    minutes: dict[tuple[Device, str], Counter[date]] = field(default_factory=dict)
    newest: dict[Device, datetime] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    left_out: dict[tuple[Device, str], Counter[date]] = field(default_factory=dict)
    moments: list[datetime] = field(default_factory=list)
    zones: ZoneHistory | None = None  # in which stamps without an offset were read, if any were
    read_in: str = ""
    changed: bool = False
    answered: bool = False

    def seen(self, device: Device, moment: datetime) -> None:
        self.newest[device] = max(moment, self.newest.get(device, moment))

    def count(self, device: Device, channel: str, day: date, minutes: int) -> None:
        self.minutes.setdefault((device, channel), Counter())[day] += minutes


@dataclass
class _Edits:
    """What was written and whose devices are not chosen yet: days, and moments of sleep."""

    keys: set[DayKey] = field(default_factory=set)
    slept: list[datetime] = field(default_factory=list)


def file_store(
    *,
    patient: Patient,
    path: Path,
    zone: Zone,
    by: User | str,
    source: str = AUTO,
    received_at: datetime | None = None,
) -> Stored:
    """Read a file, folder or zip and store all of it, or raise InputError and store nothing."""
    zones_of(zone)
    check_there(path)
    return recordings_store(
        patient=patient,
        recordings=read_recordings(path, zone, source),
        file_sha256=file_sha256(path),
        zone=zone,
        by=by,
        received_at=received_at,
    )


def recordings_store(
    *,
    patient: Patient,
    recordings: Iterable[Recording],
    file_sha256: str,
    zone: Zone,
    by: User | str,
    received_at: datetime | None = None,
) -> Stored:
    """Store the recordings of one file; the same minutes again change nothing.

    Everything or, on any error, nothing. Raises InputError when the file, or days of it in
    another file of the same device, were stored before with stamps read in other zones: their
    minutes would lie there twice.
    """
    arrival = Arrival(recordings, file_sha256, zones_of(zone), by, received_at)
    [stored] = arrivals_store(patient=patient, arrivals=[arrival])
    return stored


@transaction.atomic
def arrivals_store(*, patient: Patient, arrivals: Sequence[Arrival]) -> list[Stored]:
    """As ``recordings_store`` for one file after the other, but all of them or none; faster."""
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    files = RecordingFile.objects.filter(patient=patient, sha256__in=[a.sha256 for a in arrivals])
    earlier = {file.sha256: file for file in files}
    devices = {(d.source, d.name): d for d in patient.devices.all()}
    every, edits = [], _Edits()
    for arrival in arrivals:
        every.append(taken := _Taken())
        for recording in arrival.recordings:
            _take(taken, edits, recording, _device(patient, devices, recording))
            if len(edits.keys) >= RESOLVED_ROWS:  # not all at the end: a file may hold decades
                _resolve(patient, edits)
        if taken.zones:
            _require_read_alike(taken, taken.zones, arrival, earlier.get(arrival.sha256))
    _resolve(patient, edits)
    _require_sane_dates(patient, every)
    _note_last_data(every)
    fresh = {a.sha256: (a, t) for a, t in zip(arrivals, every, strict=True)}
    _note_files(patient, [pair for sha256, pair in fresh.items() if sha256 not in earlier])
    for sha256, file in earlier.items():
        _, taken = fresh[sha256]
        file_renew(file, _most_minutes(taken), taken.minutes, taken.left_out)
    return [_told(patient, t, a.sha256, a.by) for a, t in zip(arrivals, every, strict=True)]


def _require_read_alike(
    taken: _Taken, zones: ZoneHistory, arrival: Arrival, known: RecordingFile | None
) -> None:
    """InputError if the file, or days of it, were stored before and read in other zones."""
    taken.read_in = read_in(zones, taken.moments)
    if known:
        require_same_zones(known.zone, taken.read_in, read_in(arrival.zones, taken.moments))
    if taken.changed:
        require_days_alike(arrival.sha256, taken.minutes, zones, arrival.zones)


def _resolve(patient: Patient, edits: _Edits) -> None:
    """Choose the devices of what was written since the last time."""
    resolve_days(patient=patient, keys=edits.keys, edited=edits.keys)
    if edits.slept:
        resolve_sleep(patient=patient, first=min(edits.slept), last=max(edits.slept))
    edits.keys.clear()
    edits.slept.clear()


def _require_sane_dates(patient: Patient, every: Sequence[_Taken]) -> None:
    """InputError for files of the future alone, and for data decades from the patient's others.

    Every day between the first and the last gets features: one wrong year would cost thousands.
    """
    if any(not t.minutes and not t.answered and t.rejected for t in every):
        raise InputError("Everything in the recording is dated in the future: check its clock.")
    if any(t.changed for t in every):
        recorded = patient.resolved_days.filter(minutes__gt=0)
        days = recorded.order_by("utc_day").values_list("utc_day", flat=True)
        first, last = days.first(), days.last()
        if first and last and (last - first).days > MAX_SPAN_YEARS * 366:
            raise InputError(
                f"The patient would have data from {first} to {last}, over {MAX_SPAN_YEARS} "
                "years: check the dates in the recording."
            )


def _device(patient: Patient, known: dict[tuple[str, str], Device], recording: Recording) -> Device:
    key = (recording.source, recording.device)
    if key not in known and len(known) >= MOST_DEVICES:
        raise InputError(
            f"This would be more than {MOST_DEVICES} devices of one patient; "
            "check where the recording is from."
        )
    if key not in known:
        known[key] = Device.objects.create(
            patient=patient, source=recording.source, name=recording.device, kind=recording.kind
        )
    return known[key]


def _take(taken: _Taken, edits: _Edits, recording: Recording, device: Device) -> None:
    recording = until(recording, timezone.now() + MAX_AHEAD)
    taken.sources.add(recording.source)
    taken.moments += moments_of(recording)
    taken.zones = taken.zones or recording.zones
    taken.rejected.update(recording.rejected)
    for (channel, day), count in recording.rejected_days.items():
        taken.left_out.setdefault((device, channel), Counter())[day] += count
    written = _store_minutes(taken, recording, device)
    slept = sleep_store(device=device, episodes=recording.sleep)
    for episode in (e for e in recording.sleep if e.asleep_minutes > 0):
        minutes = round(episode.asleep_minutes + episode.awake_minutes)
        taken.count(device, SLEEP, episode.end.astimezone(UTC).date(), minutes)
        taken.seen(device, episode.end)
    answers = _store_answers(device, recording.questionnaires)
    taken.changed |= bool(written or slept or answers)
    taken.answered |= bool(recording.questionnaires)
    edits.keys |= written
    edits.slept += slept


def _store_minutes(taken: _Taken, recording: Recording, device: Device) -> set[DayKey]:
    """Write the days that are new or different; returns them."""
    for series in recording.series:
        for day, values, _ in utc_days(series):
            taken.count(device, series.channel, day, int((~np.isnan(values)).sum()))
    written = minutes_store(device=device, recording=recording)
    for row in written:
        if row.minutes:
            moment = datetime.combine(row.utc_day, time.min, UTC)
            taken.seen(device, moment + timedelta(minutes=row.last_minute))
    return {(row.utc_day, row.channel, row.family) for row in written}


def _store_answers(device: Device, answers: Sequence[QuestionnaireAnswer]) -> int:
    """Write the questionnaires that are new; returns how many. Of two of one moment the higher
    stays, whichever came first; what a person recorded stays, and what was marked as entered in
    error does not come again.
    """
    if not answers:
        return 0
    now = timezone.now()
    rows = {
        (answer.instrument, answer.taken_at): Questionnaire(
            patient_id=device.patient_id,
            instrument=answer.instrument,
            taken_at=answer.taken_at,
            total=answer.total,
            items=list(answer.items),
            source=device.source,
            recorded_at=now,
        )
        for answer in sorted(answers, key=lambda a: (a.total, a.items))
    }
    moments = [taken_at for _, taken_at in rows]
    near = Questionnaire.objects.filter(
        patient_id=device.patient_id, taken_at__range=(min(moments), max(moments))
    )
    higher = _higher(near, rows)
    written = ["total", "items", "source", "recorded_at", "safety_considered_at"]
    Questionnaire.objects.bulk_update(higher, written, batch_size=BATCH_ROWS)
    # Of two at once, of which a person is one, the first stays.
    Questionnaire.objects.bulk_create(rows.values(), ignore_conflicts=True, batch_size=BATCH_ROWS)
    return len(rows) + len(higher)


def _higher(
    near: Iterable[Questionnaire], rows: dict[tuple[str, datetime], Questionnaire]
) -> list[Questionnaire]:
    """Take out of ``rows`` what is not new; returns what replaces a lower one, with its key."""
    higher = []
    for old in near:
        key = old.instrument, old.taken_at
        new = rows.get(key)
        if new is None:
            continue
        told, known = (new.total, new.items), (old.total, old.items)
        if old.entered_in_error:
            if told == known:
                del rows[key]
        elif old.recorded_by or told <= known:
            del rows[key]
        else:
            new.pk = old.pk
            higher.append(rows.pop(key))
    return higher


def _note_last_data(every: Sequence[_Taken]) -> None:
    """Say of each device when it last reported anything."""
    for device in {device for taken in every for device in taken.newest}:
        newest = max(taken.newest[device] for taken in every if device in taken.newest)
        if device.last_data_at is None or newest > device.last_data_at:
            device.last_data_at = newest
            device.save(update_fields=["last_data_at"])


def _note_files(patient: Patient, fresh: Sequence[tuple[Arrival, _Taken]]) -> None:
    now = timezone.now()
    files = [
        RecordingFile(
            patient=patient,
            source=", ".join(sorted(taken.sources)),
            sha256=arrival.sha256,
            zone=taken.read_in,
            received_at=arrival.received_at or now,
            processed_at=now,
            minutes=_most_minutes(taken),
            rejected=dict(taken.rejected),
        )
        for arrival, taken in fresh
    ]
    RecordingFile.objects.bulk_create(files)
    pairs = zip(files, fresh, strict=True)
    parts = [p for f, (_, t) in pairs for p in parts_of(f, t.minutes, t.left_out)]
    RecordingPart.objects.bulk_create(parts, batch_size=BATCH_ROWS)


def _most_minutes(taken: _Taken) -> int:
    return max((sum(days.values()) for days in taken.minutes.values()), default=0)


def _told(patient: Patient, taken: _Taken, file_sha256: str, by: User | str) -> Stored:
    days = {day for counts in taken.minutes.values() for day in counts}
    stored = Stored(
        source=", ".join(sorted(taken.sources)),
        days=len(days),
        minutes=_most_minutes(taken),
        changed=taken.changed,
        rejected=dict(taken.rejected),
    )
    if stored.changed:
        audit_record(
            by=by,
            action="recording stored",
            patient=patient,
            source=stored.source,
            days=stored.days,
            file=file_sha256[:12],
        )
    return stored
