"""The medication lists, kept by administrators."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clarity_site.said import said_again
from patients import medication_services as services
from patients.domain.errors import InputError
from patients.forms import CorrectionForm, CourseForm, DoseForm, ReasonForm, StopForm
from patients.models import MedicationCourse, Patient, User
from patients.permissions import Permission
from patients.resources import drug_table, medication_rules
from patients.selectors import patients_visible_to
from patients.services import record_opened
from patients.views import actor, back, page, patient_for


def course_for(user: User, course_id: int) -> MedicationCourse:
    """The course, if it is of a patient whose record the user may open; else 404."""
    courses = MedicationCourse.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(courses.select_related("patient"), pk=course_id)


@page("GET", Permission.MANAGE_MEDICATIONS)
def medications(request: HttpRequest) -> HttpResponse:
    """Every patient with what is taken at present."""
    today = timezone.localdate()
    active = MedicationCourse.objects.filter(entered_in_error=False, first_day__lte=today)
    patients = patients_visible_to(actor(request)).prefetch_related(
        Prefetch("medications", active.exclude(last_day__lt=today), to_attr="active")
    )
    context = {"patients": patients, "rules_unverified": not medication_rules().checked_by}
    return render(request, "patients/medications.html", context)


@page("GET", Permission.MANAGE_MEDICATIONS, find=patient_for)
def medication_list(request: HttpRequest, patient: Patient) -> HttpResponse:
    """One patient's medication list."""
    record_opened(patient=patient, by=actor(request), page="medications")
    return _list(request, patient, CourseForm(label_suffix=""))


@page("POST", Permission.MANAGE_MEDICATIONS, find=patient_for)
def medication_start(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Add a course."""
    form = CourseForm(request.POST, label_suffix="")
    course = _done(form, services.medication_start, patient=patient, by=actor(request))
    if form.errors:
        return _list(request, patient, form, status=422)
    words = _("%(course)s added. It counts as %(drug_class)s.") % {
        "course": course,
        "drug_class": course.get_drug_class_display(),
    }
    messages.success(request, words)
    return back(request, "medication-list", patient.code)


@page("POST", Permission.MANAGE_MEDICATIONS, find=course_for)
def medication_stop(request: HttpRequest, course: MedicationCourse) -> HttpResponse:
    """End a course."""
    form = StopForm(request.POST, course=course)
    _done(form, services.medication_stop, course=course, by=actor(request))
    for problems in form.errors.values():
        messages.error(request, str(problems[0]))
    if not form.errors:
        messages.success(request, _("%(course)s stopped.") % {"course": course})
    return back(request, "medication-list", course.patient.code)


@page("POST", Permission.MANAGE_MEDICATIONS, find=patient_for)
def medication_list_set(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Say whether the patient's medication list is known."""
    available = request.POST.get("available") == "true"
    services.medication_list_set(patient=patient, available=available, by=actor(request))
    words = (
        _("The medication list of %(patient)s is marked complete.")
        if available
        else _("The medication list of %(patient)s is marked unavailable.")
    )
    messages.success(request, words % {"patient": patient})
    return back(request, "medication-list", patient.code)


@page("GET", Permission.MANAGE_MEDICATIONS, find=course_for)
def course_page(request: HttpRequest, course: MedicationCourse) -> HttpResponse:
    """One course, with what may be changed about it."""
    record_opened(patient=course.patient, by=actor(request), page="medications")
    return _course(request, course)


@page("POST", Permission.MANAGE_MEDICATIONS, find=course_for)
def course_dose(request: HttpRequest, course: MedicationCourse) -> HttpResponse:
    """Another dose from a day on."""
    form = DoseForm(request.POST, auto_id="dose-%s", label_suffix="")
    _done(form, services.medication_dose_change, course=course, by=actor(request))
    words = _("The new dose of %(drug)s is noted.") % {"drug": course.drug}
    return _answer(request, course, "dose_form", form, words)


@page("POST", Permission.MANAGE_MEDICATIONS, find=course_for)
def course_correct(request: HttpRequest, course: MedicationCourse) -> HttpResponse:
    """The days or the dose were wrong from the beginning."""
    form = CorrectionForm(request.POST, auto_id="correct-%s", label_suffix="")
    _done(form, services.medication_correct, course=course, by=actor(request))
    words = _("%(drug)s is corrected; what stood before is kept as entered in error.")
    words %= {"drug": course.drug}
    return _answer(request, course, "correction_form", form, words)


@page("POST", Permission.MANAGE_MEDICATIONS, find=course_for)
def course_error(request: HttpRequest, course: MedicationCourse) -> HttpResponse:
    """The course was entered in error."""
    form = ReasonForm(request.POST, auto_id="error-%s", label_suffix="")
    _done(form, services.medication_mark_error, course=course, by=actor(request))
    words = _("%(course)s is marked as entered in error and counts no more.") % {"course": course}
    return _answer(request, course, "error_form", form, words)


def _done(form: forms.BaseForm, service: Callable[..., Any], **asked: Any) -> Any:
    """What the service gives for what was typed; what it refuses stands on the form."""
    if not form.is_valid():
        return None
    try:
        return service(**asked, **form.cleaned_data)
    except InputError as refusal:
        form.add_error(None, said_again(refusal))
        return None


def _answer(
    request: HttpRequest, course: MedicationCourse, name: str, form: forms.BaseForm, words: str
) -> HttpResponse:
    """Back to the list, or the page again with what was typed and what is wrong with it."""
    if form.errors:
        return _course(request, course, status=422, **{name: form})
    messages.success(request, words)
    return HttpResponseRedirect(reverse("medication-list", args=[course.patient.code]))


def _list(
    request: HttpRequest, patient: Patient, form: CourseForm, status: int = 200
) -> HttpResponse:
    courses = list(patient.medications.all())
    context = {
        "patient": patient,
        "courses": [course for course in courses if not course.entered_in_error],
        "errors": [course for course in courses if course.entered_in_error],
        "form": form,
        "drug_names": sorted(drug.name for drug in drug_table().drugs),
        "today": timezone.localdate(),
    }
    return render(request, "patients/medication_list.html", context, status=status)


def _course(
    request: HttpRequest, course: MedicationCourse, status: int = 200, **typed: forms.BaseForm
) -> HttpResponse:
    course.refresh_from_db()
    held = {name: getattr(course, name) for name in ("dose", "first_day", "last_day")}
    context = {
        "course": course,
        "patient": course.patient,
        "dose_form": DoseForm(auto_id="dose-%s", label_suffix=""),
        "correction_form": CorrectionForm(auto_id="correct-%s", label_suffix="", initial=held),
        "error_form": ReasonForm(auto_id="error-%s", label_suffix=""),
    }
    return render(request, "patients/medication_course.html", context | typed, status=status)
