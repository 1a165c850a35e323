"""Data that come late: their days are scored again soon, and nobody is alerted about old ones."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import Alert
from alerts.nightly import patient_night
from alerts.tasks import score_queued_patients
from clarity_site.metrics import ClarityCollector
from patients.domain.recording import Recording
from patients.models import Patient
from scoring.models import ScoringJob, ScoringRun
from scoring.runs import ASKED_APART, job_claim, job_finish, jobs_waiting, scoring_request
from scoring.selectors import run_notice
from tests import factories
from tests.people import DAYS, in_care, recording, store

pytestmark = pytest.mark.django_db
CATCH_UP = 10


def last_day(days_ago: int = 1) -> date:
    return timezone.localdate() - timedelta(days=days_ago)


def cut(what: Recording, first: int, stop: int) -> Recording:
    """The days from first to stop of a recording, counted from its start."""
    begin, end = (what.start + timedelta(days=n) for n in (first, stop))
    series = tuple(replace(s, start=begin, values=s.between(begin, end)) for s in what.series)
    sleep = tuple(e for e in what.sleep if begin <= e.start and e.end <= end)
    return replace(what, series=series, sleep=sleep)


def asked() -> list[tuple[str, str]]:
    jobs = ScoringJob.objects.filter(run=None).order_by("id")
    return list(jobs.values_list("patient__code", "state"))


def test_late_minutes_make_new_versions_of_the_days_they_touch() -> None:
    patient = in_care("P-1", recording(last_day=last_day()))
    patient_night(patient=patient, now=timezone.now(), catch_up_days=CATCH_UP)
    before = {s.day: s.pk for s in patient.scores.all()}
    late = cut(recording(seed=2, last_day=last_day()), DAYS - 5, DAYS - 4)
    store(patient, replace(late, sleep=()), "late")
    scoring_request(patient=patient)
    score_queued_patients()
    touched = last_day(5)
    revised = patient.scores.filter(revision=2).values_list("day", flat=True)
    assert touched in revised and min(revised) >= touched - timedelta(days=1)
    for day, pk in before.items():
        old = patient.scores.get(pk=pk)
        assert old.is_current == (day not in revised)  # the earlier version is still there


def test_late_nights_that_are_long_ago_are_scored_high_and_alert_nobody() -> None:
    full = recording(last_day=last_day(4), sleepless=3)
    patient = in_care("P-1", cut(full, 0, DAYS - 3))
    store(patient, cut(full, DAYS - 3, DAYS), "late")
    scoring_request(patient=patient)
    score_queued_patients()
    score = patient.scores.get(day=last_day(4), is_current=True)
    assert score.mania["tier"] == "High" and not Alert.objects.exists()


def test_late_nights_of_the_last_days_raise_their_alert() -> None:
    full = recording(last_day=last_day(2), sleepless=3)
    patient = in_care("P-1", cut(full, 0, DAYS - 3))
    patient_night(patient=patient, now=timezone.now(), catch_up_days=3)
    assert not Alert.objects.filter(kind="mania").exists()
    store(patient, cut(full, DAYS - 3, DAYS), "late")
    scoring_request(patient=patient)
    score_queued_patients()
    alert = Alert.objects.get(kind="mania")
    assert (alert.tier, alert.score.day) == ("High", last_day(2))


def test_a_late_night_of_the_last_days_alerts_also_when_the_newest_day_is_low() -> None:
    sleepless, well = recording(last_day=last_day(3), sleepless=3), recording(last_day=last_day())
    patient = in_care("P-1", cut(sleepless, 0, DAYS - 3))
    store(patient, cut(well, DAYS - 2, DAYS), "newest")
    patient_night(patient=patient, now=timezone.now(), catch_up_days=4)
    assert not Alert.objects.filter(kind="mania").exists()
    store(patient, cut(sleepless, DAYS - 3, DAYS), "late")
    scoring_request(patient=patient)
    score_queued_patients()
    alert = Alert.objects.filter(kind="mania").earliest("raised_at")
    assert alert.score.day >= last_day(3) and alert.tier == "High"


def test_late_minutes_of_long_ago_make_new_versions_too() -> None:
    patient = in_care("P-1", recording(last_day=last_day()))
    long_ago = last_day(DAYS - 8)
    patient_night(patient=patient, now=timezone.now(), catch_up_days=DAYS)
    assert patient.scores.filter(day=long_ago).count() == 1
    late = cut(recording(seed=2, last_day=last_day()), 6, 8)
    store(patient, replace(late, sleep=()), "late")
    scoring_request(patient=patient)
    patient_night(patient=patient, now=timezone.now(), catch_up_days=3)
    assert patient.scores.get(day=long_ago, is_current=True).revision == 2


def test_a_patient_is_asked_for_once_until_scored_and_then_not_at_once_again() -> None:
    patient = factories.patient("P-1")
    for _ in range(3):
        scoring_request(patient=patient)
    assert asked() == [("P-1", "queued")] and jobs_waiting()
    job = job_claim()
    assert job and job.run is None
    scoring_request(patient=patient)  # what came after the claim is for another job
    assert asked() == [("P-1", "running"), ("P-1", "queued")]
    assert job_claim()
    job_finish(job=job)
    for running in ScoringJob.objects.filter(state="running"):
        job_finish(job=running)
    scoring_request(patient=patient)
    queued = ScoringJob.objects.get(state="queued")
    assert queued.due_at and queued.due_at > timezone.now() + ASKED_APART / 2
    assert not jobs_waiting() and job_claim() is None
    ScoringJob.objects.update(due_at=timezone.now())
    assert job_claim() == queued


def test_finished_requests_do_not_pile_up() -> None:
    patient = factories.patient("P-1")
    for _ in range(4):
        scoring_request(patient=patient)
        ScoringJob.objects.filter(state="queued").update(
            state="done", finished_at=timezone.now() - 2 * ASKED_APART
        )
    scoring_request(patient=patient)
    assert asked() == [("P-1", "queued")]


def test_a_request_that_fails_gives_way_to_a_newer_one() -> None:
    patient = factories.patient("P-1")
    scoring_request(patient=patient)
    job = job_claim()
    assert job
    scoring_request(patient=patient)
    job_finish(job=job, failure="out of luck")
    assert asked() == [("P-1", "failed"), ("P-1", "queued")]
    again = job_claim()
    assert again
    job_finish(job=again, failure="out of luck")
    assert asked() == [("P-1", "failed"), ("P-1", "queued")]  # alone it is tried again


def test_requests_disturb_neither_the_night_nor_its_banner_page_and_figures() -> None:
    patient = in_care("P-1", recording(days=2, last_day=last_day()))
    scoring_request(patient=patient)
    metrics = {m.name: m.samples for m in ClarityCollector().collect()}
    assert metrics["clarity_scoring_jobs"] == []
    factories.run(timezone.localdate() - timedelta(days=1))
    factories.run(timezone.localdate())
    job = job_claim()
    assert job and job.run is None
    job_finish(job=job, failure="out of luck")
    ScoringJob.objects.filter(run=None).update(state="failed")
    assert run_notice(timezone.now()) is None
    assert set(ScoringRun.objects.values_list("state", flat=True)) == {"done"}
    boss: Any = factories.user("administrator")
    client = Client()
    client.force_login(boss)
    assert "out of luck" not in client.get("/runs/").content.decode()
    assert Patient.objects.count() == 1
