"""Take one recording in from disk."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand, file_take, timezone_argument
from patients.storage import told
from scoring.runs import scoring_request


class Command(JsonCommand):
    help = "Store a recording for a patient; the same file twice changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument(
            "--patient", required=True, help="The patient's code; new ones are enrolled."
        )
        timezone_argument(parser)
        parser.add_argument("--source", default="auto")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        code, zone, path = options["patient"], options["timezone"], options["path"]
        stored, patient, is_new = file_take(code, path, zone, options["source"])
        if stored.changed:
            scoring_request(patient=patient)
        if is_new:
            self.stderr.write(
                f"New patient {code} enrolled: give them a care team, or nobody will see them."
            )
        return told(stored)

    def text(self, answer: dict[str, Any]) -> str:
        if answer["status"] == "unchanged":
            return "Unchanged: every minute of this file is already stored."
        return (
            f"Stored {answer['minutes']} min of {answer['days']} days from {answer['source']}; "
            f"rejected: {answer['rejected'] or 'none'}."
        )
