"""Celery tasks about the models."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from clarity_site.logs import log
from clarity_site.ops import ops_told
from scoring.drift import drift_report


@shared_task(autoretry_for=(OSError,), retry_backoff=60, max_retries=8)
def watch_drift() -> None:
    """Tell ops of what is past the limits, once a week; a mail that failed goes again."""
    with transaction.atomic():
        if report := drift_report(now=timezone.now()):
            log.error("models have drifted", extra={"report": report})
            ops_told("Clarity: what the models read or say has drifted", report)
