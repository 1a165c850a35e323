"""How values look on a page: tiers, numbers with units, days and moments."""

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from patients.presenters import in_zone

register = template.Library()

MISSING = "–"
# Each tier has a shape, a word and a colour: any one of them is enough.
SHAPES = {
    "High": '<path d="M6 1 11.5 11H.5Z"/>',
    "Moderate": '<path d="M6 .5 11.5 6 6 11.5.5 6Z"/>',
    "Low": '<circle cx="6" cy="6" r="4"/>',
    "Indeterminate": '<path d="M2 6h8"/>',
}


@register.simple_tag
def pill(tier: str | None, words: str = "") -> SafeString:
    """The tier as a shape and a word."""
    name = tier or "Indeterminate"
    shape = mark_safe(SHAPES[name])
    return format_html(
        '<span class="pill pill-{}"><svg viewBox="0 0 12 12" aria-hidden="true">{}</svg>{}</span>',
        name.lower(),
        shape,
        words or (tier if tier else "Not assessed"),
    )


@register.filter
def percent(share: float | None) -> str:
    """0.483 → “48 %”."""
    return MISSING if share is None else f"{round(share * 100)}\u202f%"


@register.filter
def number(value: Any) -> str:
    """About three digits: 4.1, 62, 1240; text as it is, nothing as “–”."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "\u2212")


@register.filter
def usual(value: Any) -> str:
    """What is usual for this person: “7.2 ± 0.6”."""
    if not isinstance(value, dict):
        return number(value)
    sd = value.get("sd")
    return number(value.get("mean")) + (f" ± {number(sd)}" if sd is not None else "")


@register.filter
def fact_name(name: str) -> str:
    """intended_use → Intended use."""
    return str(name).replace("_", " ").capitalize()


@register.filter
def fact(value: Any) -> str:
    """A stored fact: a list with commas, a number with three digits, text as it is."""
    return ", ".join(number(v) for v in value) if isinstance(value, list) else number(value)


@register.filter
def signed(value: float | None) -> str:
    """A number with its sign: +12, −3.4."""
    if value is None:
        return MISSING
    return ("+" if value > 0 else "") + number(value)


@register.filter
def day(value: date | datetime | str | None) -> str:
    """19 Nov 2026."""
    if not value:
        return MISSING
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return str(value)
    return date_format(value, "j M Y")


@register.filter
def moment(value: datetime | None, zone: str) -> str:
    """19 Nov 2026, 09:14 EST: the zone is named, because it is the patient's."""
    if value is None:
        return MISSING
    local = in_zone(value, zone)
    return f"{date_format(local, 'j M Y, H:i')} {local.tzname()}"
