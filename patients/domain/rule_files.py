"""Rule files: TOML that a clinician can review, each with where it comes from at its top."""

import tomllib
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

PROVENANCE = ("authored_by", "checked_by", "date_reviewed", "next_review", "source")
PROVENANCE_TYPES: Mapping[str, type] = MappingProxyType(
    {name: date if name in {"date_reviewed", "next_review"} else str for name in PROVENANCE}
)
TYPE_WORDS = {
    bool: "true or false",
    date: "a date such as 2026-11-26",
    dict: "a table",
    int: "a whole number",
    list: "a list",
    str: "words in quotes",
}


class RuleFileError(ValueError):
    """A rule file cannot be used: the message names the file, what is wrong, and the mend."""


def read_rule_file(path: Path) -> tuple[dict[str, Any], str]:
    """The TOML table of a rule file and the file's hash; its provenance must be there.

    Raises RuleFileError.
    """
    body = path.read_bytes()
    try:
        table = tomllib.loads(body.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleFileError(f"{path.name} is not valid TOML: {error}.") from None
    missing = [key for key in PROVENANCE if key not in table]
    if missing:
        raise RuleFileError(f"{path.name} does not say {', '.join(missing)}: add it at the top.")
    return table, sha256(body).hexdigest()


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
        raise RuleFileError(f"{where} is no table: write it with its fields.")
    known = {**needed, **optional}
    if unknown := sorted(set(row) - set(known)):
        raise RuleFileError(
            f"{where}: the field “{unknown[0]}” is unknown: use {', '.join(sorted(known))}."
        )
    if missing := sorted(set(needed) - set(row)):
        raise RuleFileError(f"{where}: the field “{missing[0]}” is missing: add it.")
    for key, value in row.items():
        if type(value) is not known[key]:
            raise RuleFileError(
                f"{where}: the field “{key}” is {value!r}: write {TYPE_WORDS[known[key]]}."
            )
