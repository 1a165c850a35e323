"""What is told when item 9 of a PHQ-9 is answered above 0: the clinic's own words, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from patients.domain.rule_files import PROVENANCE, RuleFileError, read_rule_file

FIELDS = ("section", "title", "text")


@dataclass(frozen=True)
class SafetyRules:
    """safety.toml: the words with their provenance, JSON-ready, and how old an answer may be."""

    words: Mapping[str, str]
    at_once_days: int

    def is_recent(self, taken_at: datetime, now: datetime) -> bool:
        """Whether an answer of then raises an alert now.

        >>> from datetime import UTC
        >>> rules = SafetyRules({}, at_once_days=30)
        >>> taken = datetime(2026, 2, 3, 9, tzinfo=UTC)
        >>> [rules.is_recent(taken, taken + timedelta(days=n)) for n in (30, 31)]
        [True, False]
        """
        return now - taken_at <= timedelta(days=self.at_once_days)

    def told_of(self, day: date) -> dict[str, str]:
        """The words, with the day of the answer, as an alert's recommendation.

        >>> SafetyRules({"text": "Consider it."}, 30).told_of(date(2026, 2, 3))["text"]
        'Consider it. Answered on 3 February 2026.'
        """
        answered = f"Answered on {day.day} {day:%B %Y}."
        return {**self.words, "text": f"{self.words['text']} {answered}"}


def load_safety_rules(path: Path) -> SafetyRules:
    """Read safety.toml. Raises RuleFileError."""
    shape = {**dict.fromkeys(FIELDS, str), "at_once_days": int, "at_once_source": str}
    table, _ = read_rule_file(path, shape)
    if empty := [field for field in FIELDS if not table[field].strip()]:
        raise RuleFileError(f"{path.name}: {empty[0]} is empty: say what your clinic does.")
    if not 1 <= table["at_once_days"] <= 366:
        raise RuleFileError(f"{path.name}: at_once_days must be from 1 to 366: correct it.")
    told = {key: table[key] for key in (*PROVENANCE, *FIELDS)}
    words = {k: v.isoformat() if isinstance(v, date) else v for k, v in told.items()}
    return SafetyRules(words, table["at_once_days"])
