"""Questionnaires and episodes over HTTP."""

from typing import Any

import pytest

from patients.models import AuditEvent, Episode, Questionnaire, Role
from tests import factories
from tests.integration.reading import browser

pytestmark = pytest.mark.django_db
QUESTIONNAIRES = "/api/v1/patients/P-1/questionnaires/"
EPISODES = "/api/v1/patients/P-1/episodes/"
ITEMS = [2, 1, 2, 1, 1, 2, 1, 1, 1]
PHQ9: dict[str, Any] = {
    "instrument": "phq9",
    "taken_at": "2026-02-03T09:30:00-05:00",
    "items": ITEMS,
}


@pytest.fixture
def client() -> Any:
    client, who = browser(Role.COORDINATOR)
    factories.patient("P-1", [who])
    return client


def post(client: Any, address: str, asked: dict[str, Any]) -> Any:
    return client.post(address, asked, content_type="application/json")


def test_a_questionnaire_is_recorded_once_and_listed(client: Any) -> None:
    answer = post(client, QUESTIONNAIRES, PHQ9)
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["total"], shown["items"], shown["at_or_above_cut_off"]) == (12, ITEMS, True)
    again = post(client, QUESTIONNAIRES, PHQ9 | {"taken_at": "2026-02-03T14:30:00Z"})
    assert again.status_code == 200 and again.json()["id"] == shown["id"]
    [listed] = client.get(QUESTIONNAIRES).json()["results"]
    assert listed == shown
    assert AuditEvent.objects.filter(action="self-harm item above zero").count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"items": [*ITEMS[:8], 4]}, "Item 9 of PHQ-9 (thoughts of self-harm) is 4"),
        ({"items": ITEMS[:8]}, "has 9 items, but 8 were given"),
        ({"items": ITEMS * 9}, "no more than 50"),
        ({"total": 11}, "is not the sum of its items, 12"),
        ({"items": None}, "Give the items of PHQ-9, or its total."),
        ({"taken_at": "2999-01-01T00:00:00Z"}, "in the future"),
        ({"taken_at": "2026-02-03T09:30:00"}, "Give the offset too"),
        ({"instrument": "gad7"}, "is not a valid choice"),
        ({"items": ["many"]}, "valid integer"),
    ],
)
def test_what_cannot_be_is_refused(client: Any, change: dict[str, Any], words: str) -> None:
    answer = post(client, QUESTIONNAIRES, PHQ9 | change)
    assert answer.status_code == 400 and words in answer.content.decode()
    assert not Questionnaire.objects.exists()


def test_another_result_of_the_same_moment_is_refused(client: Any) -> None:
    post(client, QUESTIONNAIRES, PHQ9)
    answer = post(client, QUESTIONNAIRES, PHQ9 | {"items": None, "total": 3})
    assert answer.status_code == 400 and "mark it as entered in error" in answer.json()["detail"]
    assert Questionnaire.objects.get().total == 12


def test_an_episode_is_recorded_and_listed(client: Any) -> None:
    asked = {"kind": "mixed", "first_day": "2026-02-01", "note": "Seen"}
    answer = post(client, EPISODES, asked)
    assert answer.status_code == 201
    shown = answer.json()
    assert {k: shown[k] for k in asked} == asked and shown["last_day"] is None
    assert client.get(EPISODES).json()["results"] == [shown]
    again = post(client, EPISODES, asked)
    assert again.status_code == 400 and "a day in common" in again.json()["detail"]
    wrong = post(client, EPISODES, {"kind": "mania", "first_day": "soon"})
    assert wrong.status_code == 400 and Episode.objects.count() == 1


def test_what_was_entered_in_error_is_not_listed(client: Any) -> None:
    post(client, QUESTIONNAIRES, PHQ9)
    Questionnaire.objects.update(entered_in_error=True)
    assert client.get(QUESTIONNAIRES).json()["results"] == []


def test_an_administrator_reads_without_notes_and_records_nothing(client: Any) -> None:
    post(client, EPISODES, {"kind": "mania", "first_day": "2026-02-01", "note": "Seen"})
    boss, _ = browser(Role.ADMINISTRATOR)
    [shown] = boss.get(EPISODES).json()["results"]
    assert shown["kind"] == "mania" and shown["note"] is None
    for address, asked in ((EPISODES, {"kind": "mania"}), (QUESTIONNAIRES, PHQ9)):
        assert post(boss, address, asked).status_code == 403
    assert not Questionnaire.objects.exists() and Episode.objects.count() == 1


def test_the_openapi_document_says_what_is_answered_and_asked(client: Any) -> None:
    paths = client.get("/api/v1/schema/?format=json").json()["paths"]
    for address, name in ((QUESTIONNAIRES, "Questionnaire"), (EPISODES, "Episode")):
        described = paths[address.replace("P-1", "{code}")]
        [listed] = described["get"]["responses"]["200"]["content"].values()
        assert listed["schema"]["$ref"].endswith(f"PageOf{name}")
        assert {p["name"] for p in described["get"]["parameters"]} == {"code", "limit", "offset"}
        asked = described["post"]["requestBody"]["content"]["application/json"]
        assert asked["schema"]["$ref"].endswith(f"{name}Request")
        assert "201" in described["post"]["responses"]
