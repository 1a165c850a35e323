"""Clarity opened out of the EHR, against an authorization server of its own that refuses."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from alerts import launches
from alerts.ehr_accounts import account_map
from alerts.ehr_tokens import key_make, key_retire
from alerts.fhir import smart
from alerts.models import EhrAccount
from alerts.presenters.launch import WORDS
from patients.models import AuditEvent, Patient, Role, User
from tests import factories
from tests.fhir_server.launch_server import LaunchServer
from tests.fhir_server.launch_server import launch_server as launch_server
from tests.fhir_server.launch_server import launch_server_of_session as launch_server_of_session
from tests.integration.test_logs import written as written

pytestmark = pytest.mark.django_db
NAME = "Zebulon Quist"


@pytest.fixture(autouse=True)
def _ehr(launch_server: LaunchServer, settings: Any) -> Iterator[None]:
    settings.EHR_BASE_URL = launch_server.base_url
    settings.EHR_LAUNCH_CLIENT_ID = "clarity"
    cache.clear()
    yield
    cache.clear()


def doctor(fhir_user: str = "Practitioner/7", **more: Any) -> User:
    made = factories.user(Role.PSYCHIATRIST, "dr.grey", **more)
    account_map(fhir_user=fhir_user, user=made, by=factories.user(Role.ADMINISTRATOR, "boss"))
    AuditEvent.objects.all().delete()
    return made


def patient_of(*team: User, code: str = "P-1", ehr_id: str = "ehr-1") -> Patient:
    return factories.patient(code, team, ehr_id=ehr_id, name=NAME)


def sent_off(client: Client, server: LaunchServer, **changes: str) -> str:
    """Begin an EHR launch; where the browser is sent."""
    asked = {"iss": server.base_url, "launch": "handle-1"} | changes
    answer = client.get("/launch/", asked)
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def came_back(client: Client, url: str) -> Any:
    """Follow the browser through the EHR's log-in and back."""
    logged_in = requests.get(url, allow_redirects=False, timeout=10)
    assert logged_in.status_code == 302, logged_in.text
    back = urlsplit(logged_in.headers["Location"])
    assert (back.netloc, back.path) == ("testserver", "/launch/back/")
    return client.get(f"{back.path}?{back.query}")


def launched(server: LaunchServer) -> tuple[Client, Any]:
    client = Client()
    return client, came_back(client, sent_off(client, server))


def audited() -> list[tuple[str, str, str, Any]]:
    """Who, what, about whom and why: what came of each launch."""
    rows = AuditEvent.objects.exclude(action="ehr launch begun").order_by("pk")
    return [(r.actor, r.action, r.patient_code, r.detail.get("why")) for r in rows]


def test_the_record_opens_in_context(launch_server: LaunchServer) -> None:
    patient = patient_of(doctor())
    client, answer = launched(launch_server)
    assert (answer.status_code, answer["Location"]) == (302, "/patients/P-1/")
    assert client.get(f"/patients/{patient.code}/").status_code == 200
    assert audited() == [
        ("dr.grey", "ehr launch", "P-1", None),
        ("dr.grey", "record opened", "P-1", None),
    ]


def test_what_is_asked_of_the_log_in_is_as_smart_says(launch_server: LaunchServer) -> None:
    patient_of(doctor())
    launched(launch_server)
    [asked] = launch_server.control()
    assert asked["scope"] == "openid fhirUser launch" and asked["launch"] == "handle-1"
    assert asked["aud"] == launch_server.base_url
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43 and len(asked["nonce"]) >= 43


def test_standalone_asks_the_ehr_for_the_patient(launch_server: LaunchServer) -> None:
    patient_of(doctor())
    client = Client()
    page = client.get("/login/").content.decode()
    assert 'href="/launch/standalone/"' in page
    answer = came_back(client, client.get("/launch/standalone/")["Location"])
    assert answer["Location"] == "/patients/P-1/"
    [asked] = launch_server.control()
    assert asked["scope"] == "openid fhirUser launch/patient" and "launch" not in asked


