"""Nobody reaches a patient who is not theirs, on any address there is or will be."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from alerts.context_models import ContextConflict
from patients.models import AuditEvent, Patient, Role, User
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 19)
# Parameters that name no patient: Django's admin passes its own app names along.
# Nor do these: a person who logs in, a rule file, the key and token of a link to a new password,
# a code of the EHR.
NEUTRAL = {
    **{"app_label": "patients", "url": "nothing/", "content_type_id": 1, "version_id": 1},
    **{"resource": "Observation", "resource_id": "x", "rest": "x", "system_id": 1},
    **{"account_id": 1, "service": "clarity-patient-view"},
    **{"person_id": 1, "rule": "triage", "uidb64": "MQ", "token": "none", "term_id": 1},
}
OPEN_TO_ALL = ("login/", "logout/", "language/", "health/", "metrics", "admin/log", "password/")
OPEN_TO_SYSTEMS = (".well-known/", "fhir/")  # tests/integration/test_fhir_*.py
OPEN_TO_EHRS = ("cds-services", "launch/")  # tests/integration/test_cds.py, test_launch.py
ADMINISTRATION = (
    *("baselines", "medications", "messages", "runs", "drift", "delivery", "messages-resend"),
    *("clinic", "people", "person-create", "teams", "devices", "freshness", "freshness-csv"),
    *("systems", "system-register", "ehr-accounts", "ehr-account-map"),
    *("context", "context-setting", "context-read"),
)


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address below a resolver, with its full route."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


ALL = list(patterns(get_resolver()))


def names(route: str) -> list[str]:
    """The route's parameters, of paths and of regular expressions."""
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def filled(route: str, values: dict[str, Any]) -> str:
    """The route with its parameters filled in; an unknown parameter is an error."""
    path = re.sub(r"\(\?P<(\w+)>.*?\)(?=\$|/|$)", r"<\1>", route).replace("$", "").replace("^", "")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(values[m[1]]), path)


def clinic() -> dict[str, Any]:
    """A patient in care of ``mine``, with one of everything, and the values of all parameters."""
    mine, other = factories.user(), factories.user()
    patient = factories.patient(code="CL-1", team=[mine], name="Ada Example")
    factories.patient(code="CL-2", team=[other])
    alert = factories.alert(factories.score(patient, DAY, 0.9, 0.9))
    keys = {
        "code": patient.code,
        "alert_id": alert.pk,
        "follow_up_id": factories.follow_up(alert, mine).pk,
        "baseline_id": factories.baseline(patient, "proposed").pk,
        "stretch_id": factories.stretch(patient).pk,
        "course_id": factories.medication(patient).pk,
        "questionnaire_id": factories.questionnaire(patient).pk,
        "episode_id": factories.episode(patient).pk,
        "message_id": alert.messages.get().pk,
        "object_id": patient.pk,
        "upload_id": factories.upload(patient).pk,
        "token_id": factories.device_token(patient).pk,
        "device_id": factories.device(patient).pk,
        "circumstance_id": factories.circumstance(patient).pk,
        "note_id": factories.note(patient).pk,
        "conflict_id": ContextConflict.objects.create(
            patient=patient,
            kind="diagnosis",
            ours={"diagnoses": ["mdd"]},
            theirs={"diagnoses": ["bipolar_1"]},
            opened_at=timezone.now(),
        ).pk,  # fmt: skip
        "id": mine.pk,
    }
    return {"mine": mine, "other": other, "patient": patient, "values": keys}


PARAMETERS = {
    *("code", "alert_id", "baseline_id", "course_id", "message_id", "object_id", "id"),
    *("token_id", "upload_id", "device_id", "follow_up_id", "questionnaire_id", "episode_id"),
    "stretch_id",
    "circumstance_id",
    "note_id",
    "conflict_id",
}
WITH_PATIENT = [(r, p) for r, p in ALL if PARAMETERS & set(names(r))]


def logged_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_every_parameter_of_every_address_is_known() -> None:
    unknown = {n for route, _ in ALL for n in names(route)} - PARAMETERS - set(NEUTRAL)
    assert not unknown, f"say in this test what {unknown} name, so that their pages are tried"
    assert len(WITH_PATIENT) >= 12


