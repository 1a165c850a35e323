"""The day in one list: what is due first, each with its act in place."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts import services
from alerts.absence import absence_watch
from alerts.lifecycle import alert_locked, move
from alerts.models import Alert, AlertTransition, FollowUp
from alerts.services import NotAllowed, follow_up_done, follow_up_reopen
from patients.models import AuditEvent, Role, User
from tests import factories
from tests.integration.reading import text, yesterday

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def coordinator() -> User:
    return factories.user(Role.COORDINATOR, "coord.b", first_name="Jo", last_name="Marsh")


def an_alert(code: str, user: User, tier: str = "High", **more: Any) -> Alert:
    return factories.alert(
        factories.score(factories.patient(code, [user]), yesterday()), tier=tier, **more
    )


def a_promise(alert: Alert, user: User, days: int) -> FollowUp:
    promise = factories.follow_up(alert, user)
    promise.due_on = timezone.localdate() + timedelta(days=days)
    promise.save()
    return promise


def stopped(code: str, user: User) -> Alert:
    """The alert about a patient whose data stopped five days ago."""
    patient = factories.patient(code, [user])
    factories.recording(patient, timezone.localdate() - timedelta(days=5), 3)
    absence_watch(now=timezone.now())
    return patient.alerts.get(kind="data")


def tasks(client: Client, query: str = "") -> list[str]:
    return re.findall(r'<li class="task[^"]*" id="task-([\w-]+)"', _body(client, query))


def _body(client: Client, query: str = "") -> str:
    return str(client.get(f"/today/{query}").content.decode())


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PSYCHIATRIST])
def test_what_is_due_first_comes_first(role: str) -> None:
    user, now = factories.user(role), timezone.now()
    held = an_alert("H", user, state="acknowledged")
    later, late, due, far = (
        a_promise(an_alert(f"F{days}", user, state="acknowledged"), user, days)
        for days in (3, -2, 0, 9)
    )
    moderate = an_alert("M", user, "Moderate", raised_at=now - timedelta(hours=1))
    high = an_alert("A", user, raised_at=now - timedelta(hours=1))
    older = an_alert("B", user, raised_at=now - timedelta(hours=9))
    safety = an_alert("S", user, track="safety", raised_at=now)
    past = an_alert("L", user, "Moderate", level=1, raised_at=now - timedelta(days=4))
    data = stopped("D", user)
    found = tasks(client_of(user))
    assert found == [
        f"alert-{safety.pk}", f"alert-{older.pk}", f"alert-{high.pk}", f"follow-up-{late.pk}",
        f"alert-{past.pk}",
        f"follow-up-{due.pk}", f"alert-{moderate.pk}", f"alert-{data.pk}",
        f"follow-up-{later.pk}",
    ]  # fmt: skip
    assert f"alert-{held.pk}" not in found and f"follow-up-{far.pk}" not in found


def test_filters_by_kind_have_counts_of_what_is_due(coordinator: User) -> None:
    alert = an_alert("A", coordinator)
    held = an_alert("H", coordinator, state="acknowledged")
    due = a_promise(held, coordinator, 0)
    data, client = stopped("D", coordinator), client_of(coordinator)
    body = _body(client)
    nav = body[body.index('id="tabs"') :]
    assert re.findall(r">([\w -]+?) <b>(\d+)</b>", nav[: nav.index("</nav>")]) == [
        ("All", "3"), ("Alerts nobody has", "1"), ("Follow-ups", "1"), ("Data to chase", "1"),
    ]  # fmt: skip
    assert tasks(client, "?kind=alerts") == [f"alert-{alert.pk}"]
    assert tasks(client, "?kind=follow-ups") == [f"follow-up-{due.pk}"]
    assert tasks(client, "?kind=data") == [f"alert-{data.pk}"]
    assert len(tasks(client, "?kind=nonsense")) == 3


def test_stale_data_say_since_when_which_source_and_what_was_done_last(
    coordinator: User,
) -> None:
    data, client = stopped("D", coordinator), client_of(coordinator)
    words = text(client.get("/today/"))
    assert re.search(r"no data for \d days", words)
    assert re.search(r"Last heard of: ActLumus 205 \d+ \w+ \d{4}, Fitbit \d+ \w+ \d{4}\.", words)
    assert "Nothing was done about it yet." in words
    answer = client.post(
        f"/alerts/{data.pk}/contact/", {"note": "Charger is lost.", "next": "/today/"}, follow=True
    )
    assert answer.redirect_chain == [("/today/", 302)]
    words = text(answer)  # it comes back in a week if nothing follows, and says so until then
    assert "to be looked at again" in words
    assert "Last: contacted by Jo Marsh" in words and "“Charger is lost.”" in words
    data.refresh_from_db()
    assert data.state == "acknowledged"
    move(alert_locked(data), "lapsed", by="system", at=timezone.now())
    words = text(client.get("/today/"))
    assert "no data for" in words and "“Charger is lost.”" in words


def test_a_follow_up_is_done_and_taken_back_in_place(coordinator: User) -> None:
    promise = a_promise(an_alert("A", coordinator, state="acknowledged"), coordinator, -1)
    client, target = client_of(coordinator), f"task-follow-up-{promise.pk}"
    headers = {"HX-Request": "true", "HX-Target": target}
    done, reopen = (f"/follow-ups/{promise.pk}/{what}/" for what in ("done", "reopen"))
    refused = client.post(done, {"note": " "}, headers=headers)
    assert refused["HX-Reswap"] == "none" and "what was found" in refused.content.decode()
    body = client.post(done, {"note": "Is well."}, headers=headers).content.decode()
    assert f'id="{target}"' in body and "Follow-up of A done.</p>" in body and reopen in body
    promise.refresh_from_db()
    assert (promise.state, promise.note) == ("done", "Is well.")
    body = client.post(reopen, headers=headers).content.decode()
    assert "overdue by 1 day" in body and "Follow-up of A: undone." in body
    promise.refresh_from_db()
    assert (promise.state, promise.note, promise.done_by) == ("open", "", "")
    assert AuditEvent.objects.filter(action="follow-up reopened", patient_code="A").count() == 1


def test_only_my_own_and_only_within_ten_minutes_is_a_follow_up_reopened(
    coordinator: User,
) -> None:
    promise = a_promise(an_alert("A", coordinator), coordinator, 0)
    with pytest.raises(NotAllowed, match="own last act"):
        follow_up_reopen(follow_up=promise, by=coordinator)
    follow_up_done(follow_up=promise, by=coordinator, note="Is well.")
    with pytest.raises(NotAllowed, match="own last act"):
        follow_up_reopen(follow_up=promise, by=factories.user())
    FollowUp.objects.update(done_at=timezone.now() - timedelta(minutes=11))
    with pytest.raises(NotAllowed, match="Ten minutes"):
        follow_up_reopen(follow_up=promise, by=coordinator)
    promise.refresh_from_db()
    assert promise.state == "done"


def test_an_alert_is_taken_on_and_given_back_in_place(coordinator: User) -> None:
    alert, client = an_alert("A", coordinator), client_of(coordinator)
    target = f"task-alert-{alert.pk}"
    headers = {"HX-Request": "true", "HX-Target": target}
    body = client.post(f"/alerts/{alert.pk}/acknowledge/", headers=headers).content.decode()
    assert f'class="task task-done" id="{target}"' in body
    body = client.post(f"/alerts/{alert.pk}/undo/", headers=headers).content.decode()
    assert f'class="task task-alerts" id="{target}"' in body and "Acknowledge" in body
    services.alert_acknowledge(alert=alert, by=factories.user(Role.PSYCHIATRIST, "dr.a"))
    body = client.post(f"/alerts/{alert.pk}/acknowledge/", headers=headers).content.decode()
    assert "already been acknowledged by dr.a" in body and "dr.a has it since" in body


def test_an_empty_day_says_why(coordinator: User) -> None:
    client = client_of(coordinator)
    assert "No patient is in your care yet" in text(client.get("/today/"))
    factories.patient("A", [coordinator])
    assert "Nothing is due" in text(client.get("/today/"))
    assert "Nothing of this kind is due" in text(client.get("/today/?kind=data"))


def test_nobody_elses_day_is_shown_and_an_administrator_only_reads(coordinator: User) -> None:
    alert = an_alert("A", factories.user(Role.COORDINATOR))
    promise = a_promise(alert, coordinator, 0)
    client = client_of(coordinator)
    assert tasks(client) == []
    assert client.post(f"/follow-ups/{promise.pk}/reopen/").status_code == 404
    AlertTransition.objects.update(note="Secret words.")
    administrator = client_of(factories.user(Role.ADMINISTRATOR))
    assert len(tasks(administrator)) == 2
    shown = _body(administrator).split("<main", 1)[1].split("</main", 1)[0]
    assert "Secret words." not in shown and "<form method" not in shown
    assert administrator.post(f"/follow-ups/{promise.pk}/reopen/").status_code == 403
