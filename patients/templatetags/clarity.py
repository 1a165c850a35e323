"""How values look on a page, in the reader's language: tiers, numbers with units, days, moments."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, pgettext_lazy

from clarity_site.languages import on_readers_clock
from clarity_site.numbers import NARROW, thousands_mark, written
from clarity_site.said import said_again
from patients.presenters import in_zone

# Units of clock times, in minutes: a mean of 21.58 clock hours reads 21:35.
CLOCK_UNITS = {"clock hour": 60, "min from midnight": 1}
ABBREVIATIONS = {"auroc", "auprc", "auc", "ece", "sha256", "n", "sd"}

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
        words or (said_again(tier) if tier else gettext("Not assessed")),
    )


@register.simple_tag
def tier_word(tier: str | None) -> str:
    """The tier in the reader's language; nothing as “–”."""
    return said_again(tier) if tier else MISSING


@register.filter
def said(text: Any) -> str:
    """A stored or made English text in the reader's language."""
    return "" if text is None else said_again(text)


@register.filter
def actor(username: str) -> str:
    """Who acted, as it is stored; what the system did itself is said in the reader's language."""
    return gettext("system") if username == "system" else username


@register.filter
def named(username: str, names: Any) -> str:
    """Somebody by full name, of those in ``names``; Clarity itself as “system”."""
    return gettext("system") if username == "system" else str(names.get(username, username))


@register.filter
def as_in_file(text: str) -> str:
    """A text of a rule file, if as a whole it has a translation; else itself, marked as English."""
    told = gettext(text) if text else ""
    is_told = told != text or (get_language() or "en").startswith("en")
    if is_told or not re.search("[A-Za-z]{2}", text):
        return told
    return format_html('<span lang="en">{}</span>', text)


@register.filter
def percent(share: float | None) -> str:
    """0.483 → “48 %”."""
    return MISSING if share is None else f"{round(share * 100)}{NARROW}%"


def percent_by(share: float | None, edges: Iterable[float]) -> str:
    """As ``percent``, but “just under 50 %” where that would read as an edge it is below."""
    for edge in edges:
        if share is not None and share < edge and percent(share) == percent(edge):
            return gettext("just under %(edge)s") % {"edge": percent(edge)}
    return percent(share)


@register.filter
def number(value: Any) -> str:
    """About three digits: 4.1 or 4,1, 62, 1,240; text as it is, nothing as “–”."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return written(text.rstrip("0").rstrip(".") if "." in text else text)


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
        spread = "" if sd is None else f" ± {round(sd * per_minute)} min"  # min in both languages
        return clock(value * per_minute) + spread
    if value is not None and unit == "share of the day":
        return gettext("%(share)s of the day") % {"share": percent(value)}
    spread = "" if sd is None else f" ± {number(sd)}"
    words = said_again(unit or "")
    bare = words[:1].isdigit() or unit == "ratio"  # 0.52 (0 to 1)
    scale = f"({words})" if bare else words
    return f"{number(value)}{spread} {scale}".strip()


def clock(minutes: float) -> str:
    """Minutes from midnight on a 24 h clock: −40 is 23:20."""
    whole = round(minutes) % 1440
    return f"{whole // 60:02}:{whole % 60:02}"


@register.filter
def fact_name(name: str) -> str:
    """intended_use → Intended use; auroc → AUROC."""
    return said_again(key_words(name))


def key_words(name: str) -> str:
    """The same in English, as in the file that it is of."""
    text = str(name).replace("_", " ")
    return text.upper() if text in ABBREVIATIONS else text[:1].upper() + text[1:]


@register.filter
def fact(value: Any) -> str:
    """A stored fact in words: lists with commas, tables as “name value”."""
    if isinstance(value, dict):
        return ", ".join(f"{fact_name(k).lower()} {fact(v)}" for k, v in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(map(fact, value))
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, float) and 0 < abs(value) < 0.01:
        return written(f"{value:.1g}")
    return said_again(number(value))


@register.filter
def thousands(value: int) -> str:
    """1440 → “1,440”, in French with a narrow space."""
    return f"{value:,}".replace(",", thousands_mark())


@register.filter
def signed(value: float | None) -> str:
    """A number with its sign: +12, −3.4."""
    if value is None:
        return MISSING
    return ("+" if value > 0 else "") + number(value)


@register.filter
def week_day(value: date) -> str:
    """Thu 19 Nov, in French jeu. 19 nov."""
    if (get_language() or "en").startswith("en"):
        return date_format(value, "D j M")
    return f"{date_format(value, 'D')}. {date_format(value, 'j N')}"


@register.filter
def day(value: date | datetime | str | None) -> str:
    """19 Nov 2026, in French 19 nov. 2026."""
    if not value:
        return MISSING
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return str(value)
    return date_format(value, _short())


def _short() -> str:
    """The format of a short day: French months are cut as “janv.”, not as “jan”."""
    return "j M Y" if (get_language() or "en").startswith("en") else "j N Y"


ZONE_LETTERS = {
    "EST": pgettext_lazy("time zone", "EST"),
    "EDT": pgettext_lazy("time zone", "EDT"),
    "CST": pgettext_lazy("time zone", "CST"),
    "CDT": pgettext_lazy("time zone", "CDT"),
    "MST": pgettext_lazy("time zone", "MST"),
    "MDT": pgettext_lazy("time zone", "MDT"),
    "PST": pgettext_lazy("time zone", "PST"),
    "PDT": pgettext_lazy("time zone", "PDT"),
    "AST": pgettext_lazy("time zone", "AST"),
    "ADT": pgettext_lazy("time zone", "ADT"),
    "NST": pgettext_lazy("time zone", "NST"),
    "NDT": pgettext_lazy("time zone", "NDT"),
    "CET": pgettext_lazy("time zone", "CET"),
    "CEST": pgettext_lazy("time zone", "CEST"),
}


def zone_letters(local: datetime) -> str:
    """EST, in French HNE; where a zone has none, its offset."""
    letters = str(local.tzname())
    return str(ZONE_LETTERS.get(letters, letters))


@register.filter("moment")
def moment_mark(value: datetime | None, zone: str) -> SafeString | str:
    """The moment for pages: pointing at it tells it on the reader's own clock."""
    return MISSING if value is None else time_mark(value, zone)


def time_mark(value: datetime, zone: str, words: str = "") -> SafeString:
    """The same in words that may leave something out: pointing at them tells it."""
    shown, hint = in_zone(value, zone), on_pointing(value, zone, words)
    title = format_html(' title="{}"', hint) if hint else ""
    return format_html(
        '<time datetime="{}"{}>{}</time>',
        shown.isoformat(timespec="minutes"),
        title,
        words or _told(shown),
    )


def on_pointing(value: datetime, zone: str, words: str = "") -> str:
    """The moment on the reader's clock where that is another, else all that words leave out."""
    shown, own = in_zone(value, zone), on_readers_clock(value)
    if own.utcoffset() != shown.utcoffset():
        return gettext("%(moment)s on your clock") % {"moment": _told(own)}
    told = _told(shown)
    return told if words and words != told else ""


def _told(local: datetime) -> str:
    return f"{date_format(local, _short() + ', H:i')} {zone_letters(local)}"


def moment(value: datetime | None, zone: str) -> str:
    """19 Nov 2026, 09:14 EST: the zone is named, because it is the patient's."""
    if value is None:
        return MISSING
    return _told(in_zone(value, zone))
