"""Is it alive, is it ready: for load balancers and ops. No log-in, nothing about anybody."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone


@login_not_required
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "live", "version": settings.VERSION})


@login_not_required
def ready(_request: HttpRequest) -> JsonResponse:
    """Database reachable and migrated, model files in place; and whether the night is late."""
    from scoring.engines.artifacts import ArtifactError
    from scoring.engines.models import PARTS
    from scoring.selectors import models_in_use, run_notice

    checks = {"database": "ok", "models": "ok", "nightly_run": "ok"}
    try:
        connection.ensure_connection()
        if run_notice(timezone.now()):
            checks["nightly_run"] = "late"
    except DatabaseError:
        checks["database"] = "unreachable or not migrated"
    try:
        for track in PARTS:
            models_in_use().facts(track)
    except ArtifactError:
        checks["models"] = "manifest missing or broken"
    # A late night is shown and reported, but the pages still serve.
    is_ready = checks["database"] == checks["models"] == "ok"
    status = "ready" if is_ready else "not ready"
    return JsonResponse({"status": status, **checks}, status=200 if is_ready else 503)
