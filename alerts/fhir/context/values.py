"""The parts that FHIR resources share, read without trusting that they are there.

Nothing here raises for odd JSON: what cannot be read counts as not told.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

Json = Mapping[str, Any]
LocalDay = Callable[[datetime], date]
"""The day on the patient's calendar of an aware moment."""

LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
SAME_SYSTEM = {
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
}
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ENTERED_IN_ERROR = "entered-in-error"
LONGEST_WORDS = 160

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Fate(StrEnum):
    """What is to be done with a resource."""

    COUNTS = "counts"
    WITHDRAWN = "withdrawn"  # entered in error, or never came into force
    WAITING = "waiting"  # a proposal or a draft: nothing is taken because of it
    UNCLEAR = "unclear"  # it does not say enough


@dataclass(frozen=True)
class Coding:
    """One code of a system, with the EHR's words for it."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True)
class Concept:
    """A CodeableConcept: every coding it has, and its own text."""

    codings: tuple[Coding, ...] = ()
    text: str = ""

    @property
    def words(self) -> str:
        """How the EHR names it, in one line."""
        named = [self.text, *(it.display for it in self.codings), *(it.code for it in self.codings)]
        return next((words for words in named if words), "")[:LONGEST_WORDS]

    @property
    def key(self) -> tuple[str, str]:
        """(system, code) by which it is known again; text alone has the system “text”."""
        coded = next(((it.system, it.code) for it in self.codings if it.code), None)
        return coded or ("text", self.text.casefold()[:LONGEST_WORDS])

    def as_json(self) -> dict[str, Any]:
        """For storing: what ``from_json`` takes."""
        return {"codings": [[c.system, c.code, c.display] for c in self.codings], "text": self.text}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What ``as_json`` gave."""
        return cls(tuple(Coding(*it) for it in told["codings"]), told["text"])

    def codes(self, system: str) -> list[str]:
        """Its codes of that system, under whichever of its names."""
        named = ((SAME_SYSTEM.get(it.system, it.system), it.code) for it in self.codings)
        return [code for of, code in named if of == system and code]


def as_plain(told: Any) -> dict[str, Any]:
    """A value of this package as JSON, by which it is known whether the EHR says something new."""
    return {it.name: _plain(getattr(told, it.name)) for it in fields(told)}


def _plain(value: Any) -> Any:
    if isinstance(value, Concept):
        return value.as_json()
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(it) for it in value] if isinstance(value, tuple) else value


def objects(parent: object, name: str) -> list[dict[str, Any]]:
    """The objects in that list, none where there is none."""
    values = parent.get(name) if isinstance(parent, Mapping) else None
    return [it for it in values if isinstance(it, dict)] if isinstance(values, list) else []


def inner(parent: object, name: str) -> dict[str, Any]:
    """The object of that name, empty where there is none."""
    value = parent.get(name) if isinstance(parent, Mapping) else None
    return value if isinstance(value, dict) else {}


def words(parent: object, name: str) -> str:
    """The text of that name in one line, empty where there is none."""
    value = parent.get(name) if isinstance(parent, Mapping) else None
    return " ".join(value.replace("\x00", "").split()) if isinstance(value, str) else ""


def number(parent: object, *names: str) -> float | None:
    """The first of these that is a number."""
    for name in names:
        value = parent.get(name) if isinstance(parent, Mapping) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def concept(parent: object, name: str) -> Concept:
    """The CodeableConcept of that name."""
    return concept_of(inner(parent, name))


def concept_of(value: object) -> Concept:
    """A CodeableConcept, or a Coding alone."""
    codings: list[Json] = [*objects(value, "coding")]
    if not codings and isinstance(value, Mapping) and isinstance(value.get("code"), str):
        codings = [value]
    return Concept(tuple(map(_coding, codings)), words(value, "text")[:LONGEST_WORDS])


def _coding(value: Json) -> Coding:
    system, code, display = (words(value, name) for name in ("system", "code", "display"))
    return Coding(system[:200], code[:LONGEST_WORDS], display[:LONGEST_WORDS])


def identity(resource: object) -> str:
    """The resource's id, empty where it is none."""
    found = words(resource, "id")
    return found if _ID.fullmatch(found) else ""


def reference_id(value: object, kind: str) -> str:
    """The id in a reference to a resource of that kind, relative or absolute; else empty."""
    path = _path(words(value, "reference")).split("/_history/")[0]
    *_, before, last = ("", *path.split("/"))
    return last if before == kind and _ID.fullmatch(last) else ""


def _path(address: str) -> str:
    """The path of an address; empty for what is none."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def moment_told(value: object) -> datetime | None:
    """An instant or dateTime with its offset; None for a day alone and for what is none."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo and 1800 < found.year < 9000 else None


def day_told(value: object, local_day: LocalDay) -> date | None:
    """The day of a date or dateTime on the patient's calendar.

    None for a year or a month alone: which day it was is not told.

    >>> day_told("2008-04-05", lambda moment: moment.date())
    datetime.date(2008, 4, 5)
    >>> day_told("2008-04", lambda moment: moment.date()) is None
    True
    """
    if moment := moment_told(value):
        return local_day(moment)
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def last_updated(resource: object) -> datetime | None:
    """When the EHR last changed the resource."""
    return moment_told(inner(resource, "meta").get("lastUpdated"))
