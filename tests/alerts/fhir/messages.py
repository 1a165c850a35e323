"""Made-up alert messages for the tests of this folder."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from alerts.fhir.resources import AlertMessage

TEXT = "Mania risk indicator: High on 20 Nov 2026. Consider a contact today."


def alert_message(**changes: Any) -> AlertMessage:
    """A valid message about a made-up patient, with its own identifier."""
    values: dict[str, Any] = {
        "identifier": str(uuid4()),
        "patient_reference": "Patient/p-17",
        "recipient_references": ("Practitioner/dr-1", "CareTeam/team-2"),
        "tier": "High",
        "track": "mania",
        "authored_on": datetime(2026, 11, 20, 6, 30, tzinfo=UTC),
        "follow_up_start": date(2026, 11, 20),
        "follow_up_end": date(2026, 11, 21),
        "lines": (TEXT, "Sleep 3.2 h, usually 7.1 h."),
        "note": "Model boosted-me 0.1 (simulated)",
    }
    return AlertMessage(**(values | changes))
