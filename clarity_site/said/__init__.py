"""Says in another language what is stored or made in English: reasons, refusals, rule files.

``domain/`` knows no Django, and a stored reason must read the same years later: both keep English
sentences. Here they are said again for who reads them. A sentence with values in it is known by
its pattern, whose placeholders stand for any text: numbers, dates and units in them are written
as the language does, and what is itself a known sentence is said again too.
"""

import re
from calendar import day_name, month_name
from datetime import date, datetime
from functools import lru_cache
from itertools import chain

from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.translation import gettext

from clarity_site.numbers import written
from clarity_site.said import alerts, audit, ehr, files, models, patients, scoring, tables

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
NUMBER = re.compile(r"[-+−]?\d[\d,]*(\.\d+)?")
AMOUNT = re.compile(r"(?P<what>.+? )?(?P<number>[-+−]?\d[\d,]*(\.\d+)?) (?P<unit>[^\d\s].*|0 to 1)")
CLOCK = re.compile(r"(?P<what>.+) (?P<clock>\d\d:\d\d)")
BRACKETS = re.compile(r"(?P<outer>.+) \((?P<inner>[^()]+)\)")
DAY_OF_WEEK = re.compile(r"(?P<week>[A-Z]\w+) (?P<day>\d+) (?P<month>[A-Z]\w+)(?P<year> \d{4})?")
SYMBOLS = {"h", "min", "ms", "bpm", "SD", "s"}
SENTENCES = re.compile(r"(?<=[.!?]) (?=[A-Z“0-9])")
DAYS = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y")
DEEPEST = 4


def said_again(text: object, language: str | None = None) -> str:
    """The English text in the language, by default the reader's; what is not known stays as it is.

    >>> said_again("Both tracks are Low: they weigh the same.", "fr")
    'Les deux volets sont au niveau Faible : ils pèsent autant.'
    """
    words = str(text)
    language = language or translation.get_language() or "en"
    return words if language.startswith("en") else _said(words, language)


said_lazy = lazy(said_again, str)  # for what is made before it is known who reads it


def is_known(text: str, language: str = "fr") -> bool:
    """Whether the text can be said in the language at all."""
    with translation.override(language):
        return is_told(text)


def is_told(text: str) -> bool:
    """Whether the language in use has words for the text."""
    return gettext(text) != text or any(p.fullmatch(text) for p, _ in _patterns())


@lru_cache(maxsize=8192)
def _said(text: str, language: str) -> str:
    with translation.override(language):
        return _again(text, DEEPEST)


def _again(text: str, depth: int) -> str:
    if not text or not depth:
        return text
    exact = gettext(text)
    if exact != text:
        return exact
    if listed := _listed(text, depth):
        return listed
    for pattern, message in _patterns():
        if found := pattern.fullmatch(text):
            values = {k: _value(v, depth - 1) for k, v in found.groupdict().items()}
            return gettext(message) % values
    parts = SENTENCES.split(text)
    said = " ".join(_again(part, depth - 1) for part in parts) if len(parts) > 1 else text
    if said != text:
        return said
    return _lowered(text, depth) or _composed(text, depth) or text


def _listed(text: str, depth: int) -> str:
    """“tier High; recorded as mdd”, and a source with its section; empty for others."""
    if source := next((t for t in tables.texts() if text.startswith(f"{t}, ")), ""):
        return f"{gettext(source)}, {_again(text[len(source) + 2 :], depth)}"
    parts = text.split("; ")
    if len(parts) == 1 or text.endswith(".") or not all(map(is_told, parts)):
        return ""
    return "\u202f; ".join(_again(part, depth - 1) for part in parts)


def _lowered(text: str, depth: int) -> str:
    """A sentence that begins small because it stands within another."""
    if not text[0].islower():
        return ""
    large = text[0].upper() + text[1:]
    said = _again(large, depth - 1) if depth > 1 else large
    return "" if said == large else said[0].lower() + said[1:]


def _value(text: str, depth: int) -> str:
    """What stood in a placeholder, as the language writes it."""
    if NUMBER.fullmatch(text):
        return written(text)
    if text.endswith("%") and NUMBER.fullmatch(share := text[:-1].strip()):
        return f"{written(share)}\u202f%"
    if day := _day(text):
        return date_format(day, "j F Y")
    said = _day_of_week(text) or _again(text, depth)
    if said != text:
        return said
    return _amount(text, depth) or _composed(text, depth) or text


def _amount(text: str, depth: int) -> str:
    """“Time asleep 4.1 h”, “3,321 a day”; empty for what is none."""
    found = AMOUNT.fullmatch(text)
    if not found:
        return ""
    unit = "of 1" if found["unit"] == "0 to 1" else found["unit"]  # as it was once stored
    if unit not in SYMBOLS and gettext(unit) == unit:
        return ""
    what = _again(found["what"].rstrip(), depth) + " " if found["what"] else ""
    return f"{what}{written(found['number'])} {gettext(unit)}"


def _composed(text: str, depth: int) -> str:
    """Quoted titles, a part in brackets, a name before a time of the clock; empty for others."""
    if text[0] == "“" and text[-1] == "”":
        return ", ".join(gettext("“%s”") % _again(t, depth) for t in text[1:-1].split("”, “"))
    if " or " in text and all(map(is_told, parts := text.split(" or "))):
        return gettext(" or ").join(_again(part, depth) for part in parts)
    if found := CLOCK.fullmatch(text):
        return f"{_again(found['what'], depth)} {found['clock']}"
    if found := BRACKETS.fullmatch(text):
        return f"{_value(found['outer'], depth)} ({_value(found['inner'], depth)})"
    return ""


def _day(text: str) -> date | None:
    for form in DAYS if text[:1].isdigit() else ():
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _day_of_week(text: str) -> str:
    """“Tuesday 17 November”, with a year or without."""
    found = DAY_OF_WEEK.fullmatch(text)
    if not found or found["week"] not in day_name or found["month"] not in month_name:
        return ""
    week, month = (list(day_name).index(found["week"]), list(month_name).index(found["month"]))
    return f"{WEEKDAYS[week]} {found['day']} {MONTHS[month]}{found['year'] or ''}"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """All patterns, those with most words of their own first."""
    messages = {m for m in chain(known_messages(), tables.texts()) if PLACEHOLDER.search(m)}
    longest = sorted(messages, key=lambda m: (-len(PLACEHOLDER.sub("", m)), m))
    return tuple((compiled(message), message) for message in longest)


def known_messages() -> tuple[str, ...]:
    """Every message of the domain code and the services that a person may read."""
    return (
        *patients.MESSAGES,
        *files.MESSAGES,
        *scoring.MESSAGES,
        *models.MESSAGES,
        *alerts.MESSAGES,
        *audit.MESSAGES,
        *ehr.MESSAGES,
    )


@lru_cache(maxsize=1)
def _sources() -> str:
    return "".join(f"{re.escape(t)}|" for t in sorted(tables.texts(), key=len, reverse=True))


def compiled(message: str) -> re.Pattern[str]:
    """The pattern of a message: any text stands where it has a placeholder."""
    out, at = "", 0
    for hole in PLACEHOLDER.finditer(message):
        known = _sources() if hole[1] == "source" else ""  # they hold commas, as what follows does
        out += re.escape(message[at : hole.start()].replace("%%", "%"))
        out += f"(?P<{hole[1]}>{known}.+?)"
        at = hole.end()
    return re.compile(out + re.escape(message[at:].replace("%%", "%")), re.DOTALL)
