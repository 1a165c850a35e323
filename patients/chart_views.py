"""The charts of a patient's page: their data, or their drawing with its table.

The page that asks for them has written down that the record was opened; whoever asks for one
without it is written down here.
"""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from alerts.presenters.timeline import DEFAULT_DAYS, MOST_DAYS, SPANS, timeline_data
from alerts.presenters.timeline_table import day_rows
from patients import services
from patients.looked import has_page_open
from patients.models import Patient
from patients.presenters import zone_now
from patients.selectors import zones_of
from patients.views import actor, page, patient_for
from scoring.presenters.actogram import ACTOGRAM_DAYS, actogram
from scoring.presenters.raster import RASTER_DAYS, RASTER_SPANS, raster


def _opened(request: HttpRequest, patient: Patient) -> date:
    """Today on the patient's clock; that the record is read is written down, once a page view."""
    user, now = actor(request), timezone.now()
    if not has_page_open(patient, user, now):
        services.record_opened(patient=patient, by=user, page="charts")
    return zones_of(patient).local_day(now)


def _days(request: HttpRequest, default: int, least: int, most: int) -> int:
    asked = request.GET.get("days", "")
    return min(max(int(asked), least), most) if asked.isdecimal() else default


@page("GET", find=patient_for)
def timeline_json(request: HttpRequest, patient: Patient) -> HttpResponse:
    """What static/js/timeline.js draws, of the last so many days."""
    today = _opened(request, patient)
    days = _days(request, DEFAULT_DAYS, SPANS[0], MOST_DAYS)
    return JsonResponse(timeline_data(patient, actor(request), today, days))


@page("GET", find=patient_for)
def timeline_table(request: HttpRequest, patient: Patient) -> HttpResponse:
    """The same numbers as a table."""
    today = _opened(request, patient)
    days = _days(request, DEFAULT_DAYS, SPANS[0], MOST_DAYS)
    told = timeline_data(patient, actor(request), today, days)
    context = {"days": day_rows(told), "bars": told["bars"], "trend_days": days}
    return _part(request, patient, "timeline_table", context)


@page("GET", find=patient_for)
def actogram_part(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Four weeks of activity, light and sleep, double-plotted."""
    today = _opened(request, patient)
    days = _days(request, ACTOGRAM_DAYS, 7, ACTOGRAM_DAYS)
    return _part(request, patient, "actogram", {"chart": actogram(patient, today, days)})


@page("GET", find=patient_for)
def raster_part(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Nights side by side."""
    today = _opened(request, patient)
    days = _days(request, RASTER_DAYS, RASTER_SPANS[0], RASTER_SPANS[-1])
    return _part(request, patient, "raster", {"chart": raster(patient, today, days)})


def _part(
    request: HttpRequest, patient: Patient, name: str, context: dict[str, Any]
) -> HttpResponse:
    """A part of the page for htmx; without it the part as a page of its own."""
    part = f"patients/record/{name}.html"
    context |= {"patient": patient, "zone": zone_now(patient), "part": part}
    asked_by_htmx = request.headers.get("HX-Request") == "true"
    return render(request, part if asked_by_htmx else "patients/record/alone.html", context)
