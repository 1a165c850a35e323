"""Celery tasks of uploads. What to do next is always a row in a table."""

import time

from celery import shared_task
from kombu.exceptions import OperationalError as BrokerLost

from alerts.tasks import score_queued_patients
from clarity_site.logs import log
from patients import upload_queue
from patients.models import Patient
from scoring import runs

LINGER_S = 1.0
WAKE_EVERY_S = 0.5  # shorter than LINGER_S, so that whoever is not woken is still awake

_last_wake = 0.0


def wake_uploads() -> None:
    """Say that something was received; seldom more than twice a second in one process.

    A broker that cannot be reached is no trouble: the watch looks too.
    """
    global _last_wake
    if time.monotonic() - _last_wake < WAKE_EVERY_S:
        return
    _last_wake = time.monotonic()
    try:
        store_uploads.apply_async(retry=False)
    except (BrokerLost, OSError) as failure:
        log.warning("nobody was woken", extra={"error": type(failure).__name__})


@shared_task
def store_uploads() -> None:
    """Store uploads until none has come for a while, then have their patients scored."""
    upload_queue.uploads_drain(on_change=_ask_for_scores, linger_s=LINGER_S)
    if runs.jobs_waiting():
        score_queued_patients.delay()


def _ask_for_scores(patient: Patient) -> None:
    runs.scoring_request(patient=patient)


@shared_task
def watch_uploads() -> None:
    """Wake sleeping work, close lost uploads and delete files that nobody owns."""
    upload_queue.uploads_abandon()
    upload_queue.folders_sweep()
    if upload_queue.uploads_waiting():
        store_uploads.delay()
