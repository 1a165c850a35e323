"""Celery: scoring, delivery and uploads. The broker only wakes workers; the work is in rows."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging, task_failure
from django.conf import settings

from clarity_site.logs import log

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarity_site.settings")

app = Celery("clarity")


def filesystem_transport(folder: Path) -> dict[str, Any]:
    """Options of the broker that needs no server: files in folders of this installation."""
    queue, control = folder / "queue", folder / "control"
    for each in (queue, control):
        each.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(control),
        "polling_interval": 0.02,
    }


def configure() -> None:
    """Take the settings; called once at import."""
    transport, options = None, {}
    if settings.CELERY_BROKER_URL.startswith("filesystem"):
        transport = "clarity_site.file_broker:Transport"
        options = filesystem_transport(settings.BROKER_DIR)
    app.conf.update(
        broker_url=settings.CELERY_BROKER_URL,
        broker_transport=transport,
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        timezone=settings.TIME_ZONE,
        task_ignore_result=True,
        task_acks_late=True,
        task_default_queue="default",
        task_routes={
            "alerts.tasks.score_queued_patients": {"queue": "models"},
            "alerts.tasks.deliver_messages": {"queue": "ehr"},
            "patients.tasks.store_uploads": {"queue": "uploads"},
        },
        task_time_limit=3600,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        beat_schedule_filename=str(settings.STATE_DIR / "beat"),
        beat_schedule={
            "nightly": {
                "task": "alerts.tasks.begin_night",
                "schedule": crontab(hour=settings.NIGHTLY_HOUR, minute=0),
            },
            "deliver": {"task": "alerts.tasks.deliver_messages", "schedule": 30.0},
            "watch": {"task": "alerts.tasks.watch_runs", "schedule": 120.0},
            "alerts": {"task": "alerts.tasks.watch_alerts", "schedule": 120.0},
            "uploads": {"task": "patients.tasks.watch_uploads", "schedule": 30.0},
            "drift": {
                "task": "scoring.tasks.watch_drift",
                "schedule": crontab(
                    day_of_week="mon", hour=settings.NIGHTLY_DONE_BY_HOUR, minute=30
                ),
            },
            "context": {"task": "alerts.tasks.watch_context", "schedule": crontab(minute=25)},
            "absences": {"task": "alerts.tasks.watch_absences", "schedule": crontab(minute=10)},
        },
    )


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    # Connected, it stops Celery from installing handlers of its own.
    from logging.config import dictConfig

    dictConfig(settings.LOGGING)


@task_failure.connect
def _log_failure(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    # Celery's own line quotes the exception's text, which may hold a patient's data.
    log.error("task failed", extra={"task": getattr(sender, "name", "")}, exc_info=exception)


configure()
app.autodiscover_tasks()
