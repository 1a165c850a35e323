"""JSON exports: read whole but bounded, and their odd values made harmless."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.ingest.common.archive import Member
from patients.ingest.common.base import LATEST_SECOND, shown

MAX_FILE_BYTES = 64 * 1024**2
MAX_CONTAINERS = 1_000_000  # lists and objects: what a parsed file may take in memory
LONGEST_TEXT = 80
LONGEST_STAMP = 40
JSON_START = re.compile(rb"(\xef\xbb\xbf)?\s*[\[{]")


def is_json(head: bytes) -> bool:
    """Whether a file that begins so may be a JSON list or object."""
    return bool(JSON_START.match(head))


def read_json(file: Member) -> Any:
    """The parsed file; InputError if it is too large, nested too deep or no complete JSON."""
    with file.open() as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES or raw.count(b"{") + raw.count(b"[") > MAX_CONTAINERS:
        raise InputError(
            f"{file.basename} is over {MAX_FILE_BYTES // 1024**2} MiB or "
            f"{MAX_CONTAINERS:,} records; export shorter stretches of time."
        )
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as broken:
        raise InputError(
            f"{file.basename} is not complete JSON; export or download it again."
        ) from broken


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a parsed file, at any depth, the outer ones first."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield inner
            inner = list(inner.values())
        if isinstance(inner, list):
            waiting.extend(v for v in reversed(inner) if isinstance(v, dict | list))


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none if it is no list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def number(value: Any) -> float:
    """A number or a text of one; NaN for anything else.

    >>> number("7"), number(None), number(True)
    (7.0, nan, nan)
    """
    if isinstance(value, bool):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def text(value: Any) -> str:
    """A text or a number as a short text of printable characters; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    told = str(value)[: 4 * LONGEST_TEXT]
    return "".join(c for c in told if c.isprintable())[:LONGEST_TEXT].strip()


def epoch_second(value: Any, where: str, per_second: int = 1) -> int:
    """The UTC second of a count of seconds (or 1/``per_second`` of them) since 1970.

    InputError, naming ``where``, for what is no number or lies outside 1970 to 2100.
    """
    second = number(value) / per_second
    if not 0 <= second < LATEST_SECOND:
        raise bad_date(value, where)
    return int(second)


def iso_moment(value: Any, where: str, zone: tzinfo | ZoneHistory = UTC) -> datetime:
    """The aware datetime of an ISO stamp; a naive one was made in ``zone`` (of two, the first).

    A blank before the offset, as in 2024-03-01 23:05:00 +0100, is allowed. InputError, naming
    ``where``, for other texts and for dates outside 1970 to 2100.
    """
    stamp = str(value)[: LONGEST_STAMP + 1]
    if stamp[19:20] == " ":
        stamp = stamp[:19] + stamp[20:]
    try:
        moment = datetime.fromisoformat(stamp)
        if not moment.tzinfo:
            place = zone.zone_on(moment.date()) if isinstance(zone, ZoneHistory) else zone
            moment = moment.replace(tzinfo=place)
        good = len(stamp) <= LONGEST_STAMP and 0 <= moment.timestamp() < LATEST_SECOND
    except (ValueError, OverflowError):
        good = False
    if not good:
        raise bad_date(value, where)
    return moment


def iso_second(value: Any, where: str, zone: tzinfo | ZoneHistory = UTC) -> int:
    """The UTC second of an ISO stamp, read as by iso_moment."""
    return int(iso_moment(value, where, zone).timestamp())


def bad_date(value: Any, where: str) -> InputError:
    """The refusal of a stamp; ``where`` is its file and record."""
    return InputError(
        f"{where} has the date {shown(value)}, not between 1970 and 2100; "
        "check the file and export it again."
    )
