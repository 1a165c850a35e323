"""The panel: the page clinicians open first, its next rows, what changed, and acts on many."""

import csv

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts import panel_services as services
from alerts.domain.panel import Wanted
from alerts.models import DismissReason
from alerts.panel import Asker, panel_counts, panel_version
from alerts.presenters.panel_csv import csv_rows
from alerts.presenters.panel_page import panel_context, rows_context
from alerts.presenters.undo import undo_offered
from alerts.selectors import alerts_visible_to
from alerts.services import NotAllowed
from patients.domain.errors import InputError
from patients.permissions import Permission
from patients.services import audit_record
from patients.views import actor, back, page

NOTHING_NEW = 204


def _asked(request: HttpRequest) -> tuple[Asker, Wanted]:
    return Asker.of(actor(request), timezone.now()), Wanted.of(request.GET.dict())


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0


@page("GET")
def panel(request: HttpRequest) -> HttpResponse:
    """My patients, whom to call first on top. It writes nothing: having looked is told later."""
    asker, wanted = _asked(request)
    context = panel_context(actor(request), asker, wanted) | {"reasons": DismissReason.choices}
    return render(request, "patients/panel.html", context)


@page("GET")
def panel_rows(request: HttpRequest) -> HttpResponse:
    """The next rows alone, as one scrolls."""
    asker, wanted = _asked(request)
    context = rows_context(asker, wanted, panel_counts(asker, wanted, []))
    return render(request, "patients/panel/rows.html", context)


@page("GET")
def panel_changes(request: HttpRequest) -> HttpResponse:
    """Nothing while all is as the page that asks has it; else the panel's body anew."""
    asker, wanted = _asked(request)
    services.looked(by=actor(request), now=asker.now)
    if request.GET.get("version") == panel_version(asker):
        return HttpResponse(status=NOTHING_NEW)
    shown = _number(request.GET.get("shown", ""))
    context = panel_context(actor(request), asker, wanted, shown) | {"was_changed": True}
    return render(request, "patients/panel/body.html", context)


@page("GET", Permission.EXPORT_PANEL)
def panel_csv(request: HttpRequest) -> HttpResponse:
    """All rows that the filters leave, as CSV. Codes, no names."""
    asker, wanted = _asked(request)
    rows = csv_rows(asker, wanted)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="panel-{asker.now:%Y-%m-%d}.csv"'
    csv.writer(answer).writerows(rows)
    audit_record(
        by=actor(request), action="panel exported", rows=len(rows) - 1, asked=wanted.address()
    )
    return answer


@page("GET", Permission.ACT_ON_ALERTS)
def panel_undo(request: HttpRequest) -> HttpResponse:
    """The offer to take the last act back, asked for once the panel is there."""
    asker, wanted = _asked(request)
    next_ = f"{reverse('panel')}?{wanted.address()}"
    context = {"undo": undo_offered(actor(request), asker.now), "next": next_}
    return render(request, "alerts/parts/toast.html", context)


@page("POST", Permission.ACT_ON_ALERTS)
def panel_acknowledge(request: HttpRequest) -> HttpResponse:
    """Take the ticked alerts on, each by itself; what was skipped is told with its reason."""
    keys = [int(k) for text in request.POST.getlist("alerts") for k in text.split() if _number(k)]
    user = actor(request)
    alerts = list(alerts_visible_to(user).filter(pk__in=keys))
    if not keys:
        messages.error(request, _("Tick the rows whose alerts you acknowledge."))
        return back(request, "panel")
    try:
        done, skipped = services.alerts_acknowledge(
            alerts=alerts, by=user, note=request.POST.get("note", "")[:2000]
        )
    except NotAllowed as refusal:
        messages.error(request, str(refusal))
        return back(request, "panel")
    if done:
        said = ngettext("%(n)d alert acknowledged.", "%(n)d alerts acknowledged.", len(done))
        messages.success(request, said % {"n": len(done)})
    for left in skipped:
        said = _("%(code)s, %(kind)s: not acknowledged. %(why)s")
        values = {
            "code": left.alert.patient.code,
            "kind": left.alert.get_kind_display(),
            "why": left.why,
        }
        messages.error(request, said % values)
    return back(request, "panel")


@page("POST")
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the present filters under a name."""
    query = Wanted.of(request.POST.dict()).address()
    try:
        services.view_save(by=actor(request), name=request.POST.get("name", ""), query=query)
        messages.success(request, _("The view is saved."))
    except InputError as error:
        messages.error(request, str(error))
    return back(request, "panel")


@page("POST")
def view_remove(request: HttpRequest) -> HttpResponse:
    """Forget a saved view."""
    services.view_remove(by=actor(request), name=request.POST.get("name", ""))
    messages.success(request, _("The view is removed."))
    return back(request, "panel")


@page("POST")
def panel_seen(request: HttpRequest) -> HttpResponse:
    """Mark nothing as changed any more."""
    services.all_seen(by=actor(request), now=timezone.now())
    return back(request, "panel")
