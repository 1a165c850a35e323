"""What is told when item 9 of a PHQ-9 is answered above 0: the clinic's own words."""

from datetime import date
from pathlib import Path

from scoring.domain.rules import PROVENANCE, RuleFileError, read_rule_file

FIELDS = {"section", "title", "text"}


def load_safety_words(path: Path) -> dict[str, str]:
    """safety.toml with its provenance, JSON-ready. Raises RuleFileError."""
    table, _ = read_rule_file(path)
    if differing := sorted(set(table) - set(PROVENANCE) ^ FIELDS):
        raise RuleFileError(f"{path.name}: the field {differing[0]} is missing or unknown.")
    if not all(str(table[field]).strip() for field in FIELDS):
        raise RuleFileError(f"{path.name}: {', '.join(sorted(FIELDS))} must not be empty.")
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in table.items()}
