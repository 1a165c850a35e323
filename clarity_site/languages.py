"""The reader's language and zone: what a person chose, else the browser's and the clinic's.

What is stored, exported and answered to programs stays English; a page or mail is said in the
language of who reads it, and what leaves for the EHR in the clinic's (``CLINIC_LANGUAGE``).
"""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from patients.domain.days import zone_named, zone_names

STORED = "en"  # what texts are stored, exported and answered to programs in
FOR_PROGRAMS = ("/api/", "/cds-services", "/metrics", "/health/")
_zone: ContextVar[str] = ContextVar("reader_zone", default="")


class ReaderMiddleware:
    """After LocaleMiddleware and the log-in: what the person chose goes before the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate the language and the zone while the request is answered."""
        user: Any = request.user
        chosen = getattr(user, "language", "")
        if request.path.startswith(FOR_PROGRAMS):
            chosen = STORED
        if chosen:
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()
        token = _zone.set(zone_of(user) if getattr(user, "time_zone", "") else "")
        try:
            return self.get_response(request)
        finally:
            _zone.reset(token)


def language_of(user: Any) -> str:
    """In which language somebody is written to."""
    return str(user.language or settings.CLINIC_LANGUAGE)


def zone_of(user: Any) -> str:
    """The person's zone; the clinic's where they gave none, or one that is none any more."""
    return user.time_zone if user.time_zone in zone_names() else settings.TIME_ZONE


def on_readers_clock(moment: datetime) -> datetime:
    """The moment on the clock of whoever reads the page."""
    return moment.astimezone(zone_named(_zone.get() or settings.TIME_ZONE))
