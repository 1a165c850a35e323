"""How far the clinic's weeks have moved from what the models were made from."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from scoring.drift import DriftWeek, drift_limits, drift_weeks, reference_notice
from scoring.engines.artifacts import ArtifactError

MOST_WEEKS = 52


class Command(JsonCommand):
    help = "PSI and Kolmogorov-Smirnov statistic of the models' inputs and outputs by week."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", metavar="DATE", help="Last day of the week; yesterday.")
        parser.add_argument("--weeks", type=int, default=1, help="So many, going back; 1.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= options["weeks"] <= MOST_WEEKS:
            raise InputError(f"--weeks {options['weeks']} must be from 1 to {MOST_WEEKS}.")
        until = _day(options["until"]) or timezone.localdate() - timedelta(days=1)
        try:
            weeks = drift_weeks(until, options["weeks"])
        except ArtifactError as error:
            raise InputError(str(error)) from None
        return {
            "notice": reference_notice(),
            "limits": asdict(drift_limits()),
            "weeks": [_week(week) for week in weeks],
        }


def _week(week: DriftWeek) -> dict[str, Any]:
    return {
        "first": week.first.isoformat(),
        "last": week.last.isoformat(),
        "people": week.people,
        "person_days": week.person_days,
        "moved": [line.name for line in week.moved],
        "lines": [asdict(line) for line in week.lines],
    }


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"“{text}” is no date: write it as YYYY-MM-DD.") from None
