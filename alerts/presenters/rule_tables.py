"""A rule file as tables that can be read: nothing left out, nothing worked out.

All in English, as it stands in the file: the template says again what has a translation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from clarity_site.numbers import written
from patients.templatetags.clarity import day, key_words


@dataclass(frozen=True)
class RuleTable:
    """One table: its place in the file, the names of its columns, and rows that begin with one."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def rule_tables(
    content: Mapping[str, Any], notes: Mapping[str, str], path: str = "", title: str = ""
) -> Iterator[RuleTable]:
    """The file's single values first, each with its note, then each of its tables in order.

    Tables of one kind, and lists of tables, are one table with a row each. ``notes`` are by
    full name; ``path`` is that of the content, and ends in a point.
    """
    single = {key: value for key, value in content.items() if not _is_nested(value)}
    if single:
        rows = tuple(
            (key_words(key), cell(value), notes.get(path + key, ""))
            for key, value in single.items()
        )
        yield RuleTable(title, (), rows)
    for key, value in content.items():
        if key in single:
            continue
        name = f"{title} · {key_words(key)}" if title else key_words(key)
        entries = _entries(value)
        if entries is None:
            yield from rule_tables(value, notes, f"{path}{key}.", name)
        else:
            yield _wide(name, entries, notes, f"{path}{key}.")


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
    )


def _entries(value: Any) -> list[tuple[str, Mapping[str, Any]]] | None:
    """The rows of a list of tables, or of a table that only holds tables; else None."""
    if isinstance(value, list):
        return [("", item) for item in value]
    if len(value) > 1 and all(isinstance(item, Mapping) for item in value.values()):
        return list(value.items())
    return None


def _wide(
    title: str,
    entries: list[tuple[str, Mapping[str, Any]]],
    notes: Mapping[str, str],
    path: str,
) -> RuleTable:
    """One row an entry; rows of a list have numbers for names, and a note is the last column."""
    keys = list(dict.fromkeys(key for _name, item in entries for key in item))
    said = [notes.get(path + name, "") if name else "" for name, _item in entries]
    head = [*map(key_words, keys), *(["Note"] if any(said) else [])]
    rows = [
        (
            key_words(name) if name else str(place),
            *(cell(item[key]) if key in item else "–" for key in keys),
            *([note] if any(said) else []),
        )
        for place, ((name, item), note) in enumerate(zip(entries, said, strict=True), start=1)
    ]
    return RuleTable(title, tuple(head), tuple(rows))


def cell(value: Any) -> str:
    """One value in words; numbers with the digits of the file, and the reader's decimal mark."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return day(value)
    if isinstance(value, list):
        return ", ".join(map(cell, value)) or "–"
    if isinstance(value, Mapping):
        return "; ".join(f"{key_words(k)}: {cell(v)}" for k, v in value.items())
    if isinstance(value, int | float):
        return written(str(value))
    return str(value) or "–"
