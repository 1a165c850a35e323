"""One patient scored at once, as the nightly run would."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from alerts.nightly import patient_night
from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Patient
from patients.services import SYSTEM, audit_record


class Command(JsonCommand):
    help = "Score one patient now: features, the last days' decisions and their alerts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("patient", metavar="PATIENT", help="The patient's code.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        patient = Patient.objects.filter(code=options["patient"]).first()
        if patient is None:
            raise InputError(f"There is no patient {options['patient']}: check the code.")
        audit_record(by=SYSTEM, action="score asked for", patient=patient)
        begun = timezone.now()
        score = patient_night(patient=patient, now=begun)
        if score is None:
            raise InputError(f"{patient} has no day with 12 h recorded: there is nothing to score.")
        return {
            "patient": patient.code,
            "day": score.day.isoformat(),
            "tier": score.tier,
            "probability": score.probability,
            "revision": score.revision,
            "changed": score.scored_at >= begun,
        }

    def text(self, answer: dict[str, Any]) -> str:
        news = "scored" if answer["changed"] else "unchanged, its score stays"
        return f"{answer['patient']}, {answer['day']}: {answer['tier']} ({news})."
