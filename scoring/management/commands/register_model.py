"""Take a folder with a trained or calibrated model in as a shadow."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.services import SYSTEM
from scoring.model_services import model_register
from scoring.models import Track


class Command(JsonCommand):
    help = "Take the model of a folder (as train_mania writes it) in as a shadow of its track."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="It must stay there.")
        parser.add_argument("track", choices=Track.values)

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        version = model_register(folder=options["folder"], track=options["track"], by=SYSTEM)
        return {
            "track": version.track,
            "version": version.version,
            "state": version.state,
            "not_usable": version.not_usable or None,
        }

    def text(self, answer: dict[str, Any]) -> str:
        """What becomes of it."""
        if answer["not_usable"]:
            return f"{answer['version']} is kept and scores nobody: {answer['not_usable']}."
        return (
            f"{answer['version']} is the {answer['track']} track's {answer['state']}: "
            "`manage.py models` compares it, `promote_model` lets it decide."
        )
