"""What a FHIR search asks for, read strictly: an unknown parameter is refused, not passed over.

A filter that is silently ignored would answer with more patients than were asked about.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

COUNT, MOST = 50, 200
DATE_NAMES = {
    "Observation": "date",
    "RiskAssessment": "date",
    "Provenance": "recorded",
    "CommunicationRequest": "authored",
}
"""The parameter by which each type is searched by time."""

PREFIXES = ("eq", "ge", "gt", "le", "lt", "sa", "eb")

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_PATIENT = re.compile(r"(?:(?:(https?://\S{1,300})/)?Patient/)?([A-Za-z0-9\-.]{1,64})")
_CURSOR = re.compile(r"([0-9T:.+-]{19,40})\|(\d{1,18})\|(\d{1,2})")


class BadSearch(ValueError):
    """The search cannot be answered. One sentence, which names the parameter."""


@dataclass(frozen=True)
class Span:
    """Moments from ``start`` on and before ``end``; None is open."""

    start: datetime | None
    end: datetime | None
    is_day: bool = True


@dataclass(frozen=True)
class Token:
    """A code or identifier. ``system`` None: of any system."""

    system: str | None
    value: str


@dataclass(frozen=True)
class Position:
    """The last resource that was given: its row's time and key, and which part of the row."""

    updated: datetime
    key: int
    part: int


@dataclass(frozen=True)
class Query:
    """One search. None where a parameter was not given; lists are alternatives."""

    ids: tuple[str, ...] | None = None
    patients: tuple[str, ...] | None = None
    patient_identifiers: tuple[Token, ...] | None = None
    identifiers: tuple[Token, ...] | None = None
    codes: tuple[Token, ...] | None = None
    dates: tuple[Span, ...] = ()
    updated: tuple[Span, ...] = ()
    count: int = COUNT
    after: Position | None = None


def query_of(
    resource: str, pairs: Iterable[tuple[str, str]], zone: tzinfo, bases: Collection[str] = ()
) -> Query:
    """The search for this type of resource. Raises BadSearch.

    ``zone``: of times that name none. ``bases``: the FHIR addresses, without a slash at the end,
    below which a whole address of a patient is of one known here.
    """
    readers = _readers(resource, zone, bases)
    query, seen = Query(), set[str]()
    for name, value in pairs:
        if name in ("_format", "_pretty"):
            continue
        if name not in readers:
            known = ", ".join(sorted(readers))
            raise BadSearch(f"The parameter {_named(name)} is not known here: use {known}.")
        if not value.strip() or "\x00" in value or len(value) > 2000:
            raise BadSearch(f"The parameter {name} is empty or too long.")
        field, read = readers[name]
        found = read(name, value.strip())
        if field in ("dates", "updated"):
            found = (*getattr(query, field), found)
        elif field in seen:
            raise BadSearch(f"The parameter {name} may be given once.")
        seen.add(field)
        query = replace(query, **{field: found})
    return query


Reader = Callable[[str, str], Any]


def _readers(
    resource: str, zone: tzinfo, bases: Collection[str]
) -> Mapping[str, tuple[str, Reader]]:
    def spans(name: str, value: str) -> Span:
        return span_of(name, value, zone)

    def patients(name: str, value: str) -> tuple[str, ...]:
        return _patients(name, value, bases)

    known: dict[str, tuple[str, Reader]] = {
        "_id": ("ids", lambda _name, value: tuple(value.split(","))),
        "_lastUpdated": ("updated", spans),
        "_count": ("count", _count),
        "page": ("after", _position),
        DATE_NAMES[resource]: ("dates", spans),
    }
    for name in ("patient",) if resource == "Provenance" else ("patient", "subject"):
        known[name] = ("patients", patients)
        known[f"{name}:identifier"] = ("patient_identifiers", _tokens)
    if resource != "Provenance":
        known["identifier"] = ("identifiers", _tokens)
    if resource == "Observation":
        known["code"] = ("codes", _tokens)
    return known


def _named(name: str) -> str:
    return name[:40] if name.isprintable() else "with that name"


def _count(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,6}", value):
        raise BadSearch(f"The parameter {name} must be a number.")
    return min(int(value), MOST)


def _patients(name: str, value: str, bases: Collection[str]) -> tuple[str, ...]:
    found = [_PATIENT.fullmatch(it) for it in value.split(",")]
    if not all(found):
        raise BadSearch(f"The parameter {name} must be Patient/ and the id in the EHR.")
    if any(it.group(1) not in (None, *bases) for it in found if it):
        raise BadSearch(f"The parameter {name} is the address of a patient of another server.")
    return tuple(it.group(2) for it in found if it)


def _tokens(_name: str, value: str) -> tuple[Token, ...]:
    return tuple(map(_token, value.split(",")))


def _token(text: str) -> Token:
    system, bar, value = text.rpartition("|")
    return Token(system if bar else None, value)


def span_of(name: str, value: str, zone: tzinfo) -> Span:
    """A FHIR date with its prefix, as the moments that fit. Raises BadSearch."""
    prefix, text = ("eq", value) if value[:1].isdigit() else (value[:2], value[2:])
    # A plus that was not escaped arrives as a blank.
    found = _DATE.fullmatch(text.replace(" ", "+"))
    try:
        if prefix not in PREFIXES or found is None:
            raise ValueError
        start, end = _range(found, zone)
    except (ValueError, OverflowError):
        raise BadSearch(
            f"The parameter {name} must be a date such as ge2026-11-26 (one of "
            f"{', '.join(PREFIXES)} before it)."
        ) from None
    is_day = found.group(4) is None
    if prefix == "eq":
        return Span(start, end, is_day)
    if prefix in ("ge", "gt", "sa"):
        return Span(start if prefix == "ge" else end, None, is_day)
    return Span(None, end if prefix == "le" else start, is_day)


def _range(found: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    year, month, day, clock, offset = found.groups()
    first = date(int(year), int(month or 1), int(day or 1))
    if clock:
        text = f"{first.isoformat()}T{clock}{offset or ''}"
        start = datetime.fromisoformat(text)
        start = start if offset else start.replace(tzinfo=zone)
        whole = timedelta(minutes=1) if clock.count(":") == 1 else timedelta(seconds=1)
        return start, start + (whole if "." not in clock else timedelta(microseconds=1))
    if day:
        last = first + timedelta(days=1)
    elif month:
        last = (first + timedelta(days=32)).replace(day=1)
    else:
        last = date(first.year + 1, 1, 1)
    return tuple(datetime.combine(it, time(), zone) for it in (first, last))  # type: ignore[return-value]


def cursor_of(position: Position) -> str:
    """The position as the ``page`` of a link.

    >>> from datetime import UTC
    >>> where = Position(datetime(2026, 11, 26, 9, tzinfo=UTC), 7, 1)
    >>> _position("page", cursor_of(where)) == where
    True
    """
    text = f"{position.updated.isoformat()}|{position.key}|{position.part}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(name: str, value: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
        found = _CURSOR.fullmatch(text)
        updated = datetime.fromisoformat(found.group(1)) if found else None
    except ValueError:
        found = updated = None
    if found is None or updated is None or updated.tzinfo is None:
        raise BadSearch(f"The parameter {name} must be taken from a link of an earlier answer.")
    return Position(updated, int(found.group(2)), int(found.group(3)))


def matches(tokens: Sequence[Token] | None, system: str, value: str) -> bool:
    """Whether one of the tokens names this; no tokens: yes."""
    return tokens is None or any(it.value == value and it.system in (None, system) for it in tokens)
