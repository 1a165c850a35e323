"""The care team records circumstances and has a patient scored, on the record."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.tasks import score_queued_patients
from patients.models import AuditEvent, Circumstance, Role
from scoring.models import ScoringJob
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.people import in_care, recording

pytestmark = pytest.mark.django_db


def test_score_now_queues_at_once_says_so_and_is_audited() -> None:
    client, who = browser(Role.COORDINATOR)
    in_care("P-1", recording(days=2), team=[who])
    assert "Score now" in text(client.get("/patients/P-1/"))
    words = text(client.post("/patients/P-1/score/", follow=True))
    assert "P-1 is being scored: reload the page in a minute." in words
    assert "A score is on its way." in words
    job = ScoringJob.objects.get()
    assert job.due_at and job.due_at <= timezone.now()
    row = AuditEvent.objects.get(action="score asked for")
    assert (row.actor, row.patient_code) == (who.username, "P-1")
    client.post("/patients/P-1/score/")
    assert ScoringJob.objects.count() == 1


def test_what_was_asked_for_is_scored_and_asking_again_changes_nothing() -> None:
    client, who = browser()
    patient = in_care("P-1", recording(days=14), team=[who])
    client.post("/patients/P-1/score/")
    score_queued_patients()
    before = list(patient.scores.order_by("pk").values())
    assert before and ScoringJob.objects.get().state == "done"
    client.post("/patients/P-1/score/")  # within the half hour that devices must keep
    score_queued_patients()
    assert list(patient.scores.order_by("pk").values()) == before
    assert [job.state for job in ScoringJob.objects.all()] == ["done", "done"]


def test_a_broker_that_cannot_be_reached_loses_no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(**_: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(score_queued_patients, "apply_async", lost)
    client, who = browser()
    in_care("P-1", recording(days=2), team=[who])
    assert "is being scored" in text(client.post("/patients/P-1/score/", follow=True))
    assert ScoringJob.objects.get().state == "queued"


def test_score_now_without_data_says_why_not() -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    assert "Nothing was recorded of P-1 yet" in text(
        client.post("/patients/P-1/score/", follow=True)
    )
    assert not ScoringJob.objects.exists()


def test_a_circumstance_is_recorded_shown_ended_and_removed() -> None:
    client, who = browser()
    factories.score(factories.patient("P-1", [who]), yesterday())
    address, first = "/patients/P-1/circumstances/", "2026-03-03"
    words = text(client.post(address, {"kind": "shift_work", "first_day": first}, follow=True))
    assert "“Works shifts” is recorded." in words
    assert "Works shifts since 3 March 2026: the timing and regularity of sleep say less." in words
    assert f"Recorded by {who.username}" in words and "unverified" in words
    again = text(client.post(address, {"kind": "shift_work", "first_day": first}, follow=True))
    assert "already recorded and goes on" in again
    row = Circumstance.objects.get()
    end, remove = (f"/circumstances/{row.pk}/{what}/" for what in ("end", "remove"))
    assert "lies before the first" in text(
        client.post(end, {"last_day": "2026-03-01"}, follow=True)
    )
    words = text(client.post(end, {"last_day": "2026-03-09"}, follow=True))
    assert "Works shifts from 3 March 2026 to 9 March 2026" in words
    assert "“Works shifts” is removed" in text(client.post(remove, follow=True))
    assert not Circumstance.objects.exists()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"kind": "moon", "first_day": "2026-03-03"}, "Choose one of the list."),
        ({"kind": "travel"}, "Give the first day."),
        ({"kind": "travel", "first_day": "soon"}, "Give a date."),
    ],
)
def test_what_cannot_be_is_refused_in_words(asked: dict[str, str], says: str) -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    assert says in text(client.post("/patients/P-1/circumstances/", asked, follow=True))
    assert not Circumstance.objects.exists()


def test_an_administrator_reads_circumstances_and_changes_none() -> None:
    client, _ = browser(Role.ADMINISTRATOR)
    row = factories.circumstance(factories.patient("P-1"))
    words = text(client.get("/patients/P-1/"))
    assert "Works shifts since" in words and "Score now" not in words
    for address in (
        "/patients/P-1/score/",
        "/patients/P-1/circumstances/",
        f"/circumstances/{row.pk}/end/",
        f"/circumstances/{row.pk}/remove/",
    ):
        assert client.post(address).status_code == 403
    assert Circumstance.objects.count() == 1


def test_the_record_says_when_a_score_was_last_looked_at() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who], zone="Europe/Paris")
    for state, finished, says in (
        ("done", True, "Last looked at by day"),
        ("failed", True, "Operations can see why."),
    ):
        at = timezone.now() - timedelta(minutes=2) if finished else None
        ScoringJob.objects.create(patient=patient, state=state, finished_at=at)
        assert says in text(client.get("/patients/P-1/"))


def test_a_reason_that_says_less_is_told_so_where_it_stands() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    kept = {"kind": "shift_work", "first_day": "2026-03-03", "last_day": None}
    why = factories.MANIA_WHY[1] | {"name": "Circadian_phase"}
    score = factories.score(
        patient, yesterday(), context={"circumstances": {"spans": [kept], "rules_version": "0"}}
    )
    score.mania = score.mania | {"contributions": [why, factories.MANIA_WHY[0]]}
    score.save()
    words = text(client.get("/patients/P-1/"))
    less = "(says less: works shifts since 3 March 2026)"
    assert f"Estimated melatonin onset (DLMO) {less}" in words and words.count(less) == 1
