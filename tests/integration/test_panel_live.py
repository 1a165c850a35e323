"""An open panel learns what changed, and tells what did since one's last visit."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts import services
from alerts.models import AbsenceNotice
from patients.models import User
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.integration.test_panel import MOST_QUERIES, codes, count_of, queries_of

pytestmark = pytest.mark.django_db


def changes(client: Client, version: str, query: str = "") -> Any:
    return client.get(f"/panel/changes/?version={version}&{query}")


def version_in(body: str) -> str:
    found = re.search(r'data-version="(\w+)"', body)
    assert found
    return found[1]


def test_nothing_is_sent_while_nothing_has_changed_and_the_list_when_something_has() -> None:
    client, me = browser()
    patient = factories.patient("P-1", [me])
    of = factories.score(patient, yesterday() - timedelta(days=1), 0.1, 0.1)
    version = version_in(client.get("/").content.decode())
    assert changes(client, version).status_code == 204
    somebody_elses = factories.patient("X-1", [factories.user()])
    factories.score(somebody_elses, yesterday(), 0.9, 0.9)
    assert changes(client, version).status_code == 204
    alert = factories.alert(of, raised_at=timezone.now())
    answer = changes(client, version)
    assert answer.status_code == 200 and "nobody has it" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    version = version_in(answer.content.decode())
    services.alert_acknowledge(alert=alert, by=me)
    assert changes(client, version).status_code == 200
    version = version_in(changes(client, "").content.decode())
    factories.score(patient, yesterday(), 0.9, 0.9)
    assert changes(client, version, "tier=High").status_code == 200
    assert queries_of(client, f"/panel/changes/?version={version}") <= MOST_QUERIES


def test_everything_that_a_row_shows_reaches_an_open_panel() -> None:
    client, me = browser()
    patient = factories.patient("P-1", [me])
    alert = factories.alert(factories.score(patient, yesterday(), 0.9, 0.9))
    now, day = timezone.now(), yesterday()
    made: dict[str, Any] = {}

    def do(name: str, what: Any) -> None:
        made[name] = what

    acts = {
        "a PHQ-8": lambda: do("asked", factories.questionnaire(patient, instrument="phq8")),
        "in error": lambda: _set(made["asked"], entered_in_error=True),
        "a drug": lambda: do("drug", factories.medication(patient)),
        "its end": lambda: _set(made["drug"], last_day=day),
        "a device": lambda: do("watch", factories.device(patient)),
        "its data": lambda: _set(made["watch"], last_data_at=now - timedelta(days=3)),
        "its place": lambda: _set(made["watch"], place=1),
        "a promise": lambda: do("promise", factories.follow_up(alert, me)),
        "another day": lambda: _set(made["promise"], due_on=day + timedelta(days=9)),
        "kept": lambda: _set(made["promise"], state="done"),
        "no data": lambda: do(
            "absence", AbsenceNotice.objects.create(patient=patient, since=now, opened_at=now)
        ),
        "data again": lambda: _set(made["absence"], closed_at=now),
        "the list": lambda: _set(patient, medication_list_available=True),
        "a diagnosis": lambda: _set(patient, diagnosis="mdd"),
        "a zone": lambda: _set(patient.zones.get(), zone="America/Halifax"),
    }
    version = version_in(client.get("/").content.decode())
    for name, act in acts.items():
        act()
        answer = changes(client, version)
        assert answer.status_code == 200, name
        version = version_in(answer.content.decode())
        assert changes(client, version).status_code == 204, name
    assert queries_of(client, f"/panel/changes/?version={version}") <= MOST_QUERIES
    stranger = factories.patient("X-1", [factories.user()])
    factories.questionnaire(stranger)
    factories.medication(stranger)
    assert changes(client, version).status_code == 204


def _set(row: Any, **values: Any) -> None:
    """As another process would have written it."""
    type(row).objects.filter(pk=row.pk).update(**values)


def test_the_page_writes_nothing_and_a_look_an_hour_later_is_another_visit() -> None:
    client, me = browser()
    patient = factories.patient("P-1", [me])
    factories.score(patient, yesterday() - timedelta(days=1), 0.1, 0.1)
    client.get("/")
    me.refresh_from_db()
    assert me.panel_seen_at is None
    changes(client, "")
    me.refresh_from_db()
    assert me.panel_seen_at and me.panel_before is None
    assert codes(client, "changed=yes") == []  # a first visit has nothing to compare with
    left = timezone.now() - timedelta(hours=9)
    User.objects.filter(pk=me.pk).update(panel_seen_at=left)
    now = timezone.now()
    factories.score(patient, yesterday(), 0.9, 0.9, scored_at=now - timedelta(hours=3))
    quiet = factories.patient("P-2", [me])
    factories.score(quiet, yesterday(), 0.1, 0.1, scored_at=now - timedelta(hours=3))
    assert codes(client, "changed=yes") == ["P-1"]
    assert "was Low" in text(client.get("/"))
    assert count_of(client, "Changed since my last visit") == 1
    changes(client, "")  # having looked, the marks stay for this visit
    me.refresh_from_db()
    assert me.panel_before == left
    assert codes(client, "changed=yes") == ["P-1"]
    client.post("/panel/seen/")
    assert codes(client, "changed=yes") == []


def test_ones_own_acts_are_not_told_as_changes_but_a_colleagues_are() -> None:
    client, me = browser()
    other = factories.user(username="dr.else")
    me.panel_before = timezone.now() - timedelta(hours=1)
    me.panel_seen_at = timezone.now()
    me.save()
    long_ago = timezone.now() - timedelta(days=2)
    for code, who in (("MY-ACT", me), ("THEIR-ACT", other)):
        patient = factories.patient(code, [me, other])
        of = factories.score(patient, yesterday(), 0.9, 0.9, scored_at=long_ago)
        services.alert_acknowledge(alert=factories.alert(of, raised_at=long_ago), by=who)
    assert codes(client, "changed=yes") == ["THEIR-ACT"]
