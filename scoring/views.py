"""Nightly runs and drift."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from patients.permissions import Permission
from patients.views import page
from scoring import drift as drifts
from scoring import selectors
from scoring.models import ScoringJob, ScoringRun
from scoring.presenters.drift import drift_rows

RUNS_SHOWN = 14
DRIFT_WEEKS = 4


@page("GET", Permission.SEE_RUNS)
def runs(request: HttpRequest) -> HttpResponse:
    """The last nights: how far each run is, and why a patient was not scored."""
    failed = ScoringJob.objects.filter(state=ScoringJob.State.FAILED).select_related("patient")
    counts: dict[str, Any] = {
        state: Count("jobs", filter=Q(jobs__state=state)) for state in ScoringRun.State.values
    }
    rows = ScoringRun.objects.annotate(total=Count("jobs"), **counts).prefetch_related(
        Prefetch("jobs", failed, to_attr="failures")
    )
    context = {
        "runs": rows.order_by("-queued_at")[:RUNS_SHOWN],
        "as_of": selectors.scores_as_of(),
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "scoring/runs.html", context)


@page("GET", Permission.SEE_RUNS)
def drift(request: HttpRequest) -> HttpResponse:
    """The last weeks' inputs and outputs against what the models were made from."""
    notice = drifts.reference_notice()
    yesterday = timezone.localdate() - timedelta(days=1)
    weeks = drifts.drift_weeks(yesterday, DRIFT_WEEKS) if not notice else []
    context = {
        "notice": notice,
        "limits": drifts.drift_limits(),
        "weeks": weeks,
        "rows": drift_rows(weeks),
    }
    return render(request, "scoring/drift.html", context)
