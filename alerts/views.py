"""The alert queue."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from rest_framework.serializers import Serializer

from alerts import absence, selectors, services
from alerts.actions import ACTIONS, Act, ConcernRequest, NoteRequest
from alerts.models import Alert, AlertTransition, DismissReason, FollowUp
from alerts.presenters.cards import (
    alert_cards,
    budget_words,
    follow_up_lines,
)
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.views import View, actor, back, page, patient_for

CLOSED_DAYS = 7


def alert_for(user: User, alert_id: int) -> Alert:
    """The alert, if it is of one of the user's patients; else 404."""
    return get_object_or_404(selectors.alerts_visible_to(user), pk=alert_id)


def follow_up_for(user: User, follow_up_id: int) -> FollowUp:
    """The follow-up, if it is of one of the user's patients; else 404."""
    return get_object_or_404(selectors.follow_ups_visible_to(user), pk=follow_up_id)


@page("GET")
def queue(request: HttpRequest) -> HttpResponse:
    """Open alerts of my patients, then what was closed lately."""
    user, since = actor(request), timezone.now() - timedelta(days=CLOSED_DAYS)
    context = {
        "cards": alert_cards(selectors.open_alerts(user), user),
        "closed": alert_cards(selectors.alerts_closed_since(user, since), user),
        "follow_ups": follow_up_lines(selectors.follow_ups_due(user), user),
        "budget": budget_words(user),
        "closed_days": CLOSED_DAYS,
        "may_act": may(user, Permission.ACT_ON_ALERTS),
        "reasons": DismissReason.choices,
    }
    return render(request, "alerts/queue.html", context)


def _acting(act: Act) -> View:
    """The view of one action: what was asked is checked, done, and said."""

    @page("POST", Permission.ACT_ON_ALERTS, find=alert_for)
    def view(request: HttpRequest, alert: Alert) -> HttpResponse:
        asked = act.request(data=request.POST)
        if _valid(request, asked):
            try:
                made = act.service(alert=alert, by=actor(request), **asked.validated_data)
                messages.success(request, _done_words(alert, act, made))
            except services.NotAllowed as refusal:
                messages.error(request, str(refusal))
        return back(request, "alerts")

    return view


acting = {name: _acting(act) for name, act in ACTIONS.items()}


def _done_words(alert: Alert, act: Act, made: AlertTransition) -> str:
    if made.event.endswith("_requested"):
        return f"{_named(alert)}: a psychiatrist is asked to confirm this."
    return f"{_named(alert)} {act.done}.".replace(" :", ":")


@page("POST", Permission.ACT_ON_ALERTS, find=patient_for)
def concern(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Raise a concern by hand."""
    asked = ConcernRequest(data=request.POST)
    if _valid(request, asked):
        try:
            services.concern_raise(patient=patient, by=actor(request), **asked.validated_data)
            messages.success(request, f"Your concern about {patient} is in the queue.")
        except services.NotAllowed as refusal:
            messages.error(request, str(refusal))
    return back(request, "patient", patient.code)


@page("POST", Permission.ACT_ON_ALERTS, find=follow_up_for)
def follow_up_done(request: HttpRequest, follow_up: FollowUp) -> HttpResponse:
    """A promise was kept."""
    asked = NoteRequest(data=request.POST)
    if _valid(request, asked):
        try:
            services.follow_up_done(follow_up=follow_up, by=actor(request), **asked.validated_data)
            messages.success(request, f"Follow-up of {follow_up.patient} done.")
        except services.NotAllowed as refusal:
            messages.error(request, str(refusal))
    return back(request, "alerts")


@page("POST", Permission.ACT_ON_ALERTS, find=patient_for)
def absence_acknowledge(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Somebody looks after data that have stopped."""
    asked = NoteRequest(data=request.POST)
    if _valid(request, asked):
        notice = patient.absences.filter(closed_at=None).first()
        try:
            if notice and absence.absence_acknowledge(
                notice=notice, by=actor(request), **asked.validated_data
            ):
                messages.success(request, f"Noted that you look after the data of {patient}.")
            else:
                messages.error(
                    request, f"Data of {patient} have come again: there is nothing to note."
                )
        except services.NotAllowed as refusal:
            messages.error(request, str(refusal))
    return back(request, "patient-data", patient.code)


def _valid(request: HttpRequest, asked: Serializer) -> bool:
    if asked.is_valid():
        return True
    for problems in asked.errors.values():
        messages.error(request, str(problems[0]))
    return False


def _named(alert: Alert) -> str:
    return f"{alert.get_kind_display()} alert of {alert.patient}"
