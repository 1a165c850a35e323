"""Recompute a stored score and say whether it comes out the same."""

from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from scoring.models import RiskScore
from scoring.replay import score_replay


class Command(JsonCommand):
    help = "Recompute a stored score: the same, or what changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("score_id", type=int)

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        score = RiskScore.objects.filter(pk=options["score_id"]).first()
        if score is None:
            raise InputError(f"There is no score {options['score_id']}: check its number.")
        differences = score_replay(score=score)
        return {"same": not differences, "differences": differences}
