"""What is told when item 9 of a PHQ-9 is answered above 0: the clinic's own words."""

from datetime import date
from pathlib import Path

from patients.domain.rule_files import RuleFileError, read_rule_file

FIELDS = ("section", "title", "text")


def load_safety_words(path: Path) -> dict[str, str]:
    """safety.toml with its provenance, JSON-ready. Raises RuleFileError."""
    table, _ = read_rule_file(path, dict.fromkeys(FIELDS, str))
    if empty := [field for field in FIELDS if not table[field].strip()]:
        raise RuleFileError(f"{path.name}: {empty[0]} is empty: say what your clinic does.")
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in table.items()}
