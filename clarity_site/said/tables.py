"""The texts of the rule files that people read, for the catalogue and for what is said again."""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from patients.domain.rule_files import PROVENANCE, about, rule_notes

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("patients/data", "scoring/data", "alerts/data")
# Keys whose text is shown to people; a reviewer's notes and names are not translated.
SHOWN = {
    *("title", "text", "section", "label", "unit", "words", "says", "asks", "items", "name"),
    *("intended_use", "known_failures", "source"),
}
# Files of which no page shows more than what they are and their source.
NOT_SHOWN = {"forbidden_words.toml", "realism.toml", "drugs.toml", "window.toml"}
HOLE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def texts() -> tuple[str, ...]:
    """Every text, sorted; “{antidepressant}” is the placeholder of a message."""
    return tuple(sorted({_message(text) for _, text in _all() if text}))


def _all() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.toml")):
            yield path, about(path)
            table = tomllib.loads(path.read_text())
            yield path, table.get("source", "")
            notes = rule_notes(path).items()
            yield from ((path, note) for name, note in notes if name not in PROVENANCE)
            if path.name not in NOT_SHOWN:
                yield from ((path, text) for text in _shown(table, ""))


def _shown(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, str):
        if key in SHOWN and value.strip():
            yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _shown(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _shown(item, key)


def _message(text: str) -> str:
    """As gettext knows it: only a text with placeholders doubles its percent signs."""
    return HOLE.sub(r"%(\1)s", text.replace("%", "%%")) if HOLE.search(text) else text
