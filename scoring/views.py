"""Baselines, nightly runs and drift."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.permissions import Permission
from patients.selectors import patients_visible_to
from patients.views import actor, back, page, patient_for
from scoring import drift as drifts
from scoring import selectors, services
from scoring.models import Baseline, ScoringJob, ScoringRun
from scoring.presenters.drift import drift_rows
from scoring.presenters.tracks import main_features

RUNS_SHOWN = 14
DRIFT_WEEKS = 4


def baseline_for(user: User, baseline_id: int) -> Baseline:
    """The baseline, if it is of one of the user's patients; else 404."""
    rows = Baseline.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=baseline_id)


@page("GET", Permission.MANAGE_BASELINES)
def baselines(request: HttpRequest) -> HttpResponse:
    """What is usual for each person: the baseline in force and the one proposed."""
    live = Baseline.objects.exclude(state=Baseline.State.REPLACED).order_by("-version")
    patients = patients_visible_to(actor(request)).prefetch_related(
        Prefetch("baselines", live, to_attr="live")
    )
    rows = [(patient, [(b, main_features(b)) for b in patient.live]) for patient in patients]
    rows.sort(key=lambda row: not any(b.state == Baseline.State.PROPOSED for b, _ in row[1]))
    waiting = sum(b.state == Baseline.State.PROPOSED for _, live in rows for b, _ in live)
    return render(request, "scoring/baselines.html", {"rows": rows, "waiting": waiting})


@page("POST", Permission.MANAGE_BASELINES, find=patient_for)
def baseline_propose(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Work out a baseline from the newest days."""
    try:
        services.baseline_propose(patient=patient, by=actor(request))
        messages.success(request, f"A baseline of {patient} is proposed: review and approve it.")
    except InputError as refusal:
        messages.error(request, str(refusal))
    return back(request, "baselines")


@page("POST", Permission.MANAGE_BASELINES, find=baseline_for)
def baseline_approve(request: HttpRequest, baseline: Baseline) -> HttpResponse:
    """Put a proposed baseline in force."""
    try:
        services.baseline_approve(baseline=baseline, by=actor(request))
        messages.success(request, f"Baseline {baseline.version} of {baseline.patient} approved.")
    except InputError as refusal:
        messages.error(request, str(refusal))
    return back(request, "baselines")


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
