"""What the care team says of a patient's life, and a score that somebody waits for."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from alerts.tasks import wake_scoring
from clarity_site.said import said_again
from patients import circumstances
from patients.domain.errors import InputError
from patients.forms import CircumstanceEndForm, CircumstanceForm
from patients.models import Circumstance, Patient, User
from patients.permissions import Permission
from patients.selectors import patients_visible_to
from patients.views import actor, back, page, patient_for
from scoring.runs import scoring_ask


def circumstance_for(user: User, circumstance_id: int) -> Circumstance:
    """The circumstance, if it is of one of the user's patients; else 404."""
    rows = Circumstance.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=circumstance_id)


@page("POST", Permission.CARE, find=patient_for)
def score_now(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Score the patient at once, whatever was scored lately."""
    try:
        scoring_ask(patient=patient, by=actor(request))
    except InputError as refusal:
        messages.error(request, said_again(refusal))
    else:
        wake_scoring()
        messages.success(
            request,
            _(
                "%(patient)s is being scored: reload the page in a minute. Where nothing has "
                "changed, the score stays as it is."
            )
            % {"patient": patient},
        )
    return back(request, "patient", patient.code)


@page("POST", Permission.CARE, find=patient_for)
def circumstance_start(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Something holds from a day on."""
    form = CircumstanceForm(request.POST)
    if form.is_valid():
        try:
            made = circumstances.circumstance_start(
                patient=patient, by=actor(request), **form.cleaned_data
            )
        except InputError as refusal:
            messages.error(request, said_again(refusal))
        else:
            _scored_anew(request, patient, _("“%(what)s” is recorded.") % {"what": made})
    else:
        _refuse(request, form)
    return back(request, "patient", patient.code)


@page("POST", Permission.CARE, find=circumstance_for)
def circumstance_end(request: HttpRequest, circumstance: Circumstance) -> HttpResponse:
    """It held up to and including a day."""
    form = CircumstanceEndForm(request.POST)
    if form.is_valid():
        try:
            circumstances.circumstance_end(
                circumstance=circumstance, by=actor(request), **form.cleaned_data
            )
        except InputError as refusal:
            messages.error(request, said_again(refusal))
        else:
            words = _("“%(what)s” is ended.") % {"what": circumstance}
            _scored_anew(request, circumstance.patient, words)
    else:
        _refuse(request, form)
    return back(request, "patient", circumstance.patient.code)


@page("POST", Permission.CARE, find=circumstance_for)
def circumstance_remove(request: HttpRequest, circumstance: Circumstance) -> HttpResponse:
    """It was recorded by mistake."""
    patient, words = circumstance.patient, _("“%(what)s” is removed.") % {"what": circumstance}
    circumstances.circumstance_remove(circumstance=circumstance, by=actor(request))
    _scored_anew(request, patient, words)
    return back(request, "patient", patient.code)


def _scored_anew(request: HttpRequest, patient: Patient, words: str) -> None:
    try:
        scoring_ask(patient=patient, by=actor(request))
    except InputError:
        messages.success(request, words)
    else:
        wake_scoring()
        messages.success(request, f"{words} {_('The last day is scored anew.')}")


def _refuse(request: HttpRequest, form: CircumstanceForm | CircumstanceEndForm) -> None:
    for problems in form.errors.values():
        messages.error(request, str(problems[0]))
