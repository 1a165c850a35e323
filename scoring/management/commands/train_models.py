"""`make train`: every shipped artefact, from the seed."""

import time
from typing import Any

from scoring.learning.fit_depression import Plan
from scoring.management.training import TrainingCommand


class Command(TrainingCommand):
    help = "Train both tracks on simulated people and write scoring/artifacts/."

    def handle(self, *_: Any, **options: Any) -> None:
        began = time.monotonic()
        training = self.training(options)
        made = [*training.made, *training.mania(), training.depression(Plan())]
        self.measure(training, made)
        self.stdout.write(f"{(time.monotonic() - began) / 60:.1f} min")
