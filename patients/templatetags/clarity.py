"""How values look on a page: tiers, numbers with units, days and moments."""

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from patients.presenters import in_zone

# Units of clock times, in minutes: a mean of 21.58 clock hours reads 21:35.
CLOCK_UNITS = {"clock hour": 60, "min from midnight": 1}
ABBREVIATIONS = {"auroc", "auprc", "auc", "ece", "sha256", "n"}

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


@register.simple_tag
def tier_word(tier: str | None) -> str:
    """The tier in the reader's language; nothing as “–”."""
    return _(tier) if tier else MISSING


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


@register.simple_tag
def quantity(value: Any, unit: str | None = "") -> str:
    """A value with its unit: “4.1 h”, “7.3 ± 0.6 h”; clock times as 21:35, not as 21.58."""
    if value is None or value == "":
        return MISSING
    sd = None
    if isinstance(value, dict):
        value, sd = value.get("mean"), value.get("sd")
    if value is not None and unit in CLOCK_UNITS:
        per_minute = CLOCK_UNITS[unit]
        spread = "" if sd is None else f" ± {round(sd * per_minute)} min"
        return clock(value * per_minute) + spread
    spread = "" if sd is None else f" ± {number(sd)}"
    scale = f"({unit})" if unit and unit[0].isdigit() else unit or ""  # 0.52 (0 to 1)
    return f"{number(value)}{spread} {scale}".strip()


def clock(minutes: float) -> str:
    """Minutes from midnight on a 24 h clock: −40 is 23:20."""
    whole = round(minutes) % 1440
    return f"{whole // 60:02}:{whole % 60:02}"


@register.filter
def fact_name(name: str) -> str:
    """intended_use → Intended use; auroc → AUROC."""
    text = str(name).replace("_", " ")
    return text.upper() if text in ABBREVIATIONS else text[:1].upper() + text[1:]


@register.filter
def fact(value: Any) -> str:
    """A stored fact in words: lists with commas, tables as “name value”."""
    if isinstance(value, dict):
        return ", ".join(f"{fact_name(k).lower()} {fact(v)}" for k, v in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(map(fact, value))
    if isinstance(value, float) and 0 < abs(value) < 0.01:
        return f"{value:.1g}"
    return number(value)


@register.filter
def thousands(value: int) -> str:
    """1440 → “1,440”."""
    return f"{value:,}"


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
