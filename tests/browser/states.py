"""What the small clinic does not have yet: every state that a page can show.

A page with a new state gets a line here, and every check of pages then sees it.
"""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.utils import timezone

from alerts import services
from alerts.absence import absence_watch
from alerts.models import Alert, EhrAccount, Notice, OnCallTurn, QueueVisit
from patients.models import Patient, Role, User
from scoring.models import RiskScore
from scoring.summaries import summaries_refresh
from tests import factories, trusted
from tests.browser.clinic import build_clinic
from tests.browser.context_rows import context_rows
from tests.browser.looking import MAIN

# Stored with days that are Indeterminate: none of them may be shown. Nothing else in the clinic of
# ``build_withheld`` is rounded to them.
HIDDEN = {
    "overall": 0.6847,
    "depression": 0.7341,
    "mania": 0.5873,
    "part": 0.3964,
    "points": 0.3857,
}
DAYS_HIDDEN = 3


def build_every_state() -> dict[str, Any]:
    """The small clinic, and beside it what a page shows rarely."""
    clinic = build_clinic()
    patients, people = clinic["patients"], clinic["people"]
    _acts(patients, people[Role.PSYCHIATRIST], people[Role.COORDINATOR])
    _record(patients[MAIN], people[Role.COORDINATOR])
    _around(patients, people, clinic["day"])
    _accounts(people)
    _systems()
    _from_the_ehr(people)
    context_rows(patients[MAIN], patients["CL-0133"])
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
    factories.follow_up(patients[MAIN].alerts.all()[0], coordinator)


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
    factories.note(patient, author=who.username)
    factories.note(patient, author=who.username, text="Of somebody else.", entered_in_error=True)
    factories.note(patient, "contact", author=who.username, outcome="left_message")
    factories.device(patient)


def _accounts(people: dict[str, User]) -> None:
    """A newcomer without patients, accounts that are closed, locked and new, a patient alone."""
    now = timezone.now()
    people["newcomer"] = factories.user(Role.PSYCHIATRIST, "newcomer.1", last_name="Roe")
    factories.user(Role.COORDINATOR, "closed.1", is_active=False)
    AccessAttempt.objects.create(
        username=factories.user(Role.COORDINATOR, "locked.1").username,
        failures_since_start=settings.AXES_FAILURE_LIMIT,
        attempt_time=now,
    )
    factories.patient("CL-0199")  # nobody's
    coordinator = people[Role.COORDINATOR]
    coordinator.tour_seen_at = now  # the others are shown the tour
    coordinator.panel_before = coordinator.panel_seen_at = now - timedelta(days=2)
    coordinator.panel_views = [["Manic now", "tier=High&track=mania"]]
    coordinator.save()
    seen = now - timedelta(days=2)
    QueueVisit.objects.create(user=coordinator, seen_at=seen, since=seen)


def _systems() -> None:
    """An EHR that calls, and a reader that is switched off."""
    trusted.system(name="Hospital EHR", jwks_url="https://ehr.example/jwks.json")
    trusted.system(
        name="Research warehouse",
        issuer="",
        client_id="warehouse",
        scopes="system/Observation.rs system/RiskAssessment.rs",
        is_active=False,
    )


def _from_the_ehr(people: dict[str, User]) -> None:
    """Somebody who comes in from the EHR, somebody who waits, and one whose account is closed."""
    now = timezone.now()
    named = {"mapped_by": people[Role.ADMINISTRATOR].username, "mapped_at": now}
    doctor, closed = people[Role.PSYCHIATRIST], User.objects.get(username="closed.1")
    EhrAccount.objects.create(fhir_user="Practitioner/7", user=doctor, seen_at=now, **named)
    EhrAccount.objects.create(fhir_user="Practitioner/e3Mab-77c1", seen_at=now)
    EhrAccount.objects.create(fhir_user="Practitioner/9", user=closed, **named)


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


def build_withheld(assessed: bool = False) -> dict[str, Any]:
    """One patient whose last three days are Indeterminate with numbers stored beside them.

    As an older version may have left them; the day before, only mania was not assessed. With
    ``assessed`` the same numbers belong to days that were assessed: there they are shown.
    """
    people = {role: factories.user(role, f"{role}.1") for role in Role.values}
    day = timezone.localdate() - timedelta(days=1)
    patient = factories.patient(MAIN, list(people.values()), name="Ada Winter")
    factories.history(patient, day, 60, lambda back: 0.21, lambda back: 0.12)
    factories.recording(patient, day, 8)
    factories.baseline(patient)
    factories.medication(patient)
    days = list(patient.scores.all()[: DAYS_HIDDEN + 1])
    for row in days:
        _hide_numbers(row, assessed)
    _mania_not_assessed(days[-1], assessed)
    for row in days:
        row.save()
    summaries_refresh(patients=[patient.pk])
    factories.alert(days[0], "mania", "High")
    factories.alert(days[1], "depression", "Moderate", "dismissed")
    factories.run(day, "done", [patient])
    return {"people": people, "patient": patient, "day": day}


def _hide_numbers(row: RiskScore, assessed: bool) -> None:
    row.depression = factories.track("depression", HIDDEN["depression"])
    row.mania = factories.track("mania", HIDDEN["mania"])
    parts = {"mania_probability": HIDDEN["part"], "hypomania_probability": HIDDEN["mania"]}
    row.mania |= parts
    for track in (row.depression, row.mania):
        sleep = factories.contribution("Sleep per night", 4.1, "h", 7.3, HIDDEN["points"] * 100)
        track["contributions"] = [sleep]
    row.tier = "High" if assessed else "Indeterminate"
    row.probability = HIDDEN["overall"] if assessed else None  # the database refuses one there
    row.weights = {"depression": 0.5, "mania": 0.5}


def _mania_not_assessed(row: RiskScore, assessed: bool) -> None:
    row.tier, row.probability = "Low", 0.21
    row.depression = factories.track("depression", 0.21)
    if not assessed:
        row.mania |= {"status": "unavailable", "reason": "Too few nights.", "tier": "Indeterminate"}