def test_without_a_patient_the_panel_opens(launch_server: LaunchServer) -> None:
    doctor()
    launch_server.control(patient=None)
    _client, answer = launched(launch_server)
    assert answer["Location"] == "/"
    assert audited() == [("dr.grey", "ehr launch", "", None)]


@pytest.mark.parametrize("alg", ["RS256", "RS384", "ES384"])
@pytest.mark.parametrize("openid", [False, True])
def test_an_id_token_of_each_algorithm_is_verified(
    launch_server: LaunchServer, alg: str, openid: bool
) -> None:
    patient_of(doctor())
    launch_server.control(signing={"alg": alg}, openid=openid)
    assert launched(launch_server)[1]["Location"] == "/patients/P-1/"


FAR = 10**10
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"signing": {"alg": "none"}}, "signature"),
    ({"signing": {"by": "stranger"}}, "signature"),
    ({"signing": {"kid": "other"}}, "signature"),
    ({"claims": {"aud": "another program"}}, "audience"),
    ({"claims": {"aud": ["clarity", "other"]}}, "audience"),
    ({"claims": {"azp": "other"}}, "audience"),
    ({"claims": {"iss": "https://elsewhere.example"}}, "issuer"),
    ({"claims": {"exp": 1}}, "expired"),
    ({"claims": {"exp": "soon"}}, "expired"),
    ({"claims": {"exp": None}}, "signature"),
    ({"claims": {"iat": FAR, "exp": FAR + 1}}, "expired"),
    ({"claims": {"nonce": "another"}}, "nonce"),
    ({"claims": {"nonce": None}}, "nonce"),
    ({"anonymous": True}, "no_identity"),
    ({"claims": {"fhirUser": None}}, "no_person"),
    ({"claims": {"fhirUser": "https://elsewhere.example/r4/Practitioner/7"}}, "no_person"),
    ({"claims": {"fhirUser": "Practitioner/7/../8"}}, "no_person"),
    ({"claims": {"fhirUser": ["Practitioner/7"]}}, "no_person"),
    ({"claims": {"fhirUser": "Patient/7"}}, "not_clinician"),
    ({"claims": {"fhirUser": "Practitioner/8"}}, "no_account"),
    ({"patient": "../Patient/2"}, "patient"),
    ({"patient": 7}, "patient"),
    ({"deny": True}, "denied"),
]


@pytest.mark.parametrize(("wish", "why"), REFUSED, ids=str)
def test_what_does_not_fit_logs_nobody_in_and_says_why(
    launch_server: LaunchServer, wish: dict[str, Any], why: str
) -> None:
    patient_of(doctor())
    launch_server.control(**wish)
    client, answer = launched(launch_server)
    assert answer.status_code == 403
    for words in WORDS[why]:
        assert str(words) in answer.content.decode()
    assert "_auth_user_id" not in client.session
    [(actor, action, code, said)] = audited()
    assert (actor, action, code, said) == ("ehr", "ehr launch refused", "", why)


def test_an_old_profile_claim_and_a_bare_fhir_user_are_understood(
    launch_server: LaunchServer,
) -> None:
    patient_of(doctor())
    for claims in ({"fhirUser": "Practitioner/7"}, {"fhirUser": None, "profile": "Practitioner/7"}):
        launch_server.control(claims=claims)
        assert launched(launch_server)[1]["Location"] == "/patients/P-1/"


def test_another_server_than_the_clinics_ehr_is_never_asked(launch_server: LaunchServer) -> None:
    for iss in ("https://evil.example/fhir", "", launch_server.base_url + "/more"):
        answer = Client().get("/launch/", {"iss": iss, "launch": "x"})
        assert answer.status_code == 403 and str(WORDS["other_ehr"][0]) in answer.content.decode()
    assert {why for *_rest, why in audited()} == {"other_ehr"}
    assert launch_server.control() == []


def test_a_state_of_another_browser_or_used_before_opens_nothing(
    launch_server: LaunchServer,
) -> None:
    patient_of(doctor())
    mine, theirs = Client(), Client()
    logged_in = requests.get(sent_off(mine, launch_server), allow_redirects=False, timeout=10)
    back = urlsplit(logged_in.headers["Location"])
    address = f"{back.path}?{back.query}"
    assert theirs.get(address).status_code == 403  # a log-in that somebody else began
    assert mine.get(address).status_code == 302
    again = mine.get(address)
    assert again.status_code == 403
    assert str(WORDS["unknown_launch"][0]) in again.content.decode()


