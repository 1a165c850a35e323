"""Receiving: pushes of devices and history files, each answered with a receipt at once.

Storing is the work of patients.upload_queue.
"""

import shutil
from collections.abc import Iterable
from gzip import compress
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.ingest import device_push
from patients.ingest.common.base import shown, zones_of
from patients.ingest.sources import AUTO, SOURCES
from patients.models import DeviceToken, Patient, Upload, User
from patients.selectors import zones_asked
from patients.services import audit_record

MAX_FILE_BYTES = 4 * 1024**3
FREE_BYTES_KEPT = 1024**3  # for the database, which may lie on the same disk
LONGEST_NAME = 60  # characters; as UTF-8 under the 255 bytes of a file system
PUSH_ZONE = "UTC"  # a push says the offset of every time


class KeyTaken(InputError):
    """The idempotency key was used for something else."""


class NoRoom(InputError):
    """The disk of the upload folder is too full for the file."""


def push_receive(*, token: DeviceToken, key: str, raw: bytes) -> tuple[Upload, bool]:
    """The receipt of a push (its JSON as sent, unzipped), and whether it is a new one.

    The same key with the same JSON is the same receipt. Raises KeyTaken for other JSON, and
    InputError for a bad key or JSON whose form is wrong.
    """
    longest = Upload._meta.get_field("idempotency_key").max_length or 0
    if not 1 <= len(key) <= longest or not key.isprintable():
        raise InputError(f"The Idempotency-Key has not 1 to {longest} printable characters.")
    digest, now = sha256(raw).hexdigest(), timezone.now()
    device_push.read_push(raw, now)
    upload = Upload(
        patient=token.patient,
        token=token,
        uploaded_by=f"device: {token.label}",
        idempotency_key=key,
        body_sha256=digest,
        body=compress(raw, 1),
        source=device_push.SOURCE,
        zone=PUSH_ZONE,
        received_at=now,
    )
    try:
        with transaction.atomic():
            upload.save(force_insert=True)
    except IntegrityError:  # the key is taken: perhaps by this very push
        earlier = Upload.objects.defer("body").get(token=token, idempotency_key=key)
        if earlier.body_sha256 != digest:
            raise KeyTaken(
                "This Idempotency-Key was used for another body: take a new one."
            ) from None
        return earlier, False
    return upload, True


def file_receive(
    *,
    patient: Patient,
    chunks: Iterable[bytes],
    size_bytes: int,
    name: str,
    zone: str,
    by: User,
    source: str = AUTO,
) -> Upload:
    """The receipt of a history file, written to disk as its ``chunks`` come.

    ``zone`` is a name or PATIENT_ZONES: the patient's zones as they are when the file is read.
    The name is kept only beside the file, because some formats need it and some hold a
    person's. Raises InputError for an unknown zone or source, a file that is empty, too large,
    or did not arrive whole, and NoRoom; then nothing is kept.
    """
    zones_of(zones_asked(patient, zone))
    if source not in (AUTO, *SOURCES):
        raise InputError(f"The source {shown(source)} is not known: choose one of the list.")
    _require_room(size_bytes)
    key = uuid4()
    folder = folder_of(key)
    folder.mkdir(parents=True)
    try:
        digest = _write(folder / _plain(name), chunks, size_bytes)
        with transaction.atomic():
            upload = Upload.objects.create(
                id=key,
                patient=patient,
                uploaded_by=by.username,
                body_sha256=digest,
                source=source,
                zone=zone,
                received_at=timezone.now(),
            )
            audit_record(
                by=by, action="file uploaded", patient=patient, file=digest[:12], bytes=size_bytes
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return upload


def folder_of(upload_id: UUID) -> Path:
    """Where an upload's file lies until it is processed."""
    return Path(settings.UPLOAD_DIR) / str(upload_id)


def _require_room(size_bytes: int) -> None:
    if size_bytes <= 0:
        raise InputError("The file is empty: export it again.")
    if size_bytes > MAX_FILE_BYTES:
        raise device_push.TooLarge(
            f"The file is over {MAX_FILE_BYTES // 1024**3} GB: split it by year."
        )
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < size_bytes + FREE_BYTES_KEPT:
        raise NoRoom("The server has no room for this file: tell the operators.")


def _plain(name: str) -> str:
    """The name without folders and control characters; its end, for that says the format."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-LONGEST_NAME:].lstrip(". ") or "file"


def _write(path: Path, chunks: Iterable[bytes], size_bytes: int) -> str:
    """Write exactly so many bytes; returns their hash."""
    digest, written = sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > size_bytes:
                break
            digest.update(chunk)
            file.write(chunk)
    if written != size_bytes:
        raise InputError("The file did not arrive whole: upload it again.")
    return digest.hexdigest()
