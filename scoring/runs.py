"""Writes about nightly runs: a run has a job for each patient, and workers claim jobs.

A job without a run was asked for by day, because a patient's recordings changed.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import Patient, ResolvedDay, SleepEpisode, User
from patients.services import audit_record
from scoring.models import ScoringJob, ScoringRun
from scoring.selectors import model_failures, night_due, run_notice

JOB_LEASE = timedelta(minutes=10)
JOB_ATTEMPTS = 3
JOBS_AT_ONCE = 10  # their recordings are read together; within the lease also on a first night
ASKED_APART = timedelta(minutes=30)  # some devices send every few minutes

HAS_DATA = Exists(ResolvedDay.objects.filter(patient=OuterRef("pk"))) | Exists(
    SleepEpisode.objects.filter(patient=OuterRef("pk"), asleep_minutes__gt=0)
)


@transaction.atomic
def run_start(*, night: date) -> ScoringRun:
    """Queue a run: one job for every patient with recordings. A second call for the night
    whose run is queued or running returns that run.
    """
    State = ScoringRun.State
    open_run = ScoringRun.objects.select_for_update().filter(
        night=night, state__in=[State.QUEUED, State.RUNNING]
    )
    if run := open_run.first():
        return run
    run = ScoringRun.objects.create(night=night, queued_at=timezone.now())
    patients = Patient.objects.filter(HAS_DATA)
    ScoringJob.objects.bulk_create(ScoringJob(run=run, patient=patient) for patient in patients)
    if not run.jobs.exists():
        run_finish_if_done(run=run)
    return run


def scoring_request(*, patient: Patient) -> None:
    """Score the patient soon, outside the night: at most once in ASKED_APART.

    Nothing happens while such a job is queued: called within the transaction that changes the
    recordings, and so holds the patient's lock, what changed will be seen by that job.
    """
    State, now = ScoringRun.State, timezone.now()
    earlier = ScoringJob.objects.filter(run=None, patient=patient)
    if earlier.filter(state=State.QUEUED).exists():
        return
    last = earlier.aggregate(Max("finished_at"))["finished_at__max"]
    job = ScoringJob(patient=patient, due_at=max(now, last + ASKED_APART) if last else now)
    ScoringJob.objects.bulk_create([job], ignore_conflicts=True)
    earlier.filter(state__in=[State.DONE, State.FAILED], finished_at__lt=now - ASKED_APART).delete()


@transaction.atomic
def scoring_ask(*, patient: Patient, by: User | str) -> None:
    """Score the patient at once: somebody waits for it. Asking twice makes one job.

    A job that waits for its time is due now. One that is running may have read its data
    already, so another follows it. Raises InputError where nothing was ever recorded.
    """
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if not Patient.objects.filter(HAS_DATA, pk=patient.pk).exists():
        raise InputError(f"Nothing was recorded of {patient.code} yet: there is nothing to score.")
    ScoringJob.objects.update_or_create(
        patient=patient,
        run=None,
        state=ScoringRun.State.QUEUED,
        defaults={"due_at": timezone.now()},
    )
    audit_record(by=by, action="score asked for", patient=patient)


@transaction.atomic
def run_start_missed(*, now: datetime) -> ScoringRun | None:
    """Queue the run of a night that should be over by now and never began; None if it did.

    An installation that has not run a night yet has missed none.
    """
    due = night_due(now)
    last = ScoringRun.objects.aggregate(Max("night"))["night__max"]
    return run_start(night=due) if last and last < due else None


def jobs_waiting() -> bool:
    """Whether a worker would find something to do."""
    return _claimable(timezone.now()).exists()


def _claimable(now: datetime) -> QuerySet[ScoringJob]:
    State = ScoringRun.State
    lost = Q(state=State.RUNNING, claimed_at__lt=now - JOB_LEASE)
    due = Q(due_at=None) | Q(due_at__lte=now)
    jobs = ScoringJob.objects.filter(Q(state=State.QUEUED) | lost, attempts__lt=JOB_ATTEMPTS)
    return jobs.filter(due)


@transaction.atomic
def jobs_claim(*, most: int = JOBS_AT_ONCE) -> list[ScoringJob]:
    """Take the next queued jobs, or one whose worker has not come back; one winner each.

    What was asked for by day comes before the night's: somebody may wait for it.
    A job that was tried before comes alone: if it kills its worker, it takes no other along.
    """
    now, State = timezone.now(), ScoringRun.State
    # Of the job alone: a lock on the run they share would hide its other jobs from others.
    claimable = _claimable(now).select_for_update(skip_locked=True, of=("self",))
    first = claimable.order_by(F("run").asc(nulls_first=True), "id")
    jobs = list(first.select_related("patient", "run")[:most])
    jobs = [job for job in jobs if not job.attempts] or jobs[:1]
    for job in jobs:
        job.state, job.claimed_at, job.attempts = State.RUNNING, now, job.attempts + 1
    ScoringJob.objects.bulk_update(jobs, ["state", "claimed_at", "attempts"])
    ScoringRun.objects.filter(jobs__in=jobs, state=State.QUEUED).update(
        state=State.RUNNING, started_at=now
    )
    return jobs


def job_claim() -> ScoringJob | None:
    """``jobs_claim`` of one."""
    return next(iter(jobs_claim(most=1)), None)


@transaction.atomic
def job_finish(*, job: ScoringJob, failure: str = "") -> None:
    """Say how the job ended; a failure is tried again until its attempts are spent."""
    State = ScoringRun.State
    ended = State.DONE
    if failure:
        spent = job.attempts >= JOB_ATTEMPTS or _is_asked_again(job)
        ended = State.FAILED if spent else State.QUEUED
    ScoringJob.objects.filter(pk=job.pk).update(
        state=ended, finished_at=timezone.now(), reason=failure[:300]
    )
    if job.run:
        run_finish_if_done(run=job.run)


def _is_asked_again(job: ScoringJob) -> bool:
    queued = ScoringJob.objects.filter(run=None, state=ScoringRun.State.QUEUED)
    return job.run is None and queued.filter(patient_id=job.patient_id).exists()


@transaction.atomic
def run_finish_if_done(*, run: ScoringRun) -> None:
    """Close the run when none of its jobs is left; done if every patient was scored."""
    State = ScoringRun.State
    locked = ScoringRun.objects.select_for_update().get(pk=run.pk)
    if locked.state in (State.DONE, State.FAILED):
        return
    waiting = Q(state__in=[State.QUEUED, State.RUNNING])
    if locked.jobs.filter(waiting).exists():
        return
    failed = locked.jobs.filter(state=State.FAILED).exists()
    locked.state = State.FAILED if failed else State.DONE
    locked.finished_at = timezone.now()
    locked.save(update_fields=["state", "finished_at"])


@transaction.atomic
def jobs_abandon() -> int:
    """Fail the jobs whose last attempt was lost with its worker. Returns how many."""
    State = ScoringRun.State
    lost = ScoringJob.objects.filter(
        state=State.RUNNING,
        attempts__gte=JOB_ATTEMPTS,
        claimed_at__lt=timezone.now() - JOB_LEASE,
    ).select_related("run")
    for job in lost:
        job_finish(job=job, failure="The worker stopped while scoring this patient.")
    return len(lost)


def late_run_report(*, now: datetime) -> str | None:
    """What ops must be told about a night that has not finished, once a night; else None."""
    notice = run_notice(now)
    run = ScoringRun.objects.order_by("-queued_at").first()
    if notice is None or run is None or run.ops_told_at is not None:
        return None
    told = ScoringRun.objects.filter(pk=run.pk, ops_told_at=None).update(ops_told_at=now)
    counts = {state.value: run.jobs.filter(state=state).count() for state in ScoringRun.State}
    return f"{notice} Run {run.pk}: {run.state}, jobs {counts}." if told else None


def model_failure_report(*, now: datetime) -> str | None:
    """What ops must be told of models that failed since the latest run began, once a night."""
    run = ScoringRun.objects.order_by("-queued_at").first()
    failures = model_failures()
    if run is None or run.failures_told_at is not None or not any(failures.values()):
        return None
    told = ScoringRun.objects.filter(pk=run.pk, failures_told_at=None).update(failures_told_at=now)
    counts = ", ".join(f"{track} {n}" for track, n in failures.items())
    return (
        f"Days scored without a model in run {run.pk} so far: {counts}. A track is then "
        "unavailable with the reason, without the combination the weighted mean stands as it is; "
        "the log says which file or step failed. `manage.py models` "
        "lists the models, `manage.py rollback_model TRACK` goes back to the one before."
        if told
        else None
    )
