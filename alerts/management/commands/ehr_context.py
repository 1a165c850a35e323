"""Read what the EHR knows of our patients, or say by which identifier it knows one."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from alerts.context import context_read
from alerts.context_models import ContextRun
from alerts.context_settle import identifier_set
from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Patient
from patients.services import SYSTEM


class Command(JsonCommand):
    help = (
        "Read medications, diagnoses, questionnaires and care teams from the EHR. What was broken "
        "off goes on where it stopped; twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patient", default="", help="This patient alone, by code.")
        parser.add_argument(
            "--bulk", action="store_true", help="Ask for one export of everything ($export)."
        )
        parser.add_argument(
            "--identifier",
            default="",
            help="First, by which identifier the EHR knows --patient, in the system EHR_PATIENT_"
            "SYSTEM.",
        )

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        patients = [patient_named(options["patient"])] if options["patient"] else None
        if options["identifier"]:
            if not patients:
                raise InputError("Give --patient too: whose identifier is it?")
            identifier_set(
                patient=patients[0],
                system=settings.EHR_PATIENT_SYSTEM,
                value=options["identifier"],
                by=SYSTEM,
            )
        run = context_read(patients=patients, bulk=options["bulk"] or None)
        return {
            "state": run.state,
            "reason": run.why or None,
            "patients": run.patients,
            "counts": run.counts,
            "refused": run.refused,
        }

    def refusals(self, answer: dict[str, Any]) -> list[str]:
        """A reading that was not finished."""
        if answer["state"] == ContextRun.State.DONE:
            return []
        return [f"{answer['reason']} What was read is kept; read again to go on."]


def patient_named(code: str) -> Patient:
    """The patient of that code. Raises InputError."""
    found = Patient.objects.filter(code=code).first()
    if found is None:
        raise InputError(f"There is no patient {code}: check the code.")
    return found
