"""The administrator's start: what needs attention now, and the way to everything else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from alerts.presenters.hub import groups_for, needs
from patients.permissions import Permission
from patients.views import actor, page


@page("GET", Permission.RUN_CLINIC)
def hub(request: HttpRequest) -> HttpResponse:
    """Numbers with a link each, those that ask for something first."""
    user = actor(request)
    found = needs(user, timezone.now())
    context = {
        "waiting": [need for need in found if need.count],
        "quiet": [need for need in found if not need.count],
        "groups": groups_for(user),
        "is_superuser": user.is_superuser,
    }
    return render(request, "alerts/hub.html", context)
