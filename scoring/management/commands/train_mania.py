"""The mania track alone."""

from collections.abc import Iterable
from typing import Any

from scoring.engines.artifacts import Artifact
from scoring.learning.train import Training
from scoring.management.training import ArtifactsCommand


class Command(ArtifactsCommand):
    help = "Train the two boosters of the mania track on simulated people, as a candidate."

    def made(self, training: Training, options: dict[str, Any]) -> Iterable[Artifact]:
        return training.mania()
