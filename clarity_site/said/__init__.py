"""Says in another language what is stored or made in English: reasons, refusals, rule files.

``domain/`` knows no Django, and a stored reason must read the same years later: both keep English
sentences. Here they are said again for who reads them. A sentence with values in it is known by
its pattern, whose placeholders stand for any text: numbers, dates and units in them are written
as the language does, and what is itself a known sentence is said again too.
"""

import re
from datetime import date, datetime
from functools import lru_cache
from itertools import chain

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext

from clarity_site.numbers import written
from clarity_site.said import alerts, files, patients, scoring, tables

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
NUMBER = re.compile(r"[-+−]?\d[\d,]*(\.\d+)?")
AMOUNT = re.compile(r"(?P<number>[-+−]?\d[\d,]*(\.\d+)?) ?(?P<unit>\D.*)")
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


def is_known(text: str, language: str = "fr") -> bool:
    """Whether the text can be said in the language at all."""
    with translation.override(language):
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
    for pattern, message in _patterns():
        if found := pattern.fullmatch(text):
            values = {k: _value(v, depth - 1) for k, v in found.groupdict().items()}
            return gettext(message) % values
    parts = SENTENCES.split(text)
    if len(parts) > 1:
        return " ".join(_again(part, depth - 1) for part in parts)
    return _lowered(text, depth)


def _lowered(text: str, depth: int) -> str:
    """A sentence that begins small because it stands within another."""
    if not text[0].islower():
        return text
    large = text[0].upper() + text[1:]
    said = _again(large, depth - 1) if depth > 1 else large
    return text if said == large else said[0].lower() + said[1:]


def _value(text: str, depth: int) -> str:
    """What stood in a placeholder, as the language writes it."""
    if NUMBER.fullmatch(text):
        return written(text)
    if text.endswith("%") and NUMBER.fullmatch(share := text[:-1].strip()):
        return f"{written(share)}\u202f%"
    if day := _day(text):
        return date_format(day, "j F Y")
    said = _again(text, depth)
    if said != text:
        return said
    found = AMOUNT.fullmatch(text)
    if found and (unit := pgettext("unit", found["unit"])):
        return f"{written(found['number'])}\u202f{unit}"
    return text


def _day(text: str) -> date | None:
    if not (text[:1].isdigit() and text[-4:].strip("-").isdigit()):
        return None
    for form in DAYS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """All patterns, those with most words of their own first."""
    messages = {m for m in chain(known_messages(), tables.texts()) if PLACEHOLDER.search(m)}
    longest = sorted(messages, key=lambda m: (-len(PLACEHOLDER.sub("", m)), m))
    return tuple((compiled(message), message) for message in longest)


def known_messages() -> tuple[str, ...]:
    """Every message of the domain code and the services that a person may read."""
    return (*patients.MESSAGES, *files.MESSAGES, *scoring.MESSAGES, *alerts.MESSAGES)


def compiled(message: str) -> re.Pattern[str]:
    """The pattern of a message: any text stands where it has a placeholder."""
    out, at = "", 0
    for hole in PLACEHOLDER.finditer(message):
        out += re.escape(message[at : hole.start()].replace("%%", "%")) + f"(?P<{hole[1]}>.+?)"
        at = hole.end()
    return re.compile(out + re.escape(message[at:].replace("%%", "%")), re.DOTALL)
