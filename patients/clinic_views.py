"""Devices and tokens of the whole clinic, and how fresh its data are."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.freshness import (
    MONTH,
    WEEK,
    Source,
    days_with_data,
    freshness_exported,
    patients_with_devices,
    silent,
    sources,
)
from patients.models import Patient
from patients.pages import paged
from patients.permissions import Permission, may
from patients.presenters import STALE_DAYS, Freshness, freshness
from patients.selectors import zones_of
from patients.views import actor, page

LEVELS = {
    "lost": _("lost: over 30 days, or never"),
    "stale": _("stale: up to 30 days"),
    "aging": _("aging: up to 7 days"),
    "fresh": _("fresh: up to 2 days"),
}
HEAD = ("patient", "source", "device", "last data (patient's day)", "level",
        "days with data of the last 7 (days)", "days with data of the last 30 (days)")  # fmt: skip


@page("GET", Permission.RUN_CLINIC)
def freshness_page(request: HttpRequest) -> HttpResponse:
    """Every source, the longest without data first."""
    now, level = timezone.now(), request.GET.get("level", "")
    search = request.GET.get("q", "").strip().lower()
    every = sources(actor(request), now)
    told = [(source, freshness(source.last, source.today)) for source in every]
    counts = Counter(fresh.level for _source, fresh in told)
    no_data = silent(every, STALE_DAYS)
    shown = [
        (source, fresh)
        for source, fresh in told
        if search in source.code.lower() and _is_asked(source, fresh, level, no_data)
    ]
    context = paged(request, shown)
    devices = [s.device for s, _fresh in context["rows"] if s.device]
    shares = days_with_data(devices, now)
    context["lines"] = [
        (source, fresh, _shares(shares.get(source.device or 0, (0, 0))))
        for source, fresh in context["rows"]
    ]
    context |= {
        "counts": [(key, words, counts[key]) for key, words in LEVELS.items()],
        "silent": len(no_data),
        "silent_days": STALE_DAYS,
        "total": len(every),
        "level": level if level in LEVELS or level == "silent" else "",
        "search": search,
    }
    return render(request, "patients/freshness.html", context)


def _is_asked(source: Source, fresh: Freshness, level: str, no_data: set[int]) -> bool:
    if level == "silent":
        return source.patient_id in no_data
    return level not in LEVELS or fresh.level == level


def _shares(days: tuple[int, int]) -> list[tuple[int, int, float]]:
    return [(n, of, n / of) for n, of in zip(days, (WEEK, MONTH), strict=True)]


@page("GET", Permission.RUN_CLINIC)
def freshness_csv(request: HttpRequest) -> HttpResponse:
    """All of it as CSV; written down, because it leaves Clarity."""
    now = timezone.now()
    rows = sources(actor(request), now)
    freshness_exported(by=actor(request), rows=rows)
    shares = days_with_data([s.device for s in rows if s.device], now)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="freshness.csv"'
    table = csv.writer(answer)
    table.writerow(HEAD)
    table.writerows(_csv_row(s, shares.get(s.device or 0, (0, 0))) for s in rows)
    return answer


def _csv_row(source: Source, days: tuple[int, int]) -> Sequence[object]:
    level = freshness(source.last, source.today).level
    last = source.last.isoformat() if source.last else ""
    # A leading character that a spreadsheet would read as a formula is quoted.
    name = f"'{source.name}" if source.name[:1] in ("=", "+", "-", "@", "\t") else source.name
    return source.code, source.format, name, last, level, *days


@page("GET", Permission.RUN_CLINIC)
def devices_page(request: HttpRequest) -> HttpResponse:
    """Each patient's devices and tokens."""
    user, now = actor(request), timezone.now()
    search, stale = request.GET.get("q", "").strip(), request.GET.get("only") == "stale"
    before = now - timedelta(days=STALE_DAYS)
    found = patients_with_devices(user, before if stale else None)
    context = paged(request, found.filter(code__icontains=search))
    context["lines"] = [_devices_line(patient) for patient in context["rows"]]
    context |= {
        "stale": stale,
        "stale_days": STALE_DAYS,
        "stale_before": before,
        "search": search,
        "total": patients_with_devices(user, None).count(),
        "stale_total": patients_with_devices(user, before).count(),
        "zone": timezone.get_default_timezone_name(),
        "may_revoke": may(user, Permission.MANAGE_RECORDINGS),
    }
    return render(request, "patients/devices.html", context)


def _devices_line(patient: Patient) -> dict[str, object]:
    zones = zones_of(patient)
    today = zones.local_day(timezone.now())
    devices = [
        (d, freshness(zones.local_day(d.last_data_at) if d.last_data_at else None, today))
        for d in patient.devices.all()
    ]
    tokens = sorted(patient.device_tokens.all(), key=lambda t: t.revoked_at is not None)
    return {"patient": patient, "devices": devices, "tokens": tokens}
