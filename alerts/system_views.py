"""Other systems, for administrators: which may call Clarity or read from it."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts import systems as services
from alerts.ehr_tokens import key_folder
from alerts.fhir.keys import KeyTrouble
from alerts.models import TrustedSystem
from alerts.system_forms import SystemForm
from alerts.trust import NotTrusted, keys_looked_at
from patients.domain.errors import InputError
from patients.models import User
from patients.permissions import Permission
from patients.views import actor, page

UNUSABLE = 422


def system_for(_user: User, system_id: int) -> TrustedSystem:
    """A registered system."""
    return get_object_or_404(TrustedSystem, pk=system_id)


@page("GET", Permission.MANAGE_SYSTEMS)
def systems_page(request: HttpRequest) -> HttpResponse:
    """All that are registered, and what to tell the other side."""
    return _systems(request, SystemForm())


@page("POST", Permission.MANAGE_SYSTEMS)
def system_register(request: HttpRequest) -> HttpResponse:
    """A system more."""
    form = SystemForm(request.POST)
    if system := _saved(request, form, None):
        messages.success(request, _("%(system)s is registered.") % {"system": system})
        return redirect("system", system.pk)
    return _systems(request, form, UNUSABLE)


@page("GET", Permission.MANAGE_SYSTEMS, find=system_for)
def system_page(request: HttpRequest, system: TrustedSystem) -> HttpResponse:
    """One system."""
    return _system(request, system, SystemForm(instance=system))


@page("POST", Permission.MANAGE_SYSTEMS, find=system_for)
def system_change(request: HttpRequest, system: TrustedSystem) -> HttpResponse:
    """Another issuer, other keys, other scopes."""
    form = SystemForm(request.POST, instance=system)
    if _saved(request, form, system):
        messages.success(request, _("%(system)s is saved.") % {"system": system})
        return redirect("system", system.pk)
    return _system(request, system_for(actor(request), system.pk), form, UNUSABLE)


@page("POST", Permission.MANAGE_SYSTEMS, find=system_for)
def system_switch(request: HttpRequest, system: TrustedSystem) -> HttpResponse:
    """Let it call, or no more."""
    on = request.POST.get("on") == "true"
    services.system_switch(system=system, on=on, by=actor(request))
    said = _("%(system)s is switched on.") if on else _("%(system)s is switched off.")
    messages.success(request, said % {"system": system})
    return redirect("system", system.pk)


@page("POST", Permission.MANAGE_SYSTEMS, find=system_for)
def system_keys(request: HttpRequest, system: TrustedSystem) -> HttpResponse:
    """Read its keys now and say which can be used."""
    try:
        keys = keys_looked_at(system)
    except NotTrusted as trouble:
        return _system(request, system, SystemForm(instance=system), trouble=trouble.reason)
    return _system(request, system, SystemForm(instance=system), keys=keys, looked=True)


def _saved(
    request: HttpRequest, form: SystemForm, system: TrustedSystem | None
) -> TrustedSystem | None:
    if not form.is_valid():
        return None
    try:
        return services.system_save(system=system, by=actor(request), **form.cleaned_data)
    except InputError as refusal:
        form.add_error(None, str(refusal))
    return None


def _systems(request: HttpRequest, form: SystemForm, status: int = 200) -> HttpResponse:
    try:
        own_keys = len(key_folder().published(timezone.now())["keys"])
        key_trouble = ""
    except KeyTrouble as trouble:
        own_keys, key_trouble = 0, str(trouble)
    context = {
        "systems": [(it, services.why_no_cards(it)) for it in TrustedSystem.objects.all()],
        "form": form,
        "jwks_url": request.build_absolute_uri(reverse("jwks")),
        "fhir_base": request.build_absolute_uri(reverse("fhir-base")).rstrip("/"),
        "token_url": request.build_absolute_uri(reverse("fhir-token")),
        "own_keys": own_keys,
        "key_trouble": key_trouble,
        "client_id": settings.EHR_CLIENT_ID,
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "alerts/systems.html", context, status=status)


def _system(
    request: HttpRequest, system: TrustedSystem, form: SystemForm, status: int = 200, **more: object
) -> HttpResponse:
    zone = timezone.get_default_timezone_name()
    why = services.why_no_cards(system)
    context = {"system": system, "why_no_cards": why, "form": form, "zone": zone} | more
    return render(request, "alerts/system.html", context, status=status)
