"""`make train`: every shipped artefact, from the seed."""

from collections.abc import Iterable
from typing import Any

from scoring.engines.artifacts import Artifact
from scoring.learning.fit_depression import Plan
from scoring.learning.train import Training
from scoring.management.training import ArtifactsCommand
from scoring.resources import ARTIFACTS


class Command(ArtifactsCommand):
    help = "Train both tracks on simulated people and write scoring/artifacts/."
    out = ARTIFACTS

    def made(self, training: Training, options: dict[str, Any]) -> Iterable[Artifact]:
        return [training.fitted_references(), *training.mania(), training.depression(Plan())]
