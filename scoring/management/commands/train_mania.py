"""The mania track alone."""

from typing import Any

from scoring.management.training import TrainingCommand


class Command(TrainingCommand):
    help = "Train the two boosters of the mania track on simulated people."

    def handle(self, *_: Any, **options: Any) -> None:
        training = self.training(options)
        self.measure(training, [*training.made, *training.mania()])
