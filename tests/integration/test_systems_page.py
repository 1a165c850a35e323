"""Other systems: registered, changed and switched off by administrators, on the page and by
command; and Clarity's own keys where others read them.
"""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from alerts.ehr_checks import ehr_token_settings
from alerts.ehr_tokens import key_folder, token_source
from alerts.fhir.jwks import check_jwks
from alerts.models import TrustedSystem
from patients.models import AuditEvent, Role
from tests import factories
from tests.trusted import jwks_of, key_server, public_jwk, system

pytestmark = pytest.mark.django_db

GOOD = {
    "name": "Hospital EHR",
    "issuer": "https://ehr.example",
    "fhir_url": "https://ehr.example/fhir",
    "jwks_url": "https://ehr.example/jwks.json",
}
READER = {
    "name": "Warehouse",
    "client_id": "warehouse",
    "jwks": json.dumps(jwks_of(("k", "ES384"))),
    "scopes": "system/Observation.rs",
}


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(factories.user(Role.ADMINISTRATOR, "ada"))
    return client


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, settings: Any) -> None:
    settings.EHR_KEYS_DIR = tmp_path / "keys"


@pytest.mark.parametrize("given", [GOOD, READER])
def test_registering_is_written_down_with_who_did_it(client: Client, given: dict[str, str]) -> None:
    answer = client.post("/systems/register/", given, follow=True)
    made = TrustedSystem.objects.get()
    assert f"{given['name']} is registered." in answer.content.decode()
    assert (made.registered_by, made.is_active) == ("ada", True)
    for name in ("issuer", "fhir_url", "scopes"):
        assert getattr(made, name) == given.get(name, "")
    event = AuditEvent.objects.get(action="system registered")
    assert (event.actor, event.detail) == (
        "ada",
        {"system": given["name"], "fields": [n for n in event.detail["fields"] if n in given]},
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "Give it a name"),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"issuer": ""}, "Give the issuer of its tokens, a client id, or both."),
        ({"issuer": "two words"}, "no blank in it"),
        ({"issuer": "https://taken.example"}, "Another system is registered with this"),
        ({"name": "Test EHR"}, "Another system is registered with this"),
        ({"fhir_url": ""}, "needs the address of its FHIR server"),
        ({"fhir_url": "http://ehr.example/fhir"}, "This must be https://"),
        ({"jwks_url": "http://ehr.example/k"}, "This must be https://"),
        ({"jwks_url": "https://a:b@ehr.example/k"}, "This must be https://"),
        ({"jwks_url": ""}, "the address of its public keys, or the keys"),
        ({"jwks": json.dumps(jwks_of(("k", "ES384")))}, "one of them"),
        ({"jwks_url": "", "jwks": "{"}, "This is no JSON"),
        ({"jwks_url": "", "jwks": '{"keys": []}'}, "no key that can be used"),
        ({"jwks_url": "", "jwks": json.dumps([1])}, "no key that can be used"),
        (
            {"jwks_url": "", "jwks": json.dumps({"keys": [public_jwk("k", "ES384") | {"d": "x"}]})},
            "holds a private key",
        ),
        ({"scopes": "system/Patient.rs", "client_id": "x"}, "system/Patient.rs cannot be given"),
        ({"scopes": "system/Observation.cruds", "client_id": "x"}, "cannot be given"),
        ({"scopes": "user/Observation.rs", "client_id": "x"}, "cannot be given"),
        ({"scopes": "system/Observation.rs"}, "A system that reads needs a client id."),
    ],
)
def test_what_cannot_be_used_is_refused_beside_its_field(
    client: Client, changes: dict[str, str], sentence: str
) -> None:
    system(issuer="https://taken.example")
    answer = client.post("/systems/register/", GOOD | changes)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert answer.content.decode().count('role="alert"') == 1
    assert TrustedSystem.objects.count() == 1
    assert not AuditEvent.objects.exists()


