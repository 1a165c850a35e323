"""Celery tasks: fetch, call a service, done. What to do next is always a row in a table."""

from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerLost

from alerts.absence import absence_watch
from alerts.context import context_read, reading_is_on
from alerts.context_pages import TIME_OVER
from alerts.delivering import outbox_deliver
from alerts.mail import notices_mail
from alerts.nightly import patient_night
from alerts.outcomes import safety_watch
from alerts.raising import alerts_overdue, alerts_watch
from clarity_site.logs import log
from clarity_site.ops import ops_told
from patients.domain.errors import InputError
from patients.models import User
from patients.services import SYSTEM
from scoring import runs
from scoring.features import features_update_all
from scoring.models import ScoringJob


@shared_task
def begin_night() -> None:
    """Queue tonight's run and wake the models' workers."""
    run = runs.run_start(night=timezone.localdate())
    log.info("run queued", extra={"run": run.pk, "jobs": run.jobs.count()})
    score_queued_patients.delay()


@shared_task
def score_queued_patients() -> None:
    """Score patients until no job is left; as many of these may run as there are workers."""
    while jobs := runs.jobs_claim():
        _features_together(jobs)
        for job in jobs:
            _score(job)
            deliver_messages.delay()


def wake_scoring() -> None:
    """Say that somebody waits for a score. A broker that is lost is no trouble: the watch looks."""
    try:
        score_queued_patients.apply_async(retry=False)
    except (BrokerLost, OSError) as failure:
        log.warning("nobody was woken", extra={"error": type(failure).__name__})


def _features_together(jobs: Sequence[ScoringJob]) -> None:
    """Half the work of one after the other; whose features fail here fails in its own job."""
    try:
        features_update_all(patients=[job.patient for job in jobs])
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("features together failed", extra={"jobs": [job.pk for job in jobs]})


def _score(job: ScoringJob) -> None:
    failure = ""
    try:
        patient_night(patient=job.patient, now=timezone.now())
    except (OperationalError, InterfaceError):
        raise  # the lease gives the job back; without a database nothing can be noted
    except Exception as error:  # one patient's trouble must not stop the others' night
        log.exception("job failed", extra={"job": job.pk, "patient": job.patient.code})
        failure = f"{type(error).__name__}: {error}" if is_ours(error) else type(error).__name__
    runs.job_finish(job=job, failure=failure)


def is_ours(error: Exception) -> bool:
    """Whether the message was written by Clarity, so that it holds no patient's data."""
    return type(error).__module__.split(".")[0] in ("patients", "scoring", "alerts")


@shared_task
def deliver_messages() -> None:
    """Send what is due."""
    outbox_deliver()


@shared_task
def read_context(by: str = SYSTEM) -> None:
    """Read what is new in the EHR, for ten minutes at most: others wait for this worker too."""
    try:
        run = context_read(by=by, until=timezone.now() + timedelta(minutes=10))
    except InputError as refusal:  # another reading goes on, or it was turned off meanwhile
        log.info("context not read", extra={"reason": str(refusal)})
        return
    if run.why == TIME_OVER:
        read_context.delay(by)


def wake_context(by: User) -> None:
    """Have the EHR read now. A broker that is lost is no trouble: the next watch reads."""
    try:
        read_context.apply_async([by.username], retry=False)
    except (BrokerLost, OSError) as failure:
        log.warning("nobody was woken", extra={"error": type(failure).__name__})


@shared_task
def watch_context() -> None:
    """Read what is new in the EHR, where somebody has turned that on."""
    if reading_is_on():
        read_context()


@shared_task
def watch_absences() -> None:
    """Notice whose data have stopped or come again."""
    now = timezone.now()
    opened = absence_watch(now=now)
    log.info("absences watched", extra={"opened": len(opened)})


@shared_task
def watch_alerts() -> None:
    """Safety first; then escalate, let lapse, wake and remind; then mail what is due."""
    now = timezone.now()
    safety_watch(now=now)
    alerts_watch(now=now)
    notices_mail(now=now)
    if overdue := alerts_overdue(now):
        log.error("alerts are overdue", extra={"alerts": overdue})


@shared_task
def watch_runs() -> None:
    """Wake sleeping work, close lost jobs, begin a missed night, and tell ops of a late one, or
    of one in which a model fails.
    """
    runs.jobs_abandon()
    runs.run_start_missed(now=timezone.now())
    if runs.jobs_waiting():
        score_queued_patients.delay()
    with transaction.atomic():  # a mail that could not go out is tried again at the next watch
        if report := runs.late_run_report(now=timezone.now()):
            log.error("night is late", extra={"report": report})
            ops_told("Clarity: the nightly run has not finished", report)
    with transaction.atomic():
        if report := runs.model_failure_report(now=timezone.now()):
            log.error("models fail", extra={"report": report})
            ops_told("Clarity: a model fails", report)
