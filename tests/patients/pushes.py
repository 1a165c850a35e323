"""Pushes of a device for tests: every part can be given."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

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
