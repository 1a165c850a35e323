"""Take out what one device of a patient reported."""

from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.models import Device, Patient
from patients.removal import device_remove
from patients.services import SYSTEM
from scoring.runs import scoring_request


class Command(JsonCommand):
    help = (
        "Remove what a device of a patient reported, all of it or from a UTC day to another; the "
        "patient is scored anew, and the files can be given again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patient", required=True, help="The patient's code.")
        parser.add_argument("--device", required=True, help="Its name on the patient's data page.")
        parser.add_argument("--source", default="", help="Its format, if two have that name.")
        parser.add_argument("--first-day", default="", help="YYYY-MM-DD, UTC; else the first.")
        parser.add_argument("--last-day", default="", help="YYYY-MM-DD, UTC; else the last.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        patient = Patient.objects.filter(code=options["patient"]).first()
        if patient is None:
            raise InputError(f"There is no patient {options['patient']}: check the code.")
        device = device_named(patient, options["device"], options["source"])
        first, last = (day_given(options[name]) for name in ("first_day", "last_day"))
        with transaction.atomic():
            removed = device_remove(
                patient=patient, device=device, first_day=first, last_day=last, by=SYSTEM
            )
            scoring_request(patient=patient)
        return {
            "patient": patient.code,
            "device": device.name,
            "source": device.source,
            "removed": asdict(removed),
        }


def device_named(patient: Patient, name: str, source: str) -> Device:
    """The patient's device of that name, and of that source if one is given, or InputError."""
    known = patient.devices.filter(name=name, **({"source": source} if source else {}))
    found = list(known.order_by("source"))
    if not found:
        raise InputError(f"{patient.code} has no device “{name}”: see the patient's data page.")
    if len(found) > 1:
        sources = ", ".join(device.source for device in found)
        raise InputError(f"{len(found)} devices have this name: give --source, one of {sources}.")
    return found[0]


def day_given(text: str) -> date | None:
    """The day, None for no text; InputError for anything else."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"“{text}” is no date: write it as YYYY-MM-DD.") from None