def test_a_launch_of_long_ago_opens_nothing(
    launch_server: LaunchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_of(doctor())
    client = Client()
    url = sent_off(client, launch_server)
    session = client.session
    [[state, [nonce, verifier, began]]] = session["ehr_launches"].items()
    session["ehr_launches"] = {state: [nonce, verifier, began - 601]}
    session.save()
    answer = came_back(client, url)
    assert answer.status_code == 403 and str(WORDS["too_late"][0]) in answer.content.decode()


def test_a_wrong_verifier_is_refused_by_the_ehr(launch_server: LaunchServer) -> None:
    patient_of(doctor())
    client = Client()
    url = sent_off(client, launch_server)
    session = client.session
    [[state, [nonce, _verifier, began]]] = session["ehr_launches"].items()
    session["ehr_launches"] = {state: [nonce, "x" * 43, began]}
    session.save()
    answer = came_back(client, url)
    assert answer.status_code == 403 and str(WORDS["code_refused"][0]) in answer.content.decode()


def test_several_launches_may_be_under_way_in_one_browser(launch_server: LaunchServer) -> None:
    patient_of(doctor())
    client = Client()
    urls = [sent_off(client, launch_server) for _ in range(6)]
    assert came_back(client, urls[0]).status_code == 403  # only the newest five are kept
    assert came_back(client, urls[1])["Location"] == "/patients/P-1/"


@pytest.mark.parametrize("is_enrolled", [True, False])
def test_a_patient_outside_the_team_is_told_like_one_who_is_not_followed(
    launch_server: LaunchServer, is_enrolled: bool
) -> None:
    doctor()
    if is_enrolled:
        patient_of(factories.user())
    client, answer = launched(launch_server)
    page = answer.content.decode()
    assert answer.status_code == 403 and str(WORDS["no_record"][0]) in page
    assert "P-1" not in page and NAME not in page
    assert client.get("/patients/P-1/").status_code == 404
    assert audited() == [
        ("dr.grey", "ehr launch refused", "P-1", "not_in_care")
        if is_enrolled
        else ("dr.grey", "ehr launch refused", "", "unknown_patient")
    ]


def test_both_refusals_look_the_same(launch_server: LaunchServer) -> None:
    doctor()
    _client, unknown = launched(launch_server)
    patient_of(factories.user())
    _client, hidden = launched(launch_server)
    assert unknown.content == hidden.content


def test_an_account_that_is_closed_opens_nothing(launch_server: LaunchServer) -> None:
    user = doctor()
    patient_of(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    client, answer = launched(launch_server)
    assert answer.status_code == 403 and "_auth_user_id" not in client.session
    assert str(WORDS["no_account"][0]) in answer.content.decode()


def test_who_has_no_account_waits_until_an_administrator_names_one(
    launch_server: LaunchServer,
) -> None:
    user, boss = factories.user(username="dr.new"), factories.user(Role.ADMINISTRATOR)
    patient_of(user)
    assert launched(launch_server)[1].status_code == 403
    waiting = EhrAccount.objects.get()
    assert (waiting.fhir_user, waiting.user) == ("Practitioner/7", None)
    desk = Client()
    desk.force_login(boss)
    assert "1 person waits for an account" in desk.get("/ehr-accounts/").content.decode()
    named = {"fhir_user": "Practitioner/7", "user": user.pk}
    assert desk.post("/ehr-accounts/map/", named).status_code == 302
    assert launched(launch_server)[1]["Location"] == "/patients/P-1/"
    assert desk.post(f"/ehr-accounts/{waiting.pk}/remove/").status_code == 302
    assert launched(launch_server)[1].status_code == 403
    acts = [action for _actor, action, *_rest in audited() if "account" in action]
    assert acts == ["ehr account mapped", "ehr account unmapped"]


@pytest.mark.parametrize("fhir_user", ["", "7", "Patient/7", "Practitioner/7/8", "https://x/y"])
def test_only_a_clinician_of_fhir_can_be_named(fhir_user: str) -> None:
    desk = Client()
    desk.force_login(factories.user(Role.ADMINISTRATOR))
    named = {"fhir_user": fhir_user, "user": factories.user().pk}
    assert desk.post("/ehr-accounts/map/", named).status_code == 422
    assert not EhrAccount.objects.exists()


def test_an_account_that_runs_the_machine_is_not_given_away() -> None:
    root = factories.user(Role.ADMINISTRATOR, is_superuser=True)
    desk = Client()
    desk.force_login(factories.user(Role.ADMINISTRATOR))
    named = {"fhir_user": "Practitioner/7", "user": root.pk}
    answer = desk.post("/ehr-accounts/map/", named)
    assert answer.status_code == 422 and "runs the machine" in answer.content.decode()
    assert not EhrAccount.objects.exists()


def test_somebody_else_who_was_logged_in_is_logged_out(launch_server: LaunchServer) -> None:
    patient_of(doctor())
    client, other = Client(), factories.user(Role.ADMINISTRATOR)
    client.force_login(other)
    before = client.session.session_key
    assert came_back(client, sent_off(client, launch_server))["Location"] == "/patients/P-1/"
    assert client.session["_auth_user_id"] == str(User.objects.get(username="dr.grey").pk)
    assert client.session.session_key != before


def test_an_ehr_that_is_down_or_badly_set_up_is_said(
    launch_server: LaunchServer, settings: Any
) -> None:
    launch_server.control(configuration={"authorization_endpoint": "http://ehr.example/authorize"})
    answer = Client().get("/launch/", {"iss": launch_server.base_url})
    assert answer.status_code == 403 and str(WORDS["configuration"][0]) in answer.content.decode()
    settings.EHR_BASE_URL = "http://127.0.0.1:1/fhir"
    answer = Client().get("/launch/", {"iss": settings.EHR_BASE_URL})
    assert answer.status_code == 403 and str(WORDS["unreachable"][0]) in answer.content.decode()
    settings.EHR_LAUNCH_CLIENT_ID = ""
    answer = Client().get("/launch/standalone/")
    assert answer.status_code == 403 and str(WORDS["off"][0]) in answer.content.decode()
    assert "standalone" not in Client().get("/login/").content.decode()


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_confidential_client_signs_with_its_key(
    launch_server: LaunchServer, settings: Any, tmp_path: Path, algorithm: str
) -> None:
    patient_of(doctor())
    settings.EHR_KEYS_DIR = tmp_path / "keys"
    key = key_make(algorithm=algorithm, by="boss", now=timezone.now())
    launch_server.control(clientKeys={"keys": [key.public]})
    _client, answer = launched(launch_server)
    assert str(WORDS["code_refused"][0]) in answer.content.decode()  # a public client is not known
    settings.EHR_LAUNCH_SIGNED = True
    assert launched(launch_server)[1]["Location"] == "/patients/P-1/"
    key_retire(kid=key.kid, by="boss", now=timezone.now())
    _client, answer = launched(launch_server)
    assert str(WORDS["no_key"][0]) in answer.content.decode()


def test_nothing_of_a_launch_is_in_a_log(launch_server: LaunchServer, written: StringIO) -> None:
    patient_of(doctor())
    client = Client()
    url = sent_off(client, launch_server)
    secrets = [parse_qs(urlsplit(url).query)[k][0] for k in ("state", "nonce", "code_challenge")]
    came_back(client, url)
    launch_server.control(signing={"by": "stranger"})
    launched(launch_server)
    log = written.getvalue()
    assert log.count("request_finished") >= 4
    for word in (*secrets, "code=", "an-access-token", "eyJ", "ehr-1", "Zebulon", "handle-1"):
        assert word not in log
    assert not re.search(r"code_verifier|id_token", log)


def test_every_refusal_has_words() -> None:
    text = "".join(Path(module.__file__ or "").read_text() for module in (smart, launches))
    codes = set(re.findall(r'LaunchFailed\("(\w+)"\)', text)) | {"no_record", "denied"}
    assert codes | {"unknown_launch"} == set(WORDS)
