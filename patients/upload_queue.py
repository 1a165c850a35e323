"""Storing what was received: workers claim uploads, and store all of each or nothing.

A claim is held by a lock on the upload's row for as long as it is being stored. So one whose
worker died is free at once, and a huge file may take as long as it needs.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from clarity_site.logs import log
from patients.domain.errors import InputError
from patients.domain.recording import Recording
from patients.ingest import device_push
from patients.ingest.common.base import Zone, zones_of
from patients.ingest.sources import UnknownFormat, read_recordings
from patients.models import Patient, Upload
from patients.selectors import zones_asked
from patients.storage import Arrival, arrivals_store, told
from patients.uploads import folder_of

ATTEMPTS = 3
CLAIM_GRACE = timedelta(minutes=1)  # how long a claimed upload may wait for its lock
PUSHES_A_CLAIM = 20
POLL_S = 0.1
ORPHAN_AGE_S = 24 * 3600
GAVE_UP = "The upload could not be processed: give the operators the id of its receipt."

UNKNOWN = "The file is in no known format: give the export as it came, in a format of the list."
ENDED = ("state", "reason", "result", "processed_at", "body")
State = Upload.State
OnChange = Callable[[Patient], None]


def uploads_drain(*, on_change: OnChange, linger_s: float = 0.0) -> int:
    """Store what waits until nothing has come for ``linger_s``; returns how many were settled.

    ``on_change`` is called for the patient of each upload that held anything new, in the
    transaction that stores it.
    """
    settled, last = 0, time.monotonic()
    while True:
        if claimed := uploads_claim():
            settled += uploads_process(uploads=claimed, on_change=on_change)
            last = time.monotonic()
        elif time.monotonic() - last >= linger_s:
            return settled
        else:
            time.sleep(POLL_S)


def uploads_waiting() -> bool:
    """Whether a worker would find something to do."""
    return _claimable(timezone.now()).exists()


def _claimable(now: datetime) -> QuerySet[Upload]:
    lost = Q(state=State.PROCESSING, claimed_at__lt=now - CLAIM_GRACE)
    return Upload.objects.filter(Q(state=State.RECEIVED) | lost, attempts__lt=ATTEMPTS)


@transaction.atomic
def uploads_claim() -> list[Upload]:
    """All pushes of the patient whose push waits longest, else one file; one winner each.

    While one upload of a patient is stored the patient's others are passed over, and while one
    file is read no other is taken: pushes never wait behind files.
    """
    now = timezone.now()
    rows = _claimable(now).select_related("patient").order_by("received_at")
    free = rows.select_for_update(skip_locked=True, no_key=True, of=("self", "patient"))
    pushes = free.filter(body__isnull=False)
    claimed = list(pushes[:1])
    if claimed:
        claimed = list(pushes.filter(patient=claimed[0].patient)[:PUSHES_A_CLAIM])
    elif not _a_file_is_read(now):
        claimed = list(free.filter(body__isnull=True)[:1])
    for upload in claimed:
        upload.state, upload.claimed_at = State.PROCESSING, now
        upload.attempts += 1
    Upload.objects.filter(pk__in=[upload.pk for upload in claimed]).update(
        state=State.PROCESSING, claimed_at=now, attempts=F("attempts") + 1
    )
    return claimed


def _a_file_is_read(now: datetime) -> bool:
    files = Upload.objects.filter(state=State.PROCESSING, body__isnull=True)
    lost = _unlocked(files.filter(claimed_at__lt=now - CLAIM_GRACE))
    return files.count() > len(lost)


def _unlocked(rows: QuerySet[Upload]) -> list[UUID]:
    """Those that no worker holds; they stay locked to the end of the transaction."""
    free = rows.select_for_update(skip_locked=True, no_key=True)
    return list(free.values_list("pk", flat=True))


def uploads_process(*, uploads: Sequence[Upload], on_change: OnChange) -> int:
    """Store claimed uploads of one patient, together if all can be; returns how many ended.

    What is stored and the state "stored" are one transaction.
    """
    if len(uploads) > 1 and _store_together(uploads, on_change):
        return len(uploads)
    return sum(_process_alone(upload, on_change) for upload in uploads)


def _store_together(uploads: Sequence[Upload], on_change: OnChange) -> bool:
    """False, and nothing is stored, if one of them must be looked at alone."""
    try:
        with transaction.atomic():
            if _held(uploads) < len(uploads):
                return False
            arrivals = [_arrival(upload) for upload in uploads]
            stored = arrivals_store(patient=uploads[0].patient, arrivals=arrivals)
            for upload, each in zip(uploads, stored, strict=True):
                _end(upload, State.STORED, result=told(each))
            # A bulk update names each value of each row: only for what differs between them.
            alike = {name: getattr(uploads[0], name) for name in ENDED if name != "result"}
            Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(**alike)
            Upload.objects.bulk_update(uploads, ["result"])
            if any(each.changed for each in stored):
                on_change(uploads[0].patient)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # which of them it was will show when each is stored alone
        return False
    return True


def _held(uploads: Sequence[Upload]) -> int:
    """Lock those that no other worker has claimed since; how many these are.

    It waits for a lock: a claim of others touches rows for a moment also when it passes them
    over, so that a row found locked is no sign that somebody stores it.
    """
    keys, claimed_at = [upload.pk for upload in uploads], uploads[0].claimed_at
    mine = Upload.objects.filter(pk__in=keys, state=State.PROCESSING, claimed_at=claimed_at)
    return len(mine.select_for_update(no_key=True).values_list("pk"))


def _process_alone(upload: Upload, on_change: OnChange) -> bool:
    """Store or reject an upload; False if it must be tried again.

    What nobody foresaw is tried ATTEMPTS times, then rejected without details; a lost database
    is raised.
    """
    try:
        with transaction.atomic():
            if not _held([upload]):
                return False
            _store(upload, on_change)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # one upload's trouble must not stop the others
        log.exception("upload failed", extra={"upload": str(upload.pk)})
        if upload.attempts < ATTEMPTS:
            Upload.objects.filter(pk=upload.pk).update(state=State.RECEIVED)
            return False
        _settle(upload, State.REJECTED, reason=GAVE_UP)
    if upload.token_id is None:
        shutil.rmtree(folder_of(upload.pk), ignore_errors=True)
    return True


def _store(upload: Upload, on_change: OnChange) -> None:
    try:
        [stored] = arrivals_store(patient=upload.patient, arrivals=[_arrival(upload)])
    except UnknownFormat:  # its message names every format, too many for a receipt
        return _settle(upload, State.REJECTED, reason=UNKNOWN)
    except InputError as refusal:
        return _settle(upload, State.REJECTED, reason=_without_name(str(refusal), upload))
    _settle(upload, State.STORED, result=told(stored))
    if stored.changed:
        on_change(upload.patient)


def _arrival(upload: Upload) -> Arrival:
    zone = zones_asked(upload.patient, upload.zone)
    return Arrival(
        _recordings(upload, zone),
        upload.body_sha256,
        zones_of(zone),
        upload.uploaded_by,
        upload.received_at,
    )


def _recordings(upload: Upload, zone: Zone) -> Iterable[Recording]:
    if upload.body is None:
        return read_recordings(_file_of(upload), zone, upload.source)
    raw = device_push.unpacked(bytes(upload.body))
    return device_push.recordings(device_push.read_push(raw, upload.received_at))


def _file_of(upload: Upload) -> Path:
    folder = folder_of(upload.pk)
    return next(folder.iterdir(), folder / "file") if folder.is_dir() else folder / "file"


def _without_name(reason: str, upload: Upload) -> str:
    """The reason without the file's name, which may be a person's."""
    if upload.token_id is None:
        reason = reason.replace(_file_of(upload).name, "the file")
    return reason[:1].upper() + reason[1:]


def _settle(upload: Upload, state: str, **more: Any) -> None:
    _end(upload, state, **more)
    upload.save(update_fields=ENDED)


def _end(
    upload: Upload, state: str, *, reason: str = "", result: dict[str, object] | None = None
) -> None:
    longest = Upload._meta.get_field("reason").max_length
    upload.state, upload.reason, upload.result = state, reason[:longest], result or {}
    upload.processed_at, upload.body = timezone.now(), None


@transaction.atomic
def uploads_abandon() -> int:
    """Reject the uploads whose last attempt was lost with its worker. Returns how many."""
    lost = Upload.objects.filter(
        state=State.PROCESSING,
        attempts__gte=ATTEMPTS,
        claimed_at__lt=timezone.now() - CLAIM_GRACE,
    )
    uploads = list(Upload.objects.filter(pk__in=_unlocked(lost)).defer("body"))
    for upload in uploads:
        log.error("upload lost its worker", extra={"upload": str(upload.pk)})
        _settle(upload, State.REJECTED, reason=GAVE_UP)
    return len(uploads)


def folders_sweep() -> int:
    """Delete the files that no open upload owns: of cut lines, erased patients, lost workers."""
    root = Path(settings.UPLOAD_DIR)
    still_open = Upload.objects.filter(state__in=(State.RECEIVED, State.PROCESSING))
    owned = {str(pk) for pk in still_open.values_list("pk", flat=True)}
    swept = 0
    for folder in root.iterdir() if root.is_dir() else ():
        newest = max((p.stat().st_mtime for p in (folder, *folder.glob("*"))), default=0)
        if folder.name not in owned and time.time() - newest > ORPHAN_AGE_S:
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    return swept
