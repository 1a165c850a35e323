"""What is read from the EHR, for administrators: the last reading, and what a person settles."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts import context_settle as services
from alerts.context import reading_off
from alerts.context_models import (
    ContextConflict,
    ContextItem,
    ContextRun,
    ContextSetting,
    EhrPatient,
    EhrTerm,
)
from alerts.presenters.context import conflict_shown, item_lines, run_shown, term_lines
from alerts.tasks import wake_context
from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.pages import paged
from patients.permissions import Permission
from patients.selectors import patients_visible_to
from patients.services import record_opened
from patients.views import actor, page

TABS = ("conflicts", "terms", "unclear", "patients")


def conflict_for(user: User, conflict_id: int) -> ContextConflict:
    """The conflict, if it is about one of the user's patients; else 404."""
    rows = ContextConflict.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient", "item"), pk=conflict_id)


def term_for(_user: User, term_id: int) -> EhrTerm:
    """A term, which names no patient."""
    return get_object_or_404(EhrTerm, pk=term_id)


def to_find(user: User, code: str) -> Patient:
    """The patient whose identifier is given."""
    return get_object_or_404(patients_visible_to(user), code=code)


@page("GET", Permission.MANAGE_CONTEXT)
def context_page(request: HttpRequest) -> HttpResponse:
    """The last reading, and one list of what waits."""
    show = request.GET.get("show", "")
    mine = patients_visible_to(actor(request))
    conflicts = ContextConflict.objects.filter(patient__in=mine, settled_at=None)
    terms = EhrTerm.objects.filter(meaning="").annotate(
        patients=Count("items__patient", distinct=True)
    )
    unclear = ContextItem.objects.filter(patient__in=mine, state=ContextItem.State.UNCLEAR)
    found = mine.filter(in_ehr__state=EhrPatient.State.FOUND)
    lost = mine.exclude(pk__in=found.values("pk")).select_related("in_ehr")
    rows: dict[str, Any] = {
        "conflicts": conflicts.select_related("patient", "item"),
        "terms": terms.order_by("-patients", "kind", "words"),
        "unclear": unclear.select_related("patient").order_by("-changed_at", "-pk"),
        "patients": lost.order_by("code"),
    }
    show = show if show in TABS else "conflicts"
    shown = paged(request, rows[show])
    runs = ContextRun.objects.all()[:10]
    context = shown | {
        "show": show,
        "counts": [(name, rows[name].count()) for name in TABS],
        "found": found.count(),
        "patients": mine.count(),
        "runs": [run_shown(run) for run in runs],
        "setting": ContextSetting.objects.first() or ContextSetting(),
        "ehr": settings.EHR_BASE_URL,
        "off": reading_off(),
        "system": settings.EHR_PATIENT_SYSTEM,
        "zone": timezone.get_default_timezone_name(),
        "terms": term_lines(shown["rows"]) if show == "terms" else [],
        "unclear": item_lines(shown["rows"]) if show == "unclear" else [],
    }
    return render(request, "alerts/context.html", context)


@page("POST", Permission.MANAGE_CONTEXT)
def context_setting(request: HttpRequest) -> HttpResponse:
    """Turn the regular reading on or off."""
    turn_on = request.POST.get("on") == "true"
    services.reading_set(on=turn_on, by=actor(request))
    on, off = _("The EHR is read every hour."), _("The EHR is not read by itself any more.")
    messages.success(request, on if turn_on else off)
    return redirect("context")


@page("POST", Permission.MANAGE_CONTEXT)
def context_now(request: HttpRequest) -> HttpResponse:
    """Read what is new now, in the background."""
    if reason := reading_off():
        messages.error(request, reason)
    else:
        wake_context(by=actor(request))
        messages.success(
            request, _("The EHR is being read. Open this page again in a minute to see how far.")
        )
    return redirect("context")


@page("GET", Permission.MANAGE_CONTEXT, find=conflict_for)
def context_conflict(request: HttpRequest, conflict: ContextConflict) -> HttpResponse:
    """Both sides of a conflict; looking at it is written down."""
    record_opened(patient=conflict.patient, by=actor(request), page="context")
    return render(request, "alerts/context_conflict.html", _conflict(conflict))


def _conflict(conflict: ContextConflict) -> dict[str, Any]:
    outcomes = services.outcomes_of(conflict)
    return {"conflict": conflict, "shown": conflict_shown(conflict, outcomes)}


@page("POST", Permission.MANAGE_CONTEXT, find=conflict_for)
def context_settle(request: HttpRequest, conflict: ContextConflict) -> HttpResponse:
    """Which side is right."""
    try:
        services.conflict_settle(
            conflict=conflict, outcome=request.POST.get("outcome", ""), by=actor(request)
        )
    except InputError as refusal:
        messages.error(request, str(refusal))
        return redirect("context-conflict", conflict.pk)
    words = _("The conflict about %(patient)s is settled.")
    messages.success(request, words % {"patient": conflict.patient})
    return redirect("context")


@page("POST", Permission.MANAGE_CONTEXT, find=term_for)
def context_term(request: HttpRequest, term: EhrTerm) -> HttpResponse:
    """What a code, a form or a person of the EHR means here."""
    try:
        n = services.term_settle(
            term=term, meaning=request.POST.get("meaning", ""), by=actor(request)
        )
    except InputError as refusal:
        messages.error(request, str(refusal))
    else:
        words = ngettext(
            "“%(words)s” is settled, for %(n)d patient.",
            "“%(words)s” is settled, for %(n)d patients.",
            n,
        )
        messages.success(request, words % {"words": term.words or term.code, "n": n})
    return redirect(reverse("context") + "?show=terms")


@page("POST", Permission.MANAGE_CONTEXT, find=to_find)
def context_identifier(request: HttpRequest, patient: Patient) -> HttpResponse:
    """By which identifier the EHR knows a patient."""
    try:
        services.identifier_set(
            patient=patient,
            system=request.POST.get("system", ""),
            value=request.POST.get("value", ""),
            by=actor(request),
        )
    except InputError as refusal:
        messages.error(request, str(refusal))
    else:
        words = _("%(patient)s is looked for in the EHR at the next reading.")
        messages.success(request, words % {"patient": patient})
    return redirect(reverse("context") + "?show=patients")
