"""The messages to the EHR: what is delivered, what waits and why, and sending again."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from alerts import connection, outbox, selectors, services
from alerts.fhir.answers import Refused, TemporaryFailure
from alerts.fhir.communication import recipient_trouble
from alerts.models import EhrConnection, OutboxMessage
from alerts.presenters.delivery import RESENDABLE, delivery_words
from clarity_site.languages import zone_of
from clarity_site.said import said_again
from patients.models import User
from patients.pages import paged
from patients.permissions import Permission
from patients.presenters import zone_now
from patients.views import actor, back, page

State = OutboxMessage.State
GROUPS = {
    "failed": (gettext_lazy("refused or given up"), Q(state__in=outbox.FAILED)),
    "retrying": (gettext_lazy("tried again"), Q(state=State.PENDING, attempts__gt=0)),
    "waiting": (
        gettext_lazy("waiting"),
        Q(state=State.PENDING, attempts=0) | Q(state=State.SENDING),
    ),
    "held": (gettext_lazy("held"), Q(state=State.HELD)),
    "delivered": (gettext_lazy("delivered"), Q(state=State.DELIVERED)),
    "superseded": (gettext_lazy("superseded"), Q(state=State.SUPERSEDED)),
}
AGES = {
    "hour": (gettext_lazy("over an hour old"), timedelta(hours=1)),
    "day": (gettext_lazy("over a day old"), timedelta(days=1)),
    "week": (gettext_lazy("over a week old"), timedelta(days=7)),
}


def message_for(user: User, message_id: int) -> OutboxMessage:
    """The message, if it is about one of the user's patients; else 404."""
    return get_object_or_404(selectors.messages_visible_to(user), pk=message_id)


@page("GET", Permission.MANAGE_MESSAGES)
def messages_page(request: HttpRequest) -> HttpResponse:
    """The outbox by state, age and patient."""
    rows = selectors.messages_visible_to(actor(request))
    counted = {name: Count("pk", filter=which) for name, (_words, which) in GROUPS.items()}
    counts = rows.order_by().aggregate(**counted)
    asked = {name: request.GET.get(name, "") for name in ("state", "age", "q")}
    shown = _asked(rows, asked).defer("resource").prefetch_related("alert__patient__zones")
    context = paged(request, shown.order_by("-id"))
    zoned = [(m, zone_now(m.alert.patient)) for m in context["rows"]]
    context |= {
        "lines": [(m, *delivery_words(m, zone), zone) for m, zone in zoned],
        "counts": [(name, words, counts[name]) for name, (words, _which) in GROUPS.items()],
        "ages": [(name, words) for name, (words, _age) in AGES.items()],
        "total": sum(counts.values()),
        "failed": counts["failed"],
        "asked": asked,
        **ehr_context(actor(request)),
        "resendable": RESENDABLE,
    }
    return render(request, "alerts/messages.html", context)


def ehr_context(user: User) -> dict[str, Any]:
    """How it stands with the EHR."""
    found = connection.ehr()
    ways = dict(EhrConnection.Target.choices)
    return {
        "setting": found,
        "ehr": settings.EHR_BASE_URL,
        "ways": list(ways.items()),
        "way": ways.get(found.way),
        "zone": zone_of(user),
        "recipient": settings.EHR_RECIPIENT,
        "recipient_trouble": recipient_trouble(settings.EHR_RECIPIENT, found.way),
    }


def _asked(rows: QuerySet[OutboxMessage], asked: dict[str, str]) -> QuerySet[OutboxMessage]:
    if asked["state"] in GROUPS:
        rows = rows.filter(GROUPS[asked["state"]][1])
    if asked["age"] in AGES:
        rows = rows.filter(created_at__lt=timezone.now() - AGES[asked["age"]][1])
    return rows.filter(alert__patient__code__icontains=asked["q"].strip()[:40])


@page("POST", Permission.MANAGE_MESSAGES)
def delivery(request: HttpRequest) -> HttpResponse:
    """Turn delivery beyond this machine on or off."""
    turn_on = request.POST.get("on") == "true"
    connection.delivery_set(on=turn_on, by=actor(request))
    on, off = _("Delivery beyond this machine is on."), _("Delivery beyond this machine is off.")
    messages.success(request, on if turn_on else off)
    return back(request, "messages")


@page("POST", Permission.MANAGE_MESSAGES)
def ehr_read(request: HttpRequest) -> HttpResponse:
    """Ask the EHR anew what it takes."""
    if (reason := connection.held_reason(connection.ehr())) and reason != connection.NO_WAY:
        messages.error(request, said_again(reason))
        return back(request, "messages")
    try:
        with connection.ehr_client() as client:
            connection.capability_read(client=client, now=timezone.now(), by=actor(request))
    except (TemporaryFailure, Refused) as failure:
        messages.error(request, said_again(str(failure)))
    else:
        messages.success(request, _("The EHR has said what it takes."))
    return back(request, "messages")


@page("POST", Permission.MANAGE_MESSAGES)
def ehr_way(request: HttpRequest) -> HttpResponse:
    """Send by another way than the one that was chosen."""
    try:
        connection.way_set(way=request.POST.get("way", ""), by=actor(request))
    except ValueError as error:
        messages.error(request, said_again(str(error)))
    else:
        messages.success(request, _("The way is set."))
    return back(request, "messages")


@page("POST", Permission.MANAGE_MESSAGES, find=message_for)
def resend(request: HttpRequest, message: OutboxMessage) -> HttpResponse:
    """Try a refused or given-up message again."""
    services.message_resend(message=message, by=actor(request))
    words = _("The message about %(patient)s will be sent again.")
    messages.success(request, words % {"patient": message.alert.patient})
    return back(request, "messages")


@page("POST", Permission.MANAGE_MESSAGES)
def resend_failed(request: HttpRequest) -> HttpResponse:
    """Try all that were refused or given up again."""
    rows = selectors.messages_visible_to(actor(request))
    n = outbox.messages_resend(messages=rows, by=actor(request))
    words = ngettext("%(n)d message will be sent again.", "%(n)d messages will be sent again.", n)
    messages.success(request, words % {"n": n})
    return back(request, "messages")
