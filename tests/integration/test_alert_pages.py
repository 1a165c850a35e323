"""Every act on an alert by the form that the page offers, and by the API."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import Alert, FollowUp
from patients.models import Patient, Role, User
from tests import factories
from tests.integration.reading import text, yesterday

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> dict[str, User]:
    return {role: factories.user(role, role) for role in (Role.PSYCHIATRIST, Role.COORDINATOR)}


@pytest.fixture
def patient(team: dict[str, User]) -> Patient:
    return factories.patient("P-1", list(team.values()), name="Ada Example")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def offered(client: Client, alert: Alert) -> set[str]:
    """The acts whose forms stand on the page of alerts."""
    body = client.get("/alerts/").content.decode()
    return set(re.findall(rf'action="/alerts/{alert.pk}/([\w-]+)/"', body))


def do(client: Client, alert: Alert, act: str, **asked: str) -> str:
    answer = client.post(f"/alerts/{alert.pk}/{act}/", asked, follow=True)
    assert answer.status_code == 200
    alert.refresh_from_db()
    return text(answer)


def test_a_psychiatrist_goes_through_every_act_by_the_forms(
    patient: Patient, team: dict[str, User]
) -> None:
    alert = factories.alert(factories.score(patient, yesterday()), tier="Moderate")
    client = client_of(team[Role.PSYCHIATRIST])
    due = (timezone.localdate() + timedelta(days=3)).isoformat()
    assert offered(client, alert) == {
        "acknowledge", "contact", "follow-up", "snooze", "retier", "dismiss",
    }  # fmt: skip
    assert "alert of P-1: contact recorded." in do(client, alert, "contact", note="Rang her.")
    assert alert.state == "acknowledged"
    assert "undo" in offered(client, alert)
    do(client, alert, "undo")
    assert alert.state == "new"
    do(client, alert, "snooze", hours="5")
    assert alert.state == "snoozed" and "snoozed until" in text(client.get("/alerts/"))
    do(client, alert, "follow-up", due_on=due)
    assert alert.state == "acknowledged" and FollowUp.objects.get().state == "open"
    assert "Follow-up on" in text(client.get("/alerts/"))
    assert "Follow-ups promised" in text(client.get("/patients/P-1/"))
    do(client, alert, "retier", tier="High", note="No sleep.")
    assert (alert.tier, alert.state) == ("High", "new")
    do(client, alert, "acknowledge")
    do(client, alert, "resolve")
    assert alert.state == "resolved" and FollowUp.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    ("act", "asked", "says"),
    [
        ("contact", {}, "how the contact went"),
        ("follow-up", {"due_on": "soon"}, "as YYYY-MM-DD"),
        ("follow-up", {"due_on": "2020-01-01"}, "after today"),
        ("snooze", {"hours": "nan"}, "hours"),
        ("snooze", {"hours": "9999"}, "at most"),
        ("retier", {"tier": "Low", "note": "x"}, "not a valid choice"),
        ("retier", {"tier": "High"}, "why the tier changes"),
        ("dismiss", {"reason": "will-monitor"}, "until when"),
        ("decide", {"confirm": "true"}, "No request waits"),
        ("undo", {}, "own last act"),
    ],
)
def test_what_is_asked_wrongly_is_a_sentence_and_changes_nothing(
    patient: Patient, team: dict[str, User], act: str, asked: dict[str, str], says: str
) -> None:
    alert = factories.alert(factories.score(patient, yesterday()), tier="Moderate")
    client = client_of(team[Role.PSYCHIATRIST])
    assert says in do(client, alert, act, **asked)
    refused = client.post(f"/api/v1/alerts/{alert.pk}/{act}/", asked)
    assert refused.status_code in (400, 409)
    alert.refresh_from_db()
    assert (alert.state, alert.tier, alert.transitions.count()) == ("new", "Moderate", 1)


def test_a_coordinators_request_is_shown_with_its_reason_and_decided(
    patient: Patient, team: dict[str, User]
) -> None:
    alert = factories.alert(factories.score(patient, yesterday()))
    coordinator, doctor = (client_of(team[r]) for r in (Role.COORDINATOR, Role.PSYCHIATRIST))
    assert offered(coordinator, alert) == {
        "acknowledge", "contact", "follow-up", "retier", "dismiss",
    }  # fmt: skip
    due = timezone.localdate() + timedelta(days=3)
    said = do(coordinator, alert, "dismiss", reason="will-monitor", due_on=due.isoformat())
    assert "a psychiatrist is asked to confirm" in said
    assert "decide" not in offered(coordinator, alert)
    page = text(doctor.get("/alerts/"))
    assert "coordinator asks to dismiss it (Will monitor (until a date)), and to look again" in page
    body = doctor.get("/alerts/").content.decode()
    [asked] = re.findall(r'name="request" value="(\d+)"', body)
    assert asked == str(alert.transitions.get(event="dismissal_requested").pk)
    do(doctor, alert, "decide", confirm="true", request=asked)
    assert alert.state == "dismissed"


def test_the_api_does_the_same(patient: Patient, team: dict[str, User]) -> None:
    alert = factories.alert(factories.score(patient, yesterday()), tier="Moderate")
    client = client_of(team[Role.COORDINATOR])
    for act, asked, state in (
        ("snooze", {"hours": 5}, "snoozed"),
        ("contact", {"note": "Rang her."}, "acknowledged"),
        ("undo", {}, "snoozed"),
        ("acknowledge", {}, "acknowledged"),
        ("resolve", {"note": "Seen."}, "resolved"),
    ):
        answer = client.post(
            f"/api/v1/alerts/{alert.pk}/{act}/", asked, content_type="application/json"
        )
        assert (answer.status_code, answer.json()["state"]) == (200, state), act
    made = client.post(
        "/api/v1/patients/P-1/concern/", {"tier": "High", "note": "Her sister rang."}
    ).json()
    assert (made["kind"], made["track"], made["tier"]) == ("concern", None, "High")


def test_a_concern_and_a_kept_promise_by_form(patient: Patient, team: dict[str, User]) -> None:
    client = client_of(team[Role.COORDINATOR])
    asked = {"tier": "Moderate", "note": "Her sister rang."}
    page = text(client.post("/patients/P-1/concern/", asked, follow=True))
    assert "in the queue" in page and "“Her sister rang.”" in page
    alert = Alert.objects.get(kind="concern")
    promise = factories.follow_up(alert, team[Role.COORDINATOR])
    assert "Follow-ups due" in text(client.get("/alerts/"))
    client.post(f"/follow-ups/{promise.pk}/done/", {"note": "Is well."})
    promise.refresh_from_db()
    assert (promise.state, promise.done_by) == ("done", "coordinator")
    assert "Follow-ups due" not in text(client.get("/alerts/"))


def test_an_administrator_sees_alerts_without_notes_and_without_forms(
    patient: Patient, team: dict[str, User]
) -> None:
    alert = factories.alert(factories.score(patient, yesterday()))
    do(client_of(team[Role.COORDINATOR]), alert, "acknowledge", note="Her husband has left.")
    administrator = client_of(factories.user(Role.ADMINISTRATOR))
    assert not offered(administrator, alert)
    for address in ("/alerts/", "/patients/P-1/", f"/api/v1/alerts/?state={alert.state}"):
        assert "husband" not in administrator.get(address).content.decode(), address
