"""Circumstances kept with a score, replayed from there, and a score that somebody waits for."""

import json
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from patients.circumstances import circumstance_end, circumstance_remove, circumstance_start
from patients.domain.errors import InputError
from patients.models import AuditEvent, Patient
from scoring.features import features_update
from scoring.models import RiskScore, ScoringJob
from scoring.replay import score_replay
from scoring.runs import job_claim, job_finish, jobs_claim, run_start, scoring_ask, scoring_request
from scoring.selectors import CIRCUMSTANCES
from scoring.services import patient_assess, score_store
from tests import factories
from tests.people import LAST_DAY, in_care, recording

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    patient = in_care("P-1", recording(sleepless=2))
    features_update(patient=patient)
    return patient


def scored(patient: Patient) -> RiskScore:
    patient.refresh_from_db()
    score, _ = score_store(patient=patient, assessment=patient_assess(patient=patient))
    return RiskScore.objects.get(pk=score.pk)


def codes(score: RiskScore) -> list[str]:
    return [reason["code"] for reason in score.reasons]


def test_a_score_keeps_what_went_on_and_replays_when_that_is_long_gone(patient: Patient) -> None:
    by, before = factories.user(), scored(patient)
    assert CIRCUMSTANCES not in before.context
    made = circumstance_start(patient=patient, kind="shift_work", first_day=LAST_DAY, by=by)
    score = scored(patient)
    assert (score.revision, before.revision) == (2, 1)
    assert "circumstance_shift_work" in codes(score)
    [kept] = score.context[CIRCUMSTANCES]["spans"]
    assert kept == {"kind": "shift_work", "first_day": LAST_DAY.isoformat(), "last_day": None}
    for name in ("tier", "probability", "weights", "inputs_sha256"):
        assert getattr(score, name) == getattr(before, name)
    assert score_replay(score=score) == score_replay(score=before) == []
    assert scored(patient) == score  # nothing changed: the same row
    circumstance_end(circumstance=made, last_day=LAST_DAY, by=by)
    assert score_replay(score=score) == []
    circumstance_remove(circumstance=made, by=by)
    assert score_replay(score=score) == score_replay(score=before) == []
    assert scored(patient).revision == 3


def test_other_rules_of_circumstances_are_named_by_replay(patient: Patient) -> None:
    factories.circumstance(patient, "travel", first_day=LAST_DAY)
    score = scored(patient)
    score.context[CIRCUMSTANCES]["rules_version"] = "0" * 64
    [found] = score_replay(score=score)
    assert found["field"] == "circumstances.rules_version"


def test_a_circumstance_of_another_time_says_nothing(patient: Patient) -> None:
    ended = LAST_DAY - timedelta(days=30)
    factories.circumstance(patient, "travel", first_day=ended, last_day=ended)
    factories.circumstance(patient, "newborn", first_day=LAST_DAY + timedelta(days=1))
    score = scored(patient)
    assert CIRCUMSTANCES not in score.context
    assert not any(code.startswith("circumstance") for code in codes(score))


def test_one_of_a_kind_goes_on_at_a_time_and_days_are_in_order(patient: Patient) -> None:
    by = factories.user(username="dr.a")
    first = circumstance_start(patient=patient, kind="newborn", first_day=LAST_DAY, by=by)
    with pytest.raises(InputError, match="already recorded and goes on"):
        circumstance_start(patient=patient, kind="newborn", first_day=LAST_DAY, by=by)
    before = LAST_DAY - timedelta(days=1)
    with pytest.raises(InputError, match="lies before the first"):
        circumstance_end(circumstance=first, last_day=before, by=by)
    with pytest.raises(InputError, match="lies before the first"):
        circumstance_start(
            patient=patient, kind="travel", first_day=LAST_DAY, last_day=before, by=by
        )
    row = AuditEvent.objects.get(action="circumstance recorded")
    assert (row.actor, row.patient_code, row.detail) == ("dr.a", "P-1", {"kind": "newborn"})


def test_a_persons_wish_does_not_wait_for_the_spacing_of_devices(patient: Patient) -> None:
    by = factories.user(username="dr.a")
    scoring_request(patient=patient)
    job_finish(job=job_claim())  # type: ignore[arg-type]
    scoring_request(patient=patient)
    assert job_claim() is None  # half an hour apart
    for _ in range(2):
        scoring_ask(patient=patient, by=by)
    assert ScoringJob.objects.filter(state="queued").count() == 1
    job = job_claim()
    assert job and job.patient == patient
    scoring_ask(patient=patient, by=by)  # the running one may have read its data already
    assert ScoringJob.objects.filter(state="queued").count() == 1
    rows = AuditEvent.objects.filter(action="score asked for", actor="dr.a", patient_code="P-1")
    assert rows.count() == 3


def test_who_waits_comes_before_the_night(patient: Patient) -> None:
    other = in_care("P-2", recording(days=2))
    run_start(night=date(2026, 3, 2))
    scoring_ask(patient=other, by="test")
    assert [job.run is None for job in jobs_claim()] == [True, False, False]


def test_nothing_recorded_is_said_instead_of_queued() -> None:
    nobody = factories.patient("P-9")
    with pytest.raises(InputError, match="Nothing was recorded of P-9"):
        scoring_ask(patient=nobody, by="test")
    assert not ScoringJob.objects.exists() and not AuditEvent.objects.exists()


def run_score(code: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("score", code, "--json", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_scores_now_and_says_when_nothing_has_changed(patient: Patient) -> None:
    first, second = (json.loads(run_score("P-1")[0]) for _ in range(2))
    assert first["day"] == LAST_DAY.isoformat() and first["changed"] is True
    assert second == first | {"changed": False}
    assert AuditEvent.objects.filter(action="score asked for", actor="system").count() == 2


@pytest.mark.parametrize(("code", "says"), [("P-9", "no patient P-9"), ("P-0", "no day with 12 h")])
def test_the_command_refuses_in_one_sentence(code: str, says: str) -> None:
    factories.patient("P-0")
    err = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("score", code, "--json", stdout=StringIO(), stderr=err)
    assert ended.value.code == 2 and says in err.getvalue()


def test_scores_without_any_context_of_life_are_as_before(patient: Patient) -> None:
    """A score stored before circumstances were known is neither changed nor scored again."""
    score = scored(patient)
    assert "circumstances" not in score.context and "antidepressant" in score.context
    assert timezone.now() > score.scored_at and scored(patient).pk == score.pk
