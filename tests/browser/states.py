"""What the small clinic does not have yet: every state that a page can show.

A page with a new state gets a line here, and every check of pages then sees it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from alerts import services
from alerts.absence import absence_watch
from alerts.models import Alert, Notice, OnCallTurn
from patients.models import Patient, Role, User
from scoring.models import RiskScore
from tests import factories
from tests.browser.clinic import build_clinic

MAIN = "CL-0107"  # whose pages are looked at first
# Stored with a day that was then found Indeterminate: none of them may ever be shown. Nothing
# else in the clinic is rounded to them.
HIDDEN = {"overall": 0.6847, "depression": 0.7341, "mania": 0.5873}
HIDDEN_POINTS = 38.57


def build_every_state() -> dict[str, Any]:
    """The small clinic, and beside it what a page shows rarely."""
    clinic = build_clinic()
    patients, people = clinic["patients"], clinic["people"]
    _acts(patients, people[Role.PSYCHIATRIST], people[Role.COORDINATOR])
    _record(patients[MAIN], people[Role.COORDINATOR])
    _around(patients, people, clinic["day"])
    withhold(patients["CL-0138"], clinic["day"])
    absence_watch(now=timezone.now())
    return clinic


def _acts(patients: dict[str, Patient], doctor: User, coordinator: User) -> None:
    """Alerts that were snoozed, asked about, promised, raised by hand and for safety."""
    now = timezone.now()

    def raised(code: str, kind: str, tier: str, **more: Any) -> Alert:
        return factories.alert(patients[code].scores.all()[0], kind, tier, raised_at=now, **more)

    snoozed = raised("CL-0133", "depression", "Moderate", message_state="dead")
    services.alert_snooze(alert=snoozed, by=doctor, hours=48, note="Away until Monday.")
    asked = raised("CL-0138", "mania", "High", message_state="refused")
    services.alert_dismiss(
        alert=asked, by=coordinator, reason="data-artifact", note="The band was lent."
    )
    promised = raised("CL-0141", "depression", "Moderate", message_state="sending")
    services.alert_acknowledge(alert=promised, by=coordinator, note="")
    services.alert_contact(alert=promised, by=coordinator, note="Talked by telephone.")
    factories.follow_up(promised, coordinator)
    services.concern_raise(
        patient=patients["CL-0145"], by=doctor, tier="Moderate", note="Her sister telephoned."
    )
    raised("CL-0130", "safety", "High", message_state="superseded")


def _record(patient: Patient, who: User) -> None:
    """One of everything that a record keeps."""
    taken = timezone.now() - timedelta(days=9)
    factories.questionnaire(patient, taken_at=taken, recorded_at=taken)
    factories.episode(patient, note="Seen at the visit.")
    factories.circumstance(patient)
    factories.device_token(patient)
    factories.upload(patient, uploaded_by=who.username)
    factories.upload(patient, state="rejected", reason="The file is empty.")
    factories.stretch(patient)


def _around(patients: dict[str, Patient], people: dict[str, User], day: Any) -> None:
    """Who is on call, what everybody was told, a night that failed."""
    doctor = people[Role.PSYCHIATRIST]
    OnCallTurn.objects.create(user=doctor, first_day=day, last_day=day + timedelta(days=6))
    for alert in Alert.objects.filter(patient__code__in=[MAIN, "CL-0112"]):
        for who in people.values():
            Notice.objects.create(
                user=who, alert=alert, event="raised", tier=alert.tier, at=timezone.now()
            )
    factories.run(day - timedelta(days=1), "failed", list(patients.values()), failed=2)


def withhold(patient: Patient, last_day: Any, days: int = 3) -> None:
    """Make the last days Indeterminate with numbers stored beside, as an older version did."""
    for row in patient.scores.filter(day__gt=last_day - timedelta(days=days)):
        _set_numbers(row)
        row.probability = None  # the database refuses one beside this tier
        row.tier = "Indeterminate"
        row.reasons = [{"code": "indeterminate", "text": "Neither track could be assessed."}]
        row.save()


def numbers_shown(patient: Patient, last_day: Any, days: int = 3) -> None:
    """The same numbers on days that were assessed: there they are shown."""
    for row in patient.scores.filter(day__gt=last_day - timedelta(days=days)):
        _set_numbers(row)
        row.save()


def _set_numbers(row: RiskScore) -> None:
    row.probability = HIDDEN["overall"]
    row.depression = factories.track("depression", HIDDEN["depression"])
    row.mania = factories.track("mania", HIDDEN["mania"])
    for track in (row.depression, row.mania):
        track["contributions"] = [
            factories.contribution("Sleep per night", 4.1, "h", 7.3, HIDDEN_POINTS)
        ]
    row.mania["mania_probability"], row.mania["hypomania_probability"] = 0.3964, 0.5873
    row.depression["attention"] = []


