"""Rhythm of one column of a minute table, without a database."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.ingest.common.minute_table import read_minutes
from scoring.domain.rhythm import rhythm


class Command(JsonCommand):
    help = "IS, IV, RA, L5 and M10 of one column of a CSV with a row a minute."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--column", type=int, required=True, help="Counted from 0.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        minutes, first_minute_of_day = read_minutes(options["path"], options["column"])
        return {"rhythm": asdict(rhythm(minutes, first_minute_of_day))}
