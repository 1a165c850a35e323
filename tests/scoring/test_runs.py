from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from scoring.models import ScoringJob, ScoringRun
from scoring.runs import (
    JOB_ATTEMPTS,
    JOB_LEASE,
    job_claim,
    job_finish,
    jobs_abandon,
    jobs_claim,
    jobs_waiting,
    late_run_report,
    run_start,
    run_start_missed,
)
from scoring.selectors import run_notice
from tests import factories
from tests.people import in_care, recording

NIGHT = date(2026, 3, 2)
CLINIC = ZoneInfo("America/Toronto")


def at(hour: int, day: int = 2) -> datetime:
    """That hour of a day of March in the clinic."""
    return datetime(2026, 3, day, hour, tzinfo=CLINIC)


def three_patients() -> None:
    for number in range(3):
        in_care(f"P-{number}", recording(days=2))
    factories.patient("P-without-data")


def claimed_long_ago() -> None:
    ScoringJob.objects.filter(state="running").update(
        claimed_at=timezone.now() - JOB_LEASE - timedelta(seconds=1)
    )


@pytest.mark.django_db
def test_a_run_is_queued_runs_and_is_done() -> None:
    three_patients()
    run = run_start(night=NIGHT)
    assert (run.state, run.jobs.count()) == ("queued", 3)
    assert run_start(night=NIGHT) == run
    while job := job_claim():
        run.refresh_from_db()
        assert (run.state, job.state) == ("running", "running") and run.started_at
        job_finish(job=job)
    run.refresh_from_db()
    assert run.state == "done" and run.finished_at
    assert set(run.jobs.values_list("state", "attempts", "reason")) == {("done", 1, "")}


@pytest.mark.django_db
def test_a_run_without_patients_is_done_at_once() -> None:
    run_start(night=NIGHT)
    assert ScoringRun.objects.get().state == "done"


@pytest.mark.django_db
def test_a_failing_job_is_tried_three_times_and_the_run_says_why() -> None:
    three_patients()
    run = run_start(night=NIGHT)
    while job := job_claim():
        job_finish(job=job, failure="out of luck" if job.patient.code == "P-1" else "")
    run.refresh_from_db()
    ended = run.jobs.order_by("patient__code").values_list("state", "attempts", "reason")
    assert list(ended) == [
        ("done", 1, ""),
        ("failed", JOB_ATTEMPTS, "out of luck"),
        ("done", 1, ""),
    ]
    assert run.state == "failed"


@pytest.mark.django_db
def test_a_lost_workers_job_is_claimed_again_after_the_lease_and_not_before() -> None:
    in_care("P-1", recording(days=2))
    run_start(night=NIGHT)
    job = job_claim()
    assert job and job_claim() is None and not jobs_waiting()
    claimed_long_ago()
    assert jobs_waiting()
    assert job_claim() == job
    assert ScoringJob.objects.get().attempts == 2


@pytest.mark.django_db
def test_a_job_lost_three_times_fails_with_its_reason_and_ends_the_run() -> None:
    in_care("P-1", recording(days=2))
    run_start(night=NIGHT)
    for _ in range(JOB_ATTEMPTS):
        assert jobs_abandon() == 0
        assert job_claim()
        claimed_long_ago()
    assert job_claim() is None
    assert jobs_abandon() == 1
    assert "worker stopped" in ScoringJob.objects.get().reason
    assert ScoringRun.objects.get().state == "failed"


@pytest.mark.django_db
def test_jobs_are_claimed_together_but_one_that_was_tried_before_alone() -> None:
    for number in range(3):
        in_care(f"P-{number}", recording(days=2))
    run_start(night=NIGHT)
    tried = job_claim()
    assert tried
    job_finish(job=tried, failure="out of luck")
    claimed = [[job.patient.code for job in jobs_claim()] for _ in range(3)]
    assert claimed == [["P-1", "P-2"], ["P-0"], []]
    assert set(ScoringJob.objects.values_list("state", flat=True)) == {"running"}


def together(count: int, act: Callable[[], Any]) -> list[Any]:
    """The act in so many threads at the same moment, each with its own connection."""
    barrier = Barrier(count)

    def one(_: int) -> Any:
        try:
            barrier.wait(timeout=10)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(one, range(count)))
    close_old_connections()
    return results


@pytest.mark.django_db(transaction=True)
def test_concurrent_claimers_never_get_the_same_job_and_each_gets_one() -> None:
    for number in range(6):
        in_care(f"P-{number}", recording(days=2))
    run_start(night=NIGHT)
    held = Barrier(6)

    def claim_and_hold() -> int | None:
        # Nobody commits before all have claimed: a lock on what the jobs share would show.
        with transaction.atomic():
            job = job_claim()
            held.wait(timeout=10)
        return job.pk if job else None

    ScoringRun.objects.update(state="running")
    claimed = together(6, claim_and_hold)
    assert sorted(claimed) == sorted(ScoringJob.objects.values_list("pk", flat=True))
    assert set(ScoringJob.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_four_workers_share_the_jobs_and_end_the_run_once() -> None:
    for number in range(8):
        in_care(f"P-{number}", recording(days=2))
    run_start(night=NIGHT)

    def work() -> int:
        done = 0
        while job := job_claim():
            job_finish(job=job)
            done += 1
        return done

    assert sum(together(4, work)) == 8
    assert ScoringRun.objects.get().state == "done"
    assert set(ScoringJob.objects.values_list("state", "attempts")) == {("done", 1)}


@pytest.mark.django_db
def test_pages_say_what_the_scores_are_of_until_the_night_is_done() -> None:
    assert "No nightly run has finished" in (run_notice(at(7)) or "")
    factories.run(date(2026, 3, 1))
    assert run_notice(at(5)) is None  # this night's run has until 06:00
    late = run_notice(at(6))
    assert late and late.startswith("Scores are of 28 February 2026: the run of 2 March 2026")
    factories.run(NIGHT, state="failed")
    assert run_notice(at(6)) == late
    factories.run(NIGHT)
    assert run_notice(at(23)) is None


@pytest.mark.django_db
def test_ops_are_told_of_a_late_night_once() -> None:
    patient = in_care("P-1", recording(days=2))
    factories.run(date(2026, 3, 1))
    run = run_start(night=NIGHT)
    assert late_run_report(now=at(5)) is None
    report = late_run_report(now=at(6))
    assert report and f"Run {run.pk}: queued" in report and "'queued': 1" in report
    assert patient.code not in report
    assert late_run_report(now=at(6)) is None
    assert late_run_report(now=at(20)) is None


@pytest.mark.django_db
def test_a_night_that_never_began_is_begun_and_told_by_the_watch() -> None:
    assert run_start_missed(now=at(7)) is None  # nothing has ever run: nothing was missed
    in_care("P-1", recording(days=2))
    factories.run(date(2026, 2, 28))
    assert late_run_report(now=at(7, day=1))
    assert run_start_missed(now=at(5, day=1)) is None
    begun = run_start_missed(now=at(7))
    assert begun and (begun.night, begun.state, begun.jobs.count()) == (NIGHT, "queued", 1)
    assert run_start_missed(now=at(8)) is None
    assert f"Run {begun.pk}" in (late_run_report(now=at(8)) or "")
