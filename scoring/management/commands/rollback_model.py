"""Go back to the model that decided a track before."""

from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.services import SYSTEM
from scoring.model_services import model_rollback
from scoring.models import Track


class Command(JsonCommand):
    help = "Let the model decide a track that did before the current one, or the shipped one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("track", metavar="TRACK", choices=Track.values)

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        version = model_rollback(track=options["track"], by=SYSTEM)
        return {"track": version.track, "version": version.version, "state": version.state}

    def text(self, answer: dict[str, Any]) -> str:
        """What decides from now on."""
        return f"{answer['version']} decides the {answer['track']} track again."
