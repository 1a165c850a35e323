"""Administration, and what holds for every page: notices, errors, scripts, the API."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.views.defaults import server_error

from alerts.models import EhrConnection
from patients.models import MedicationCourse, Patient, Role
from scoring.models import Baseline
from tests import factories
from tests.integration.reading import browser, text, yesterday

pytestmark = pytest.mark.django_db


def test_administrator_approves_a_baseline() -> None:
    client, who = browser(Role.ADMINISTRATOR)
    baseline = factories.baseline(factories.patient("P-1"), "proposed")
    words = text(client.get("/baselines/"))
    assert "Time asleep 7.31 ± 0.62 h" in words and "28 days used" in words
    assert "Sleep onset 23:20 ± 25 min" in words
    assert "21:35 ± 24 min" in words
    client.post(f"/baselines/{baseline.pk}/approve/")
    assert Baseline.objects.get().state == "approved"
    assert f"Approved by {who.username}" in text(client.get("/baselines/"))


def test_administrator_keeps_the_medication_list() -> None:
    client, _ = browser(Role.ADMINISTRATOR)
    patient = factories.patient("P-1")
    asked = {
        "drug": "venlafaxine",
        "drug_class": "snri",
        "dose": "75 mg",
        "first_day": "2026-11-02",
    }
    words = text(client.post("/medications/P-1/start/", asked, follow=True))
    assert "venlafaxine 75 mg" in words
    course = MedicationCourse.objects.get()
    early = client.post(
        f"/medications/courses/{course.pk}/stop/", {"last_day": "2026-11-01"}, follow=True
    )
    assert "The last day lies before the first." in text(early)
    client.post(f"/medications/courses/{course.pk}/stop/", {"last_day": "2026-11-09"})
    course.refresh_from_db()
    assert course.last_day == date(2026, 11, 9)
    client.post("/medications/P-1/list/", {"available": "false"})
    patient.refresh_from_db()
    assert not patient.medication_list_available
    bad = client.post("/medications/P-1/start/", {**asked, "first_day": "never"})
    assert bad.status_code == 422 and MedicationCourse.objects.count() == 1


def test_administrator_sees_messages_and_turns_delivery_on() -> None:
    client, who = browser(Role.ADMINISTRATOR)
    of = factories.score(factories.patient("P-1"), yesterday())
    message = factories.alert(of, message_state="dead").messages.get()
    assert "given up after 2 attempts: The EHR did not answer in time." in text(
        client.get("/messages/")
    )
    assert "will be sent again" in text(client.post(f"/messages/{message.pk}/resend/", follow=True))
    message.refresh_from_db()
    assert message.state == "pending"
    client.post("/messages/delivery/", {"on": "true"})
    assert EhrConnection.objects.get().deliver_beyond_this_machine
    assert f"Changed by {who.username}" in text(client.get("/messages/"))


def test_administrator_sees_why_a_patient_was_not_scored() -> None:
    client, _ = browser(Role.ADMINISTRATOR)
    factories.run(yesterday(), "failed", [factories.patient("P-1"), factories.patient("P-2")], 1)
    words = text(client.get("/runs/"))
    assert "1 of 2 done" in words and "1 failed" in words
    assert "P-1, attempt 3: The model file is missing." in words


@pytest.mark.parametrize("role", Role.values)
def test_every_page_with_model_output_begins_with_research_use(role: str) -> None:
    client, _ = browser(role)
    factories.model()
    for address in ("/", "/alerts/", "/models/"):
        words = text(client.get(address))
        assert words.index("Research use: model trained on simulated data") < 150


def test_navigation_is_that_of_the_role() -> None:
    assert "/runs/" in browser(Role.ADMINISTRATOR)[0].get("/").content.decode()
    page = browser(Role.PSYCHIATRIST)[0].get("/").content.decode()
    assert "/runs/" not in page and "/on-call/" in page


def test_pages_name_no_other_host_and_have_no_inline_script() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    factories.alert(factories.score(patient, yesterday()))
    for address in (
        "/", "/patients/P-1/", "/patients/P-1/data/", "/patients/P-1/outcomes/",
        "/patients/P-1/actogram/", "/patients/P-1/sleep/", "/patients/P-1/summary/",
        "/alerts/", "/models/", "/rules/", "/login/",
    ):  # fmt: skip
        body = client.get(address, follow=True).content.decode()
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', body), address
        assert not re.findall(r"<script(?![^>]*(?:src=|application/json))", body), address
        assert not re.findall(r"\son\w+=|\sstyle=", body), address


def test_openapi_document_names_every_address() -> None:
    client, _ = browser()
    answer = client.get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    assert {
        "/api/v1/patients/",
        "/api/v1/patients/{code}/",
        "/api/v1/patients/{code}/questionnaires/",
        "/api/v1/patients/{code}/episodes/",
        "/api/v1/scores/",
        "/api/v1/alerts/",
        "/api/v1/alerts/{alert_id}/acknowledge/",
        "/api/v1/alerts/{alert_id}/dismiss/",
    } <= set(answer.json()["paths"])


def test_scores_without_a_patient_are_refused() -> None:
    assert browser()[0].get("/api/v1/scores/").status_code == 400


def test_error_page_is_friendly_and_tells_nothing(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert "nowhere" not in answer.content.decode()
    assert Patient.objects.count() == 0


def test_page_says_so_while_no_nightly_run_has_finished() -> None:
    client, _ = browser()
    assert "No nightly run has finished yet" in text(client.get("/"))
    factories.run(timezone.localdate())
    assert "No nightly run has finished yet" not in text(client.get("/"))


def test_log_in_locks_after_repeated_failures_with_a_friendly_page(client: Client) -> None:
    factories.user(username="somebody", password="correct horse battery")
    wrong = {"username": "somebody", "password": "wrong"}
    answers = [client.post("/login/", wrong) for _ in range(8)]
    assert "do not match" in answers[0].content.decode()
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()


def test_pages_allow_scripts_from_here_only() -> None:
    policy = browser()[0].get("/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    assert "unsafe-eval" not in policy


def test_pages_are_not_kept_by_the_browser() -> None:
    assert browser()[0].get("/")["Cache-Control"] == "no-store"


def test_server_error_page_needs_no_database_and_tells_nothing(rf: Any) -> None:
    answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