def test_changing_keeps_who_registered_it_and_says_what_changed(client: Client) -> None:
    kept = system()
    given = {"name": kept.name, "issuer": "https://new.example", "jwks": json.dumps(kept.jwks)}
    given["fhir_url"] = kept.fhir_url
    client.post(f"/systems/{kept.pk}/change/", given)
    kept.refresh_from_db()
    assert (kept.issuer, kept.changed_by) == ("https://new.example", "ada")
    assert AuditEvent.objects.get().detail == {"system": "Test EHR", "fields": ["issuer"]}
    client.post(f"/systems/{kept.pk}/change/", given)
    assert AuditEvent.objects.count() == 1


def test_a_refused_change_shows_what_is_stored_in_the_heading(client: Client) -> None:
    kept = system()
    answer = client.post(f"/systems/{kept.pk}/change/", {"name": "", "issuer": "x"})
    assert answer.status_code == 422
    assert "<h1>Test EHR</h1>" in answer.content.decode()


def test_switching_off_and_on_is_audited_once_each(client: Client) -> None:
    kept = system()
    for on, active in (("false", False), ("false", False), ("true", True)):
        client.post(f"/systems/{kept.pk}/switch/", {"on": on})
        kept.refresh_from_db()
        assert kept.is_active == active
    assert sorted(e.action for e in AuditEvent.objects.all()) == [
        "system switched off",
        "system switched on",
    ]


def test_its_keys_are_looked_at_on_demand(client: Client) -> None:
    with key_server(jwks_of(("one", "ES384"), ("two", "RS384"))) as server:
        kept = system(jwks_url=server.url)
        assert server.asked == 0
        shown = client.post(f"/systems/{kept.pk}/keys/").content.decode()
        assert "<code>one</code>" in shown and "<code>two</code>" in shown
        server.document = {"keys": []}
        assert (
            "gives no key that can be used"
            in client.post(f"/systems/{kept.pk}/keys/").content.decode()
        )
        server.status = 500
        assert "it answered 500" in client.post(f"/systems/{kept.pk}/keys/").content.decode()


def test_the_page_says_what_to_tell_the_other_side(client: Client) -> None:
    assert "There is no key yet" in client.get("/systems/").content.decode()
    call_command("ehr_keys", "make", stdout=StringIO())
    shown = client.get("/systems/").content.decode()
    assert "2 keys are published" in shown
    assert "http://testserver/.well-known/jwks.json" in shown


def test_the_pages_say_which_address_is_missing_for_cards(client: Client, settings: Any) -> None:
    kept = system()
    system(name="Warehouse", issuer="", client_id="warehouse")
    pages = ("/systems/", f"/systems/{kept.pk}/")

    def said(sentence: str) -> list[int]:
        return [client.get(page).content.decode().count(sentence) for page in pages]

    settings.EHR_BASE_URL = f"{kept.fhir_url}/"
    assert said("get no cards") == [0, 0]
    settings.EHR_BASE_URL = "https://ehr.example/fhir"
    assert said("get no cards: the address of its FHIR server is not") == [1, 1]
    TrustedSystem.objects.filter(pk=kept.pk).update(fhir_url="")
    assert said("get no cards: fill in the address of its FHIR server") == [1, 1]


