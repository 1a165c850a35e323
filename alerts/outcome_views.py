"""The page “Questionnaires and episodes” of a patient."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.outcomes import outcome_record
from alerts.presenters.outcomes import outcomes_shown
from alerts.resources import safety_rules
from clarity_site.said import said_again
from patients import outcomes
from patients.domain.errors import InputError
from patients.models import Episode, Patient, Questionnaire, User
from patients.outcome_forms import EndForm, EpisodeForm, QuestionnaireForm
from patients.permissions import Permission, may
from patients.presenters import zone_now
from patients.resources import instruments
from patients.selectors import patients_visible_to, zones_of
from patients.services import record_opened
from patients.views import actor, page, patient_for

FIRST_SHOWN = "phq9"


def questionnaire_for(user: User, questionnaire_id: int) -> Questionnaire:
    """The questionnaire, if it is of a patient whose record the user may open; else 404."""
    rows = Questionnaire.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=questionnaire_id)


def episode_for(user: User, episode_id: int) -> Episode:
    """The episode, if it is of a patient whose record the user may open; else 404."""
    rows = Episode.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=episode_id)


@page("GET", find=patient_for)
def outcomes_page(request: HttpRequest, patient: Patient) -> HttpResponse:
    """What was recorded, and the forms to record more."""
    return _page(request, patient, asked_of(request.GET.get("instrument", "")))


@page("POST", Permission.RECORD_OUTCOMES, find=patient_for)
def questionnaire_add(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Record a questionnaire."""
    key, now = asked_of(request.POST.get("instrument", "")), timezone.now()
    form = QuestionnaireForm(
        request.POST, asked=instruments()[key], zones=zones_of(patient), now=now
    )
    if form.is_valid():
        typed = form.cleaned_data
        try:
            outcome_record(
                patient=patient,
                instrument=key,
                taken_at=typed["taken_at"],
                items=typed["answers"],
                total=typed["total"],
                by=actor(request),
            )
        except InputError as refusal:
            form.add_error(None, said_again(refusal))
    if form.errors:
        return _page(request, patient, key, status=422, questionnaire_form=form)
    return _back(request, patient, _("%(name)s recorded.") % {"name": instruments()[key].name})


@page("POST", Permission.RECORD_OUTCOMES, find=questionnaire_for)
def questionnaire_error(request: HttpRequest, questionnaire: Questionnaire) -> HttpResponse:
    """The questionnaire was entered in error."""
    outcomes.questionnaire_mark_error(questionnaire=questionnaire, by=actor(request))
    words = _("It is marked as entered in error and counts no more.")
    return _back(request, questionnaire.patient, words)


@page("POST", Permission.RECORD_OUTCOMES, find=patient_for)
def episode_add(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Record a mood episode."""
    form = EpisodeForm(request.POST, auto_id="episode-%s", label_suffix="")
    if form.is_valid():
        try:
            outcomes.episode_record(patient=patient, by=actor(request), **form.cleaned_data)
        except InputError as refusal:
            form.add_error(None, said_again(refusal))
    if form.errors:
        return _page(request, patient, FIRST_SHOWN, status=422, episode_form=form)
    return _back(request, patient, _("Episode recorded."))


@page("POST", Permission.RECORD_OUTCOMES, find=episode_for)
def episode_end(request: HttpRequest, episode: Episode) -> HttpResponse:
    """The episode is over."""
    form = EndForm(request.POST, auto_id=f"end-{episode.pk}-%s", label_suffix="")
    if form.is_valid():
        try:
            outcomes.episode_end(episode=episode, by=actor(request), **form.cleaned_data)
        except InputError as refusal:
            form.add_error("last_day", said_again(refusal))
    if form.errors:
        typed: Any = {episode.pk: form}
        return _page(request, episode.patient, FIRST_SHOWN, status=422, ends=typed)
    return _back(request, episode.patient, _("The end of the episode is recorded."))


@page("POST", Permission.RECORD_OUTCOMES, find=episode_for)
def episode_error(request: HttpRequest, episode: Episode) -> HttpResponse:
    """The episode was entered in error."""
    outcomes.episode_mark_error(episode=episode, by=actor(request))
    words = _("The episode is marked as entered in error and counts no more.")
    return _back(request, episode.patient, words)


def asked_of(key: str) -> str:
    """The key of a questionnaire that is scored; of anything else the one shown first."""
    return key if key in instruments() else FIRST_SHOWN


def _back(request: HttpRequest, patient: Patient, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("outcomes", args=[patient.code]))


def _page(
    request: HttpRequest,
    patient: Patient,
    key: str,
    status: int = 200,
    ends: dict[int, EndForm] | None = None,
    **typed: forms.BaseForm,
) -> HttpResponse:
    """The page, also in answer to a form; each opening is written down."""
    user, now, asked = actor(request), timezone.now(), instruments()[key]
    record_opened(patient=patient, by=user, page="outcomes")
    shown = outcomes_shown(patient)
    for episode in shown["episodes"]:
        key_of = episode["row"].pk
        new = EndForm(auto_id=f"end-{key_of}-%s", label_suffix="")
        episode["form"] = (ends or {}).get(key_of, new)
    context: dict[str, Any] = shown | {
        "patient": patient,
        "zone": zone_now(patient),
        "safety_days": safety_rules().at_once_days,
        "may_record": may(user, Permission.RECORD_OUTCOMES),
        "asked": asked,
        "instruments": instruments().values(),
        "questionnaire_form": QuestionnaireForm(asked=asked, zones=zones_of(patient), now=now),
        "episode_form": EpisodeForm(auto_id="episode-%s", label_suffix=""),
    }
    return render(request, "patients/outcomes.html", context | typed, status=status)