@pytest.mark.parametrize(("route", "pattern"), WITH_PATIENT, ids=lambda v: str(v))
def test_outsider_gets_404_on(route: str, pattern: URLPattern) -> None:
    made = clinic()
    address = filled(route, NEUTRAL | made["values"])
    outsider = logged_in(made["other"])
    for method in ("get", "post", "head", "put", "delete"):
        status = getattr(outsider, method)(address).status_code
        assert status == 404, f"{method} {address}"
    assert not AuditEvent.objects.filter(patient_code="CL-1").exists()
    if "admin/" not in route:  # the same address exists for those whose patient it is
        assert logged_in(made["mine"]).get(address).status_code in {200, 403, 405}


@pytest.mark.parametrize("address", ["/patients/{}/", "/api/v1/patients/{}/"])
def test_outsiders_404_is_that_of_a_patient_who_does_not_exist(address: str) -> None:
    made = clinic()
    outsider = logged_in(made["other"])
    real = outsider.get(address.format("CL-1"))
    none = outsider.get(address.format("CL-9"))
    assert real.status_code == none.status_code == 404
    assert real.content == none.content
    assert dict(real.headers) == dict(none.headers)


def test_scores_of_an_outside_patient_are_not_found() -> None:
    made = clinic()
    for method in ("get", "post"):
        answer = getattr(logged_in(made["other"]), method)("/api/v1/scores/?patient=CL-1")
        assert answer.status_code == 404


CLOSED = [(r, p) for r, p in ALL if not r.startswith(OPEN_TO_ALL + OPEN_TO_SYSTEMS + OPEN_TO_EHRS)]


@pytest.mark.parametrize(("route", "pattern"), CLOSED, ids=lambda v: str(v))
def test_anonymous_is_sent_to_the_log_in_from(route: str, pattern: URLPattern) -> None:
    address = filled(route, NEUTRAL | clinic()["values"])
    for method in ("get", "post"):
        answer = getattr(Client(), method)(address)
        if route.startswith("api/v1/recordings/"):
            assert answer.status_code == 401  # it asks for a device token
        elif route.startswith("api/"):
            assert answer.status_code == 403
        else:
            assert answer.status_code == 302
            assert "/login/" in answer["Location"] or "/admin/login/" in answer["Location"]


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.COORDINATOR, ""])
@pytest.mark.parametrize("name", ADMINISTRATION)
def test_clinicians_are_refused_administration(role: str, name: str) -> None:
    client = logged_in(factories.user(role))
    address = next(filled(r, {}) for r, p in ALL if p.name == name and not r.startswith("api/"))
    assert {client.get(address).status_code, client.post(address).status_code} == {403}


PERSON_PAGES = [r for r, _ in ALL if r.startswith("people/<")]


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.COORDINATOR, ""])
@pytest.mark.parametrize("route", PERSON_PAGES)
def test_clinicians_are_refused_every_page_about_a_person(role: str, route: str) -> None:
    other = factories.user()
    client, address = logged_in(factories.user(role)), filled(route, {"person_id": other.pk})
    assert {client.get(address).status_code, client.post(address).status_code} == {403}
    assert not AuditEvent.objects.exists()


def test_team_member_may_not_change_a_care_team_or_approve_or_change_medications() -> None:
    made = clinic()
    client, keys = logged_in(made["mine"]), made["values"]
    assert client.get("/patients/CL-1/team/").status_code == 403
    for address in (
        f"/baselines/{keys['baseline_id']}/approve/",
        f"/baselines/{keys['baseline_id']}/reject/",
        f"/baselines/{keys['baseline_id']}/edit/",
        f"/baselines/{keys['baseline_id']}/freeze/",
        f"/baselines/{keys['baseline_id']}/unfreeze/",
        f"/baselines/stretches/{keys['stretch_id']}/remove/",
        "/baselines/CL-1/propose/",
        "/baselines/CL-1/mark/",
        "/baselines/CL-1/intake/",
        "/medications/CL-1/",
        "/medications/CL-1/start/",
        "/medications/CL-1/list/",
        "/patients/CL-1/team/set/",
        "/patients/CL-1/team/remove/",
        *(
            f"/medications/courses/{keys['course_id']}/{what}/"
            for what in ("stop", "dose", "correct", "error")
        ),
        f"/messages/{keys['message_id']}/resend/",
    ):
        assert client.post(address).status_code == 403, address


def test_administrator_may_not_record_outcomes() -> None:
    made = clinic()
    client, keys = logged_in(factories.user(Role.ADMINISTRATOR)), made["values"]
    for address in (
        "/patients/CL-1/outcomes/questionnaires/",
        "/patients/CL-1/outcomes/episodes/",
        f"/outcomes/questionnaires/{keys['questionnaire_id']}/error/",
        f"/outcomes/episodes/{keys['episode_id']}/end/",
        f"/outcomes/episodes/{keys['episode_id']}/error/",
        "/api/v1/patients/CL-1/questionnaires/",
        "/api/v1/patients/CL-1/episodes/",
    ):
        assert client.post(address).status_code == 403, address


