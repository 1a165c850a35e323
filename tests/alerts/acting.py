"""An alert of any kind, for tests of what is done to it."""

from django.utils import timezone

from alerts.models import Alert
from alerts.raising import alert_raise
from patients.models import Patient


def an_alert(patient: Patient, tier: str = "High", kind: str = "concern") -> Alert:
    alert, is_new = alert_raise(
        patient=patient, kind=kind, tier=tier, by="system", now=timezone.now(), why="concern"
    )
    assert is_new
    return alert
