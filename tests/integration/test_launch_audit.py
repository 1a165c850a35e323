"""Launches in the audit: those that begin, those that end badly, and how many of them."""

import pytest
from django.test import Client

from patients.models import AuditEvent
from tests.fhir_server.launch_server import LaunchServer
from tests.fhir_server.launch_server import launch_server as launch_server
from tests.fhir_server.launch_server import launch_server_of_session as launch_server_of_session
from tests.integration.test_launch import _ehr as _ehr
from tests.integration.test_launch import audited, doctor, launched, patient_of, sent_off

pytestmark = pytest.mark.django_db


def begun() -> int:
    return AuditEvent.objects.filter(actor="ehr", action="ehr launch begun").count()


def test_a_launch_that_never_comes_back_is_written_down(launch_server: LaunchServer) -> None:
    sent_off(Client(), launch_server)
    Client().get("/launch/standalone/")
    assert begun() == 2 and audited() == []
    details = AuditEvent.objects.order_by("pk").values_list("detail", flat=True)
    assert list(details) == [{"in_ehr": True}, {"in_ehr": False}]


def test_launches_that_begin_do_not_fill_the_audit(launch_server: LaunchServer) -> None:
    patient_of(doctor())
    for _ in range(40):
        sent_off(Client(), launch_server)
    assert begun() == 30
    launched(launch_server)
    assert audited() == [("dr.grey", "ehr launch", "P-1", None)]  # one that ends well is, always


def test_refusals_of_strangers_do_not_fill_the_audit_nor_hide_those_of_others(
    launch_server: LaunchServer,
) -> None:
    for _ in range(40):
        assert Client().get("/launch/", {"iss": "https://evil.example"}).status_code == 403
        assert Client().get("/launch/back/", {"state": "x", "code": "y"}).status_code == 403
    assert AuditEvent.objects.count() == 30
    for wish in ({"signing": {"by": "stranger"}}, {}):
        launch_server.control(**wish)
        launched(launch_server)
    assert [why for *_rest, why in audited()[30:]] == ["signature", "no_account"]
