"""Let a registered model decide its track."""

from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.services import SYSTEM
from scoring.model_services import model_promote
from scoring.models import ModelVersion


class Command(JsonCommand):
    help = "Let a registered model decide its track; the one before is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", metavar="VERSION", help="As `manage.py models` lists it.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        found = list(ModelVersion.objects.filter(version=options["version"])[:2])
        if len(found) != 1:
            raise InputError(
                f"There is no one model {options['version']}: `manage.py models` lists them."
            )
        [version] = found
        model_promote(version=version, by=SYSTEM)
        return {"track": version.track, "version": version.version, "state": version.state}

    def text(self, answer: dict[str, Any]) -> str:
        """What decides from now on."""
        return f"{answer['version']} decides the {answer['track']} track from the next scored day."
