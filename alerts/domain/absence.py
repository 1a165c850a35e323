"""When data have stopped for so long that a coordinator should know."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from patients.domain.rule_files import RuleFileError, read_rule_file


@dataclass(frozen=True)
class AbsenceRules:
    """absence.toml."""

    notice_after_days: int
    checked_by: str = ""

    def have_stopped(self, last_data: datetime, now: datetime) -> bool:
        """Whether the newest data are older than the notice allows.

        >>> from datetime import UTC
        >>> rules = AbsenceRules(notice_after_days=2)
        >>> rules.have_stopped(datetime(2026, 11, 17, 9, tzinfo=UTC),
        ...                    datetime(2026, 11, 19, 9, tzinfo=UTC))
        False
        """
        return now - last_data > timedelta(days=self.notice_after_days)


def load_absence_rules(path: Path) -> AbsenceRules:
    """Read absence.toml. Raises RuleFileError."""
    table, _ = read_rule_file(path, {"notice_after_days": int})
    rules = AbsenceRules(table["notice_after_days"], table["checked_by"])
    if rules.notice_after_days < 1:
        raise RuleFileError(f"{path.name}: notice_after_days must be 1 or more.")
    return rules


def absence_words(since: date, today: date) -> str:
    """Since when there are no data; both days of the patient's zone.

    >>> absence_words(date(2026, 11, 17), date(2026, 11, 20))
    'No data since Tuesday 17 November (3 days)'
    >>> absence_words(date(2025, 12, 31), date(2026, 1, 1))
    'No data since Wednesday 31 December 2025 (1 day)'
    """
    year = "" if since.year == today.year else f" {since.year}"
    days = (today - since).days
    return f"No data since {since:%A} {since.day} {since:%B}{year} ({days} day{'s' * (days != 1)})"
