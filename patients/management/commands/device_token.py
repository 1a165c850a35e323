"""Issue a token with which one device may send recordings of one patient."""

from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Patient
from patients.services import SYSTEM
from patients.tokens import token_issue


class Command(JsonCommand):
    help = "Issue a device token for a patient; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patient", required=True, help="The patient's code.")
        parser.add_argument("--label", required=True, help="Which device, such as “band 12”.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        patient = Patient.objects.filter(code=options["patient"]).first()
        if patient is None:
            raise InputError("There is no patient of that code: check --patient.")
        token, text = token_issue(patient=patient, label=options["label"], by=SYSTEM)
        return {"patient": patient.code, "label": token.label, "token": text}

    def text(self, answer: dict[str, Any]) -> str:
        return (
            f"{answer['token']}\nThis is the token of “{answer['label']}” for "
            f"{answer['patient']}; it is not shown again."
        )
