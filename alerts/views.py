"""The messages to the EHR."""

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from alerts import selectors, services
from alerts.models import OutboxMessage
from alerts.presenters.cards import RESENDABLE, delivery_words
from patients.models import User
from patients.permissions import Permission
from patients.presenters import zone_now
from patients.views import actor, back, page

MESSAGES_SHOWN = 200


def message_for(user: User, message_id: int) -> OutboxMessage:
    """The message, if it is about one of the user's patients; else 404."""
    return get_object_or_404(selectors.messages_visible_to(user), pk=message_id)


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
