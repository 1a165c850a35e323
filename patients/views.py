"""The patient's record, and what every page is guarded with."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from alerts.models import DismissReason
from alerts.presenters.absence import absence_of
from alerts.presenters.record import record_context
from patients import services
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.selectors import patients_visible_to
from scoring.presenters.life import life_context

View = Callable[..., HttpResponse]


def page(method: str, permission: Permission | None = None, find: Any = None) -> Any:
    """Guard a view: first whether the thing exists for this user, then whether they may.

    ``find(user, key)`` raises 404 for what is not the user's, whatever the method, so that
    nothing about another team's patient can be told from the answer.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **keys: Any) -> HttpResponse:
            found = [find(actor(request), *keys.values())] if find else []
            if permission and not may(actor(request), permission):
                raise PermissionDenied
            if request.method != method and (request.method, method) != ("HEAD", "GET"):
                return HttpResponseNotAllowed([method])
            answer = view(request, *found)
            answer["Cache-Control"] = "no-store"  # nothing for the next person at this desk
            return answer

        return guarded

    return decorate


def actor(request: HttpRequest) -> User:
    """Who asks. LoginRequiredMiddleware has sent everybody else to the log-in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def back(request: HttpRequest, default: str, *args: str) -> HttpResponse:
    """Return to the page that the form stood on, never to another host."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(target if safe else reverse(default, args=args))


def patient_for(user: User, code: str) -> Patient:
    """The patient, if the user may open the record; else 404."""
    return get_object_or_404(patients_visible_to(user), code=code)


@page("GET", find=patient_for)
def patient_page(request: HttpRequest, patient: Patient) -> HttpResponse:
    """One patient's record; each opening is written down."""
    user, now = actor(request), timezone.now()
    services.record_opened(patient=patient, by=user, page="patient")
    context = record_context(patient, user, now) | {
        "absence": absence_of(patient, user, now),
        "may_manage_recordings": may(user, Permission.MANAGE_RECORDINGS),
        "may_act": may(user, Permission.ACT_ON_ALERTS),
        "may_care": may(user, Permission.CARE),
        "life": life_context(patient),
        "may_manage_medications": may(user, Permission.MANAGE_MEDICATIONS),
        "reasons": DismissReason.choices,
    }
    return render(request, "patients/record.html", context)
