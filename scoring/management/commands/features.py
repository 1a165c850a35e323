"""Daily features of a patient."""

from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Patient
from scoring.analysis import day_object
from scoring.features import features_update
from scoring.selectors import features_between


class Command(JsonCommand):
    help = "Daily features of a patient, brought up to date first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patient", required=True, help="The patient's code.")
        parser.add_argument("--from", dest="first", default="0001-01-01")
        parser.add_argument("--to", dest="last", default="9999-12-31")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        first, last = _day(options["first"]), _day(options["last"])
        patient = Patient.objects.filter(code=options["patient"]).first()
        if patient is None:
            raise InputError(f"There is no patient {options['patient']}: check the code.")
        features_update(patient=patient)
        # A day looks back, so all days are read and the wanted ones shown.
        days = features_between(patient, date.min, last)
        while days and days[0].recorded_minutes == 0:  # the UTC day began on the day before
            days.pop(0)
        wanted = [d for d in days if d.day >= first]
        return {"patient": patient.code, "days": [day_object(days, d) for d in wanted]}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"“{text}” is no date: write it as YYYY-MM-DD.") from None
