"""The alert queue and the messages to the EHR."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from rest_framework.serializers import Serializer

from alerts import absence, selectors, services
from alerts.api import AcknowledgeRequest, DismissRequest
from alerts.models import Alert, DismissReason, OutboxMessage
from alerts.presenters.cards import RESENDABLE, alert_cards, delivery_words
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.presenters import zone_now
from patients.views import actor, back, page, patient_for

CLOSED_DAYS = 7
MESSAGES_SHOWN = 200


def alert_for(user: User, alert_id: int) -> Alert:
    """The alert, if it is of one of the user's patients; else 404."""
    return get_object_or_404(selectors.alerts_visible_to(user), pk=alert_id)


def message_for(user: User, message_id: int) -> OutboxMessage:
    """The message, if it is about one of the user's patients; else 404."""
    return get_object_or_404(selectors.messages_visible_to(user), pk=message_id)


@page("GET")
def queue(request: HttpRequest) -> HttpResponse:
    """Open alerts of my patients, then what was closed lately."""
    user, since = actor(request), timezone.now() - timedelta(days=CLOSED_DAYS)
    context = {
        "cards": alert_cards(selectors.open_alerts(user)),
        "closed": alert_cards(selectors.alerts_closed_since(user, since)),
        "closed_days": CLOSED_DAYS,
        "may_act": may(user, Permission.ACT_ON_ALERTS),
        "reasons": DismissReason.choices,
    }
    return render(request, "alerts/queue.html", context)


@page("POST", Permission.ACT_ON_ALERTS, find=alert_for)
def acknowledge(request: HttpRequest, alert: Alert) -> HttpResponse:
    """Somebody has seen the alert and takes it on."""
    asked = AcknowledgeRequest(data=request.POST)
    if _valid(request, asked):
        try:
            services.alert_acknowledge(alert=alert, by=actor(request), **asked.validated_data)
            messages.success(request, f"{_named(alert)} acknowledged.")
        except services.NotAllowed as refusal:
            messages.error(request, str(refusal))
    return back(request, "alerts")


@page("POST", Permission.ACT_ON_ALERTS, find=alert_for)
def dismiss(request: HttpRequest, alert: Alert) -> HttpResponse:
    """The alert needs nothing more, for a reason."""
    asked = DismissRequest(data=request.POST)
    if _valid(request, asked):
        try:
            services.alert_dismiss(alert=alert, by=actor(request), **asked.validated_data)
            messages.success(request, f"{_named(alert)} dismissed.")
        except services.NotAllowed as refusal:
            messages.error(request, str(refusal))
    return back(request, "alerts")


@page("POST", Permission.MANAGE_RECORDINGS, find=patient_for)
def absence_acknowledge(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Somebody looks after data that have stopped."""
    asked = AcknowledgeRequest(data=request.POST)
    if _valid(request, asked):
        notice = patient.absences.filter(closed_at=None).first()
        if notice and absence.absence_acknowledge(
            notice=notice, by=actor(request), **asked.validated_data
        ):
            messages.success(request, f"Noted that you look after the data of {patient}.")
        else:
            messages.error(request, f"Data of {patient} have come again: there is nothing to note.")
    return back(request, "patient-data", patient.code)


@page("GET", Permission.MANAGE_MESSAGES)
def messages_page(request: HttpRequest) -> HttpResponse:
    """The outbox: what is delivered, what waits, and why."""
    rows = selectors.messages_visible_to(actor(request))
    shown = rows.prefetch_related("alert__patient__zones").order_by("-id")[:MESSAGES_SHOWN]
    zoned = [(m, zone_now(m.alert.patient)) for m in shown]
    by_state = dict(rows.values_list("state").annotate(n=Count("id")).order_by())
    context = {
        "rows": [(m, *delivery_words(m, zone), zone) for m, zone in zoned],
        "counts": [(label, by_state.get(key, 0)) for key, label in OutboxMessage.State.choices],
        "setting": selectors.delivery_setting(),
        "ehr": settings.EHR_BASE_URL,
        "resendable": RESENDABLE,
        "shown": MESSAGES_SHOWN,
    }
    return render(request, "alerts/messages.html", context)


@page("POST", Permission.MANAGE_MESSAGES)
def delivery(request: HttpRequest) -> HttpResponse:
    """Turn delivery beyond this machine on or off."""
    turn_on = request.POST.get("on") == "true"
    services.delivery_set(on=turn_on, by=actor(request))
    messages.success(request, f"Delivery beyond this machine is {'on' if turn_on else 'off'}.")
    return back(request, "messages")


@page("POST", Permission.MANAGE_MESSAGES, find=message_for)
def resend(request: HttpRequest, message: OutboxMessage) -> HttpResponse:
    """Try a refused or given-up message again."""
    try:
        services.message_resend(message=message, by=actor(request))
        messages.success(request, f"The message about {message.alert.patient} will be sent again.")
    except services.NotAllowed as refusal:
        messages.error(request, str(refusal))
    return back(request, "messages")


def _valid(request: HttpRequest, asked: Serializer) -> bool:
    if asked.is_valid():
        return True
    for problems in asked.errors.values():
        messages.error(request, str(problems[0]))
    return False


def _named(alert: Alert) -> str:
    return f"{alert.get_track_display()} alert of {alert.patient}"
