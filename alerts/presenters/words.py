"""Moments and spans in the reader's language; a moment is on the patient's clock."""

from datetime import datetime, timedelta
from math import ceil

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from patients.presenters import in_zone
from patients.templatetags.clarity import day, time_mark, zone_letters

HOURS_UP_TO = 48  # longer spans are told in days


def when(moment: datetime, zone: str, now: datetime) -> SafeString:
    """“09:14 EST” of today, else “19 Nov 2026, 09:14 EST”; pointed at, on the reader's clock."""
    local, today = in_zone(moment, zone), in_zone(now, zone).date()
    words = f"{date_format(local, 'H:i')} {zone_letters(local)}"
    if local.date() != today:
        words = f"{day(local)}, {words}"
    return time_mark(moment, zone, words)


def span(length: timedelta) -> str:
    """“12 minutes”, “5 hours”, “3 days” that have gone by, in whole ones; never a minus."""
    return _span(max(int(length / timedelta(minutes=1)), 0))


def within(length: timedelta) -> str:
    """The same of what is still to come, rounded up: 2 days and 23 hours are within 3 days."""
    minutes = max(ceil(length / timedelta(minutes=1)), 0)
    unit = 1 if minutes <= 60 else 60 if minutes <= HOURS_UP_TO * 60 else 24 * 60
    return _span(ceil(minutes / unit) * unit)


def _span(minutes: int) -> str:
    if not minutes:
        return gettext("less than a minute")
    if minutes < 60:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < HOURS_UP_TO:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}
