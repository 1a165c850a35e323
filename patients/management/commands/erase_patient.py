"""Delete everything kept of a patient."""

from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Patient
from patients.services import SYSTEM, patient_erase


class Command(JsonCommand):
    help = "Erase a patient with all recordings, scores, alerts and messages; no way back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patient", required=True, help="The patient's code.")
        parser.add_argument("--yes", action="store_true", help="Really do it.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        patient = Patient.objects.filter(code=options["patient"]).first()
        if patient is None:
            raise InputError(f"There is no patient {options['patient']}: check the code.")
        if not options["yes"]:
            raise InputError(f"This erases all of {patient.code} for good: add --yes to do it.")
        patient_erase(patient=patient, by=SYSTEM)
        return {"patient": options["patient"], "status": "erased"}
