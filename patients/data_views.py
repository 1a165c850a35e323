"""The page “Data” of a patient: where the minutes come from, and what may be changed about it."""

import re
from collections.abc import Sequence
from dataclasses import astuple
from datetime import date

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts.presenters.absence import absence_of
from clarity_site.said import said_again
from patients import services, tokens
from patients.domain.days import zone_names
from patients.domain.errors import InputError
from patients.forms import RemovalForm, ZoneForm
from patients.models import Device, DeviceToken, Patient, User
from patients.permissions import Permission, may
from patients.presenters import zone_now
from patients.provenance import days_held
from patients.removal import device_remove as device_data_remove
from patients.resolving import device_order_set
from patients.templatetags.clarity import thousands
from patients.views import actor, back, page, patient_for
from scoring.presenters.data_page import (
    counted_days,
    counted_minutes,
    data_context,
    files_page,
    uploads_open,
)
from scoring.runs import scoring_request

KEY = re.compile("[0-9]{1,18}")
STILL_VALID_FIRST = F("revoked_at").desc(nulls_first=True)
DAYS = ("first_day", "last_day")
EARLIEST, LATEST = date(1970, 1, 3), date(2099, 12, 31)


@page("GET", find=patient_for)
def data_page(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Devices, days, files and zones."""
    return _data_page(request, patient, ZoneForm(label_suffix=""))


def _data_page(
    request: HttpRequest,
    patient: Patient,
    zone_form: ZoneForm,
    status: int = 200,
    removal: RemovalForm | None = None,
    **more: object,
) -> HttpResponse:
    """The page, also in answer to a form; each opening is written down."""
    services.record_opened(patient=patient, by=actor(request), page="data")
    now, asked = timezone.now(), request.GET
    until, day = (_day(asked.get(name, "")) for name in ("until", "day"))
    context = data_context(patient, now, until, day, asked.get("order", ""))
    context |= files_page(patient, asked.get("page", "1")) | {
        "patient": patient,
        "page_address": reverse("patient-data", args=[patient.code]),
        "zone": zone_now(patient),
        "zones": patient.zones.order_by("-first_day"),
        "zone_form": zone_form,
        "zone_names": sorted(zone_names()),
        "absence": absence_of(patient, actor(request), now),
        "uploads": uploads_open(patient),
        "tokens": patient.device_tokens.order_by(STILL_VALID_FIRST, "-created_at"),
        "may_manage_recordings": may(actor(request), Permission.MANAGE_RECORDINGS),
        "may_act": may(actor(request), Permission.ACT_ON_ALERTS),
        "removals": _removals(patient, [line.device for line in context["devices"]], removal),
    }
    return render(request, "patients/data.html", context | more, status=status)


def _removals(
    patient: Patient, devices: Sequence[Device], refused: RemovalForm | None
) -> list[RemovalForm]:
    """A form for each device that has anything, filled in with all of it; one as it was refused."""
    held = days_held(patient)
    return [
        refused
        if refused and refused.device == device
        else RemovalForm(device=device, initial=dict(zip(DAYS, held[device.pk], strict=True)))
        for device in devices
        if device.pk in held
    ]


@page("POST", Permission.MANAGE_RECORDINGS, find=patient_for)
def device_order(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Move a device up or down in the list on the page, or save the order as it stands there."""
    order = [key for key in request.POST.get("order", "").split(",") if KEY.fullmatch(key)]
    for step, name in ((-1, "up"), (1, "down")):
        if (key := request.POST.get(name)) in order:
            return _moved(patient, _swapped(order, order.index(key), step), key, name)
    try:
        keys = list(map(int, order))
        days = device_order_set(patient=patient, devices=keys, by=actor(request))
        if days:
            scoring_request(patient=patient)
        messages.success(request, _changed(days))
    except InputError as refusal:
        messages.error(request, said_again(refusal))
    return HttpResponseRedirect(reverse("patient-data", args=[patient.code]))


def _swapped(order: list[str], place: int, step: int) -> list[str]:
    other = place + step
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    return order


def _moved(patient: Patient, order: list[str], key: str, pressed: str) -> HttpResponse:
    """Back to the page with the order not yet saved, and with the focus on the pressed button.

    At an end of the list that button is off; the other one of the device has the focus then.
    """
    button = {order[-1]: "up", order[0]: "down"}.get(key, pressed)
    address = reverse("patient-data", args=[patient.code])
    return HttpResponseRedirect(f"{address}?order={','.join(order)}#{button}-{key}")


def _changed(days: int) -> str:
    if not days:
        return _("The order is saved. No minute and no night changed by it.")
    return ngettext(
        "The order is saved. %(days)d day changed by it; the patient will be scored anew.",
        "The order is saved. %(days)d days changed by it; the patient will be scored anew.",
        days,
    ) % {"days": days}


def device_for(user: User, code: str, device_id: int) -> Device:
    """The device, if it is of a patient whose record the user may open; else 404."""
    found = Device.objects.filter(patient=patient_for(user, code)).select_related("patient")
    return get_object_or_404(found, pk=device_id)


@page("POST", Permission.MANAGE_RECORDINGS, find=device_for)
def device_remove(request: HttpRequest, device: Device) -> HttpResponse:
    """Take out what a device reported from a UTC day to another."""
    patient, form = device.patient, RemovalForm(request.POST, device=device)
    if form.is_valid():
        bounds = {name: form.cleaned_data[name] for name in DAYS}
        try:
            with transaction.atomic():
                removed = device_data_remove(
                    patient=patient, device=device, by=actor(request), **bounds
                )
                scoring_request(patient=patient)
        except InputError as refusal:
            form.add_error(None, said_again(refusal))
    if form.errors:
        return _data_page(request, patient, ZoneForm(label_suffix=""), status=422, removal=form)
    messages.success(request, _removed_words(device, *astuple(removed)))
    return HttpResponseRedirect(reverse("patient-data", args=[patient.code]) + "#devices")


def _removed_words(device: Device, days: int, minutes: int, nights: int) -> str:
    counted = {
        "days": counted_days(days),
        "minutes": counted_minutes(minutes),
        "nights": ngettext("%(n)s night", "%(n)s nights", nights) % {"n": thousands(nights)},
        "device": device.name,
    }
    return (
        _(
            "%(days)s of %(device)s removed: %(minutes)s and %(nights)s; the patient will be "
            "scored anew."
        )
        % counted
    )


@page("POST", Permission.MANAGE_RECORDINGS, find=patient_for)
def zone_set(request: HttpRequest, patient: Patient) -> HttpResponse:
    """The patient lives in another zone from a day on."""
    form = ZoneForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            services.zone_set(patient=patient, by=actor(request), **form.cleaned_data)
        except InputError as refusal:
            form.add_error(None, said_again(refusal))
    if form.errors:
        return _data_page(request, patient, form, status=422)
    scoring_request(patient=patient)
    zone, first_day = form.cleaned_data["zone"], form.cleaned_data["first_day"]
    messages.success(
        request,
        _("%(zone)s holds from %(day)s; days since are redone.")
        % {"zone": zone, "day": date_format(first_day, "j F Y")},
    )
    return HttpResponseRedirect(reverse("patient-data", args=[patient.code]))


@page("POST", Permission.MANAGE_RECORDINGS, find=patient_for)
def token_issue(request: HttpRequest, patient: Patient) -> HttpResponse:
    """A token for one device; this answer is the only place where it can be read."""
    form = ZoneForm(label_suffix="")
    try:
        token, words = tokens.token_issue(
            patient=patient, label=request.POST.get("label", ""), by=actor(request)
        )
    except InputError as refusal:
        messages.error(request, said_again(refusal))
        return _data_page(request, patient, form, status=422)
    return _data_page(request, patient, form, new_token=token, new_token_text=words)


def token_for(user: User, code: str, token_id: int) -> DeviceToken:
    """The token, if it is of a patient whose record the user may open; else 404."""
    found = DeviceToken.objects.filter(patient=patient_for(user, code)).select_related("patient")
    return get_object_or_404(found, pk=token_id)


@page("POST", Permission.MANAGE_RECORDINGS, find=token_for)
def token_revoke(request: HttpRequest, token: DeviceToken) -> HttpResponse:
    """The device can send nothing more."""
    tokens.token_revoke(token=token, by=actor(request))
    messages.success(
        request,
        _("The token of “%(label)s” is revoked: it opens nothing more.") % {"label": token.label},
    )
    if request.POST.get("next"):
        return back(request, "devices")
    return HttpResponseRedirect(reverse("patient-data", args=[token.patient.code]) + "#tokens")


def _day(text: str) -> date | None:
    """A day of the address; what is none, or lies beyond all recordings, is left out."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
