"""`make train`: every shipped artefact, from the seed."""

from collections.abc import Iterable
from typing import Any

from scoring.engines.artifacts import Artifact
from scoring.learning.fit import MADE_BY
from scoring.learning.fit_depression import Plan
from scoring.learning.train import Training
from scoring.management.training import ArtifactsCommand
from scoring.resources import ARTIFACTS


class Command(ArtifactsCommand):
    help = "Train both tracks on simulated people and write scoring/artifacts/."
    out = ARTIFACTS

    def command_line(self, options: dict[str, Any]) -> str:
        """`make train` where nothing else was asked for than what it asks for."""
        line = super().command_line(options)
        return MADE_BY if line == "manage.py train_models" else line

    def made(self, training: Training, options: dict[str, Any]) -> Iterable[Artifact]:
        return [training.fitted_references(), *training.mania(), training.depression(Plan())]
