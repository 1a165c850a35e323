"""Pushes of a device for tests: every part can be given."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from django.utils.timezone import now

from patients import upload_queue, uploads
from patients.models import DeviceToken, Patient, Upload
from tests import factories

START = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1)))


def a_day(start: datetime = START, minutes: int = 1440, **channels: Any) -> dict[str, Any]:
    """A day of steady steps and heart rate, unless channels are given."""
    steady = {"steps": [7] * minutes, "heart_rate": [61] * minutes}
    return {"start": start.isoformat(), "channels": channels or steady}


def a_push(*days: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A push of a band with these days, or one steady day."""
    return {"device": {"name": "Band"}, "days": list(days) or [a_day()]} | more


def as_json(push: Any) -> bytes:
    """Its bytes as sent."""
    return json.dumps(push).encode()


RAW = as_json(a_push(a_day(steps=[1, 2, 999])))


def push(token: DeviceToken, raw: bytes = RAW, key: str = "k") -> Upload:
    """A push of the token's device, received."""
    return uploads.push_receive(token=token, key=key, raw=raw)[0]


def receive(patient: Patient, content: bytes, **more: Any) -> Upload:
    """A history file of somebody's patient, received."""
    given: dict[str, Any] = {
        "patient": patient,
        "chunks": [content[:100], content[100:]],
        "size_bytes": len(content),
        "name": "Ada Example.txt",
        "zone": "Europe/Berlin",
        "by": factories.user(),
    }
    return uploads.file_receive(**given | more)


def drained(patients: list[Patient] | None = None) -> int:
    """Store what waits; ``patients`` gets those whose data changed."""
    seen = patients if patients is not None else []
    return upload_queue.uploads_drain(on_change=seen.append)


def long_ago(**more: Any) -> None:
    """Every claim was made longer ago than its grace."""
    Upload.objects.update(claimed_at=now() - 2 * upload_queue.CLAIM_GRACE, **more)
