"""Take one recording in from disk."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_slug
from django.db import transaction

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Patient
from patients.services import SYSTEM, patient_enrol
from patients.storage import file_store


class Command(JsonCommand):
    help = "Store a recording for a patient; the same file twice changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument(
            "--patient", required=True, help="The patient's code; new ones are enrolled."
        )
        parser.add_argument("--timezone", required=True, help="IANA name, such as Europe/Berlin.")
        parser.add_argument("--source", default="auto")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        code, zone, path = options["patient"], options["timezone"], options["path"]
        try:
            validate_slug(code)
        except ValidationError:
            raise InputError(
                f"“{code}” is no patient code: use letters, digits, hyphens and underscores."
            ) from None
        with transaction.atomic():
            patient = Patient.objects.filter(code=code).first()
            enrolled = patient is None
            patient = patient or patient_enrol(code=code, zone=zone, by=SYSTEM)
            stored = file_store(
                patient=patient, path=path, zone=zone, by=SYSTEM, source=options["source"]
            )
        if enrolled:
            self.stderr.write(
                f"New patient {code} enrolled: give them a care team, or nobody will see them."
            )
        return {
            "source": stored.source,
            "days": stored.days,
            "minutes": stored.minutes,
            "status": "stored" if stored.changed else "unchanged",
            "rejected": stored.rejected,
        }

    def text(self, answer: dict[str, Any]) -> str:
        if answer["status"] == "unchanged":
            return "Unchanged: every minute of this file is already stored."
        return (
            f"Stored {answer['minutes']} min of {answer['days']} days from {answer['source']}; "
            f"rejected: {answer['rejected'] or 'none'}."
        )