def test_administrator_may_not_act_on_alerts() -> None:
    made = clinic()
    client, key = logged_in(factories.user(Role.ADMINISTRATOR)), made["values"]["alert_id"]
    for prefix in ("", "/api/v1"):
        assert client.post(f"{prefix}/alerts/{key}/acknowledge/").status_code == 403
        assert client.post(f"{prefix}/alerts/{key}/dismiss/").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "/patients/CL-1/",
        "/patients/CL-1/data/",
        "/patients/CL-1/outcomes/",
        "/api/v1/patients/CL-1/",
        "/api/v1/patients/CL-1/questionnaires/",
        "/api/v1/patients/CL-1/episodes/",
        "/api/v1/scores/?patient=CL-1",
    ],
)
def test_each_opening_of_a_record_writes_one_audit_row(address: str) -> None:
    made = clinic()
    client = logged_in(made["mine"])
    for opened in (1, 2):
        assert client.get(address).status_code == 200
        assert AuditEvent.objects.count() == opened
    row = AuditEvent.objects.latest("at")
    assert (row.actor, row.patient_code) == (made["mine"].username, "CL-1")


def test_opening_baselines_a_medication_list_or_the_admin_writes_one_audit_row() -> None:
    made = clinic()
    boss = factories.user(Role.ADMINISTRATOR, is_superuser=True, is_staff=True)
    for address in (
        "/baselines/CL-1/",
        "/medications/CL-1/",
        "/patients/CL-1/team/",
        f"/medications/courses/{made['values']['course_id']}/",
        f"/admin/patients/patient/{made['patient'].pk}/change/",
    ):
        before = AuditEvent.objects.count()
        assert logged_in(boss).get(address).status_code == 200
        assert AuditEvent.objects.count() == before + 1, address


def test_panel_and_lists_open_no_record() -> None:
    made = clinic()
    for address in ("/", "/alerts/", "/models/", "/help/", "/api/v1/patients/", "/api/v1/alerts/"):
        assert logged_in(made["mine"]).get(address).status_code == 200
    boss = logged_in(factories.user(Role.ADMINISTRATOR))
    for address in (
        "/clinic/",
        "/people/",
        "/teams/",
        "/devices/",
        "/freshness/",
        "/messages/",
        "/context/",
    ):
        assert boss.get(address).status_code == 200
    assert not AuditEvent.objects.exists()


def test_admin_does_not_exist_for_an_administrator_who_is_no_superuser() -> None:
    staff = factories.user(Role.ADMINISTRATOR, is_staff=True)
    assert logged_in(staff).get("/admin/").status_code == 404
    assert logged_in(staff).get("/admin/patients/auditevent/").status_code == 404


def test_audit_rows_cannot_be_changed_in_the_admin() -> None:
    boss = logged_in(factories.user(Role.ADMINISTRATOR, is_superuser=True, is_staff=True))
    clinic()
    logged_in(User.objects.get(care_team_of__patient__code="CL-1")).get("/patients/CL-1/")
    row = AuditEvent.objects.get()
    assert boss.get("/admin/patients/auditevent/").status_code == 200
    assert boss.get(f"/admin/patients/auditevent/{row.pk}/change/").status_code == 200
    assert (
        boss.post(f"/admin/patients/auditevent/{row.pk}/change/", {"actor": "x"}).status_code == 403
    )
    assert (
        boss.post(f"/admin/patients/auditevent/{row.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
    assert boss.get("/admin/patients/auditevent/add/").status_code == 403


def test_a_form_never_leads_to_another_host() -> None:
    made = clinic()
    answer = logged_in(made["mine"]).post(
        f"/alerts/{made['values']['alert_id']}/acknowledge/", {"next": "https://elsewhere.example/"}
    )
    assert answer["Location"] == "/alerts/"


def test_no_state_changes_without_a_csrf_token() -> None:
    made = clinic()
    client = Client(enforce_csrf_checks=True)
    client.force_login(made["mine"])
    key = made["values"]["alert_id"]
    assert client.post(f"/alerts/{key}/acknowledge/").status_code == 403
    assert client.post(f"/api/v1/alerts/{key}/acknowledge/").status_code == 403
    assert Patient.objects.get(code="CL-1").alerts.get().state == "new"
