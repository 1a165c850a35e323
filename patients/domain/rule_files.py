"""The one strict reader of the project's TOML files: what a clinician may edit, and no other word.

A file is read against its shape. A table is ``{"name": shape, …}`` with exactly these fields;
``{str: shape}`` has fields of any name; ``Maybe(shape)`` may be left out; ``[shape]`` is a
list; else a shape is the type ``str``, ``int``, ``float`` (whole numbers too), ``bool`` or
``date``.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from hashlib import sha256
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

PROVENANCE = ("authored_by", "checked_by", "date_reviewed", "next_review", "source")
DATES = ("date_reviewed", "next_review")
PROVENANCE_TYPES: Mapping[str, type] = MappingProxyType(
    {key: date if key in DATES else str for key in PROVENANCE}
)
PROVENANCE_SHAPE: dict[Any, Any] = dict(PROVENANCE_TYPES)
WORDS = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2027-05-20, without quotes",
}


TYPE_WORDS: Mapping[type, str] = {**WORDS, dict: "a table", list: "a list"}


class RuleFileError(ValueError):
    """A rule file cannot be used: the message names the file, what is wrong, and the mend."""


@dataclass(frozen=True)
class Maybe:
    """A field that may be left out."""

    shape: Any


def shape_of(kind: type) -> dict[Any, Any]:
    """A table with the fields of a flat dataclass.

    >>> @dataclass
    ... class Limits:
    ...     look: float
    >>> shape_of(Limits)
    {'look': <class 'float'>}
    """
    return dict(get_type_hints(kind))


def read_rule_file(
    path: Path, shape: Mapping[Any, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """The TOML table of a rule file and the file's hash; its provenance must be there.

    With a ``shape``, which leaves the provenance out, every field must be in it and of its type.
    Raises RuleFileError: for what is no TOML with the line and column the parser gives, else
    with the field's full name; always with the mend.
    """
    body = path.read_bytes()
    try:
        table = tomllib.loads(body.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleFileError(
            f"{path.name} is not valid TOML: {error}. Correct it there, or restore the file."
        ) from None
    missing = [key for key in PROVENANCE if key not in table]
    if missing:
        raise RuleFileError(f"{path.name} does not say {', '.join(missing)}: add it at the top.")
    expected = PROVENANCE_SHAPE | dict(shape if shape is not None else {str: object})
    _check(path.name, "", table, expected)
    return table, sha256(body).hexdigest()


def about(path: Path) -> str:
    """What the file says of itself: the comment before its first field.

    >>> from patients.resources import DATA
    >>> about(DATA / "drugs.toml") != ""
    True
    """
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def rule_notes(path: Path) -> dict[str, str]:
    """What the file says beside a field or the head of a table, by its full name: “floor.high”."""
    notes, table = {}, ""
    for line in path.read_text().splitlines():
        bare = re.sub(r"\"[^\"]*\"", "", line)
        code, _, note = (part.strip() for part in bare.partition("#"))
        if header := re.fullmatch(r"\[\[?([\w.\-]+)\]\]?", code):
            table = header[1]
            notes[table] = note
        elif field := re.match(r"([\w\-]+)\s*=", code):
            notes[f"{table}.{field[1]}".lstrip(".")] = note
    return {name: note for name, note in notes.items() if note}


def _check(file: str, name: str, value: Any, shape: Any) -> None:
    if shape is object:
        return
    if isinstance(shape, Mapping):
        _check_table(file, name, value, shape)
    elif isinstance(shape, Sequence):
        if not isinstance(value, list):
            raise RuleFileError(f"{file}: {name} must be a list in square brackets: correct it.")
        for place, item in enumerate(value, start=1):
            _check(file, f"{name}, item {place}", item, shape[0])
    elif not _is(value, shape):
        raise RuleFileError(f"{file}: {name} must be {WORDS[shape]}, not {value!r}: correct it.")


def _check_table(file: str, name: str, value: Any, shape: Mapping[Any, Any]) -> None:
    if not isinstance(value, dict):
        raise RuleFileError(f"{file}: {name} must be a table, [{name}]: correct it.")
    fields = [key for key in shape if key is not str]
    for key in value:
        if key not in shape and str not in shape:
            raise RuleFileError(
                f"{file}: {_joined(name, key)} is an unknown field: {_mend(key, fields, value)}."
            )
    for key in fields:
        if key not in value and not isinstance(shape[key], Maybe):
            raise RuleFileError(f"{file}: the field {_joined(name, key)} is missing: add it.")
    for key, item in value.items():
        expected = shape[key] if key in shape else shape[str]
        expected = expected.shape if isinstance(expected, Maybe) else expected
        _check(file, _joined(name, key), item, expected)


def _mend(key: str, fields: Sequence[str], value: Mapping[str, Any]) -> str:
    near = get_close_matches(key, [f for f in fields if f not in value], 1)
    return f"did you mean {near[0]}? Correct or remove it" if near else "correct or remove it"


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _is(value: Any, kind: type) -> bool:
    if kind in (int, float):
        number = isinstance(value, int if kind is int else int | float)
        return number and not isinstance(value, bool) and isfinite(value)
    return type(value) is kind  # not a moment where a date is asked for


def check_fields(
    row: object,
    where: str,
    needed: Mapping[str, type],
    optional: Mapping[str, type] = MappingProxyType({}),
) -> None:
    """Raises RuleFileError for a field that is unknown, missing or of another type.

    ``where`` names the file and the entry.
    """
    if not isinstance(row, dict):
        raise RuleFileError(f"{where} is no table: write it with its fields, or remove it.")
    known = {**needed, **optional}
    if unknown := sorted(set(row) - set(known)):
        raise RuleFileError(
            f"{where}: the field “{unknown[0]}” is unknown: correct or remove it; "
            f"there are {', '.join(sorted(known))}."
        )
    if missing := sorted(set(needed) - set(row)):
        raise RuleFileError(f"{where}: the field “{missing[0]}” is missing: add it.")
    for key, value in row.items():
        if type(value) is not known[key]:
            raise RuleFileError(
                f"{where}: the field “{key}” is {value!r}: write {TYPE_WORDS[known[key]]}."
            )
