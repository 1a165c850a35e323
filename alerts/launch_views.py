"""Clarity opened out of the EHR (SMART App Launch): off to its log-in, and back."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from alerts import launches
from alerts.fhir.smart import LaunchFailed, Pending
from alerts.presenters.launch import WORDS

PENDING = "ehr_launches"  # in the session: the secrets never leave this server
AT_ONCE = 5  # patients that somebody opens in as many tabs
BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_GET
def launch(request: HttpRequest) -> HttpResponse:
    """The EHR opens Clarity for a patient: what it gives along is asked for at its log-in."""
    return _off(request, request.GET.get("iss", ""), request.GET.get("launch", ""))


@login_not_required
@never_cache
@require_GET
def launch_standalone(request: HttpRequest) -> HttpResponse:
    """Somebody logs in by the EHR, which asks them for the patient."""
    return _off(request, settings.EHR_BASE_URL, "")


def _off(request: HttpRequest, iss: str, handle: str) -> HttpResponse:
    try:
        pending, url = launches.launch_begin(
            iss=iss, launch=handle, redirect=_redirect_uri(request), now=timezone.now()
        )
    except LaunchFailed as failure:
        return _refused(request, failure.code)
    kept = dict(list(request.session.get(PENDING, {}).items())[1 - AT_ONCE :])
    kept[pending.state] = [pending.nonce, pending.verifier, pending.began]
    request.session[PENDING] = kept
    return HttpResponseRedirect(url)


@login_not_required
@never_cache
@require_GET
def launch_back(request: HttpRequest) -> HttpResponse:
    """The EHR has logged somebody in: the record opens if their account here may see it."""
    pending = _taken(request, request.GET.get("state", ""))
    code = request.GET.get("code", "")
    if pending is None or not code:
        return _refused(request, launches.launch_lost(pending))
    try:
        arrived = launches.launch_finish(
            pending=pending, code=code, redirect=_redirect_uri(request), now=timezone.now()
        )
    except LaunchFailed as failure:
        return _refused(request, failure.code)
    login(request, arrived.user, BACKEND)
    if arrived.why_not:
        return _refused(request, arrived.why_not)
    if arrived.patient is None:
        return redirect("panel")
    return redirect("patient", arrived.patient.code)


def _taken(request: HttpRequest, state: str) -> Pending | None:
    """The launch of that state, which is then used up; None where this browser began none."""
    kept = dict(request.session.get(PENDING, {}))
    found = kept.pop(state, None)
    if found is None:
        return None
    request.session[PENDING] = kept
    nonce, verifier, began = found
    return Pending(state, nonce, verifier, began)


def _redirect_uri(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("launch-back"))


def _refused(request: HttpRequest, code: str) -> HttpResponse:
    why, what_to_do = WORDS[code]
    context = {"why": why, "what_to_do": what_to_do}
    return render(request, "alerts/launch_refused.html", context, status=403)
