"""A rule file as tables that can be read: nothing left out, nothing worked out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from patients.templatetags.clarity import day, fact_name


@dataclass(frozen=True)
class RuleTable:
    """One table: its place in the file, the names of its columns, and rows that begin with one."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def rule_tables(content: Mapping[str, Any], title: str = "") -> Iterator[RuleTable]:
    """The file's single values first, then each of its tables in order.

    Tables of one kind, and lists of tables, are one table with a row each.
    """
    single = {key: value for key, value in content.items() if not _is_nested(value)}
    if single:
        rows = tuple((fact_name(key), cell(value)) for key, value in single.items())
        yield RuleTable(title, (), rows)
    for key, value in content.items():
        if key in single:
            continue
        name = f"{title} · {fact_name(key)}" if title else fact_name(key)
        entries = _entries(value)
        if entries is None:
            yield from rule_tables(value, name)
        else:
            yield _wide(name, entries)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
    )


def _entries(value: Any) -> list[tuple[str, Mapping[str, Any]]] | None:
    """The rows of a list of tables, or of a table that only holds tables; else None."""
    if isinstance(value, list):
        return [(str(place), item) for place, item in enumerate(value, start=1)]
    if len(value) > 1 and all(isinstance(item, Mapping) for item in value.values()):
        return [(fact_name(key), item) for key, item in value.items()]
    return None


def _wide(title: str, entries: list[tuple[str, Mapping[str, Any]]]) -> RuleTable:
    keys = list(dict.fromkeys(key for _name, item in entries for key in item))
    rows = tuple(
        (name, *(cell(item[key]) if key in item else "–" for key in keys)) for name, item in entries
    )
    return RuleTable(title, tuple(map(fact_name, keys)), rows)


def cell(value: Any) -> str:
    """One value in words; numbers as they stand in the file."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, date):
        return day(value)
    if isinstance(value, list):
        return ", ".join(map(cell, value)) or "–"
    if isinstance(value, Mapping):
        return "; ".join(f"{fact_name(k)}: {cell(v)}" for k, v in value.items())
    return str(value) or "–"