def command(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_the_command_registers_changes_and_switches(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(jwks_of(("k", "ES384"))))
    name = ("trusted_system", "Hospital EHR")
    with pytest.raises(SystemExit):
        command(*name, "--issuer", "https://ehr.example", "--jwks", str(keys))
    issuer = ("--issuer", "https://ehr.example", "--fhir-url", "https://ehr.example/fhir")
    command(*name, *issuer, "--jwks", str(keys))
    command(*name, "--client-id", "reader", "--scopes", "system/*.rs")
    (shown,) = command(*name, "--off")["systems"]
    assert (shown["issuer"], shown["client_id"], shown["is_active"]) == (
        "https://ehr.example",
        "reader",
        False,
    )
    assert command("trusted_system")["systems"] == [shown]
    assert [e.action for e in AuditEvent.objects.order_by("id")] == [
        "system registered",
        "system changed",
        "system switched off",
    ]
    assert set(AuditEvent.objects.values_list("actor", flat=True)) == {"system"}


@pytest.mark.parametrize(
    "words",
    [["New"], ["New", "--on"], ["--off"], ["New", "--issuer", "x", "--jwks", "/nowhere"]],
)
def test_the_command_refuses_what_cannot_be_used(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        call_command("trusted_system", *words, stdout=StringIO(), stderr=StringIO())
    assert refusal.value.code == 2
    assert not TrustedSystem.objects.exists()


def test_keys_are_made_rotated_and_retired_by_command() -> None:
    def states() -> list[str]:
        return [key["state"] for key in command("ehr_keys", "list")["keys"]]

    made = command("ehr_keys", "make")["keys"]
    assert {key["algorithm"] for key in made} == {"RS384", "ES384"}
    command("ehr_keys", "make", "--algorithm", "ES384")
    assert sorted(states()) == ["signs", "signs", "waits"]
    command("ehr_keys", "rotate")
    assert sorted(states()) == ["retired"] * 3 + ["signs"] * 2
    signing = next(it for it in command("ehr_keys", "list")["keys"] if it["state"] == "signs")
    command("ehr_keys", "retire", signing["kid"])
    assert sorted(states()) == ["retired"] * 4 + ["signs"]
    actions = list(AuditEvent.objects.values_list("action", flat=True))
    assert (actions.count("EHR key made"), actions.count("EHR key retired")) == (5, 4)


@pytest.mark.parametrize("words", [["rotate"], ["retire"], ["make", "kid"], ["retire", "nowhere"]])
def test_keys_that_there_are_not_cannot_be_retired(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        call_command("ehr_keys", *words, stdout=StringIO(), stderr=StringIO())
    assert refusal.value.code == 2


def test_the_public_keys_are_for_everybody_and_hold_no_secret() -> None:
    assert Client().get("/.well-known/jwks.json").json() == {"keys": []}
    call_command("ehr_keys", "make", stdout=StringIO())
    answer = Client().get("/.well-known/jwks.json")
    check_jwks(answer.json())
    assert len(answer.json()["keys"]) == 2
    assert answer["Cache-Control"] == "public, max-age=60"
    assert Client().post("/.well-known/jwks.json").status_code == 405
    for file in Path(key_folder().path).glob("*.json"):
        assert json.loads(file.read_text())["jwk"]["d"] not in answer.content.decode()


def test_a_broken_key_file_publishes_nothing_rather_than_half(settings: Any) -> None:
    call_command("ehr_keys", "make", stdout=StringIO())
    (key_folder().path / "x.json").write_text("{")
    answer = Client().get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (503, {"error": "The keys cannot be read now."})


def test_a_source_of_tokens_is_there_where_a_client_id_is(settings: Any) -> None:
    settings.EHR_BASE_URL, settings.EHR_CLIENT_ID = "https://ehr.example/fhir", ""
    assert token_source() is None
    settings.EHR_CLIENT_ID = "clarity"
    assert token_source() is token_source() is not None


def ids(**given: Any) -> set[str]:
    return {str(message.id) for message in ehr_token_settings()}


def test_settings_that_cannot_be_used_are_said_at_start_up(settings: Any, tmp_path: Path) -> None:
    assert ids() == set()
    settings.EHR_CLIENT_ID = "clarity"
    assert ids() == {"clarity.W010"}
    call_command("ehr_keys", "make", stdout=StringIO())
    assert ids() == set()
    settings.EHR_CLIENT_ID, settings.EHR_TOKEN_FILE = "two words", "/x"
    settings.EHR_SCOPES, settings.EHR_TOKEN_URL = "Patient.rs", "http://ehr.example/token"
    assert ids() == {f"clarity.E01{n}" for n in range(4)}
    next(key_folder().path.glob("*.json")).chmod(0o644)
    (key_folder().path / "x.json").write_text("{")
    assert ids() >= {"clarity.E014", "clarity.E015"}
