"""What is taken back of an alert that has ended, and what never arrived."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.delivering import outbox_deliver
from alerts.models import EhrConnection, Notice, OutboxMessage
from alerts.notices import MESSAGE_FAILED
from alerts.outbox import IN_FLIGHT
from alerts.services import alert_acknowledge, alert_dismiss, alert_resolve, alert_undo
from patients.models import Patient
from scoring.models import RiskScore
from tests import factories
from tests.alerts.delivery.told import NOW, held, raised, states, text
from tests.alerts.ehr import Gateway, Handler
from tests.fhir_server import FhirServer

pytestmark = pytest.mark.django_db
Kind = OutboxMessage.Kind
LATER = NOW + timedelta(days=400)  # whatever was put off is due


def refused(status: int) -> Callable[[Handler], bool]:
    """The first POST is answered so, and goes no further."""

    def fault(handler: Handler) -> bool:
        first = handler.command == "POST" and not any(c == "POST" for c, *_ in handler.server.seen)
        if first:
            handler.reply(status, {}, b"")
        return first

    return fault


@pytest.mark.parametrize("kind", ["CommunicationRequest", "Communication"])
@pytest.mark.parametrize("status", [422, 429, 503])
def test_nothing_is_said_of_the_end_of_what_the_ehr_did_not_take(
    server: FhirServer, patient: Patient, settings: Any, kind: str, status: int
) -> None:
    ways = {"offers": (kind,), "searchable": False}  # so that it cannot be asked
    with Gateway(server.base_url, fault=refused(status), **ways) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=LATER)
        assert len([1 for command, *_ in gateway.seen if command == "POST"]) == 1
    assert held(server, alert, kind) == []
    assert (Kind.CLOSING, "superseded") in states(alert)


def test_no_file_tells_the_end_of_what_could_not_be_written(
    patient: Patient, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "folder").touch()  # no folder can be made there
    settings.EHR_BASE_URL, settings.EHR_FOLDER = "", str(tmp_path / "folder")
    EhrConnection.objects.update_or_create(pk=1, defaults={"deliver_beyond_this_machine": True})
    alert = raised(patient)
    outbox_deliver(now=NOW)
    assert "cannot be written" in alert.messages.get().last_error
    (tmp_path / "folder").unlink()
    alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
    outbox_deliver(now=LATER)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(("arrives", "told"), [(True, 2), (False, 0)])
def test_a_lost_communication_is_looked_for_before_its_end_is_told(
    server: FhirServer, patient: Patient, settings: Any, arrives: bool, told: int
) -> None:
    def fault(handler: Handler) -> bool:
        first = handler.command == "POST" and not any(c == "POST" for c, *_ in handler.server.seen)
        if first and arrives:
            handler.passed_on()
        if first:
            handler.reply(502, {}, b"")
        return first

    with Gateway(server.base_url, fault=fault, offers=("Communication",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=LATER)
    assert len(held(server, alert, "Communication")) == told


def test_an_end_that_waits_is_not_told_once_the_alert_is_open_again(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    with Gateway(server.base_url, offers=("Communication",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert, by = raised(patient), factories.user()
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=by, reason="known-and-managed")
        alert_undo(alert=alert, by=by)
        outbox_deliver(now=LATER)
    told = [text(it) for it in held(server, alert, "Communication")]
    assert len(told) == 2 and not any("dismissed" in it for it in told)
    assert [s for k, s in states(alert) if k == Kind.CLOSING] == ["superseded"] * 2


def test_a_communication_waits_for_one_of_its_alert_that_is_under_way(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    with Gateway(server.base_url, offers=("Communication",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert, by = raised(patient), factories.user()
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=by, reason="known-and-managed")
        of_the_end = alert.messages.filter(kind=Kind.CLOSING)
        of_the_end.update(state="sending", claimed_until=LATER)
        alert_undo(alert=alert, by=by)
        assert outbox_deliver(now=LATER) == 0
        of_the_end.filter(state="sending").update(state="delivered", claimed_until=None)
        assert outbox_deliver(now=LATER + IN_FLIGHT) == 1


def test_of_an_alert_told_twice_the_end_is_told_once(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    ways = {"offers": ("Communication",), "conditional": False}
    with Gateway(server.base_url, **ways) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert, by = raised(patient, 0.5), factories.user()
        outbox_deliver(now=NOW)
        alert = raised(patient, 0.9, days=1)
        outbox_deliver(now=NOW + timedelta(days=1))
        alert_acknowledge(alert=alert, by=by)
        alert_resolve(alert=alert, by=by)
        outbox_deliver(now=LATER)
    told = [text(it) for it in held(server, alert, "Communication")]
    assert [it.endswith("has been resolved.") for it in told] == [False, False, True]


def test_an_end_that_waited_while_the_alert_was_open_again_is_told_when_it_ends_anew(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    with Gateway(server.base_url, offers=("Communication",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert, by = raised(patient), factories.user()
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=by, reason="known-and-managed")
        alert_undo(alert=alert, by=by)
        alert_dismiss(alert=alert, by=by, reason="known-and-managed")
        outbox_deliver(now=LATER)
    told = [text(it) for it in held(server, alert, "Communication")]
    assert [it.endswith("has been dismissed.") for it in told] == [False, True]


def test_anothers_request_under_the_same_id_is_left_as_it_is(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    alert, other = raised(patient, 0.5), raised(factories.patient(ehr_id="ehr-other"))
    outbox_deliver(now=NOW)
    raised(patient, 0.9, days=1)
    outbox_deliver(now=NOW + timedelta(days=1))
    [theirs] = held(server, other)
    # As on a server to which EHR_BASE_URL has moved between the two.
    first = alert.messages.filter(kind=Kind.NOTICE).earliest("id")
    first.ehr_resource_id, first.closed_as = theirs["id"], ""
    first.save()
    alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
    outbox_deliver(now=LATER)
    assert held(server, other) == [theirs]
    assert held(server, alert)[-1]["status"] == "revoked"  # the other notice is taken back
    closing = alert.messages.filter(kind=Kind.CLOSING).latest("id")
    assert closing.state == "refused" and "EHR_BASE_URL" in closing.last_error


def test_where_no_request_can_be_changed_nothing_is_asked_and_nobody_is_troubled(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    admin = factories.user("administrator")
    with Gateway(server.base_url, updates=False) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=LATER)
        assert "PUT" not in [method for method, *_ in gateway.seen]
    assert (Kind.CLOSING, "superseded") in states(alert)
    assert not Notice.objects.filter(user=admin, event=MESSAGE_FAILED).exists()


@pytest.mark.parametrize("trained_on", ["simulated", "recordings"])
def test_the_end_begins_with_the_research_use_sentence_while_it_applies(
    server: FhirServer, patient: Patient, settings: Any, trained_on: str
) -> None:
    with Gateway(server.base_url, offers=("Communication",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        outbox_deliver(now=NOW)
        models = {f"{it}_model": factories.model(it, trained_on) for it in ("depression", "mania")}
        RiskScore.objects.filter(pk=alert.score_id).update(**models)
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=LATER)
    first, *rest = text(held(server, alert, "Communication")[-1]).splitlines()
    end = "Clarity: the mania alert sent before has been dismissed."
    research = "Research use: model trained on simulated data."
    assert [first, *rest] == ([research, end] if trained_on == "simulated" else [end])
