"""The visit summary of a patient: for the screen and the printer, and as a PDF."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language

from alerts.presenters.summary import visit_summary
from alerts.presenters.summary_pdf import summary_pdf as as_pdf
from patients import services
from patients.models import Patient
from patients.views import actor, page, patient_for


@page("GET", find=patient_for)
def summary_page(request: HttpRequest, patient: Patient) -> HttpResponse:
    """One page to print."""
    user = actor(request)
    services.record_opened(patient=patient, by=user, page="summary")
    summary = visit_summary(patient, user, timezone.now())
    return render(request, "patients/summary.html", {"patient": patient, "summary": summary})


@page("GET", find=patient_for)
def summary_pdf(request: HttpRequest, patient: Patient) -> HttpResponse:
    """The same page as a file."""
    user = actor(request)
    services.record_opened(patient=patient, by=user, page="summary pdf")
    content = as_pdf(visit_summary(patient, user, timezone.now()), get_language() or "en")
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{patient.code}-summary.pdf"'
    return answer
