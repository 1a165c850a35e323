"""The depression track alone, from random weights or a pre-trained encoder."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from scoring.learning.fit_depression import FINE_TUNING_RATE, Plan
from scoring.management.training import TrainingCommand


class Command(TrainingCommand):
    help = "Train PAT with its head on simulated people; --encoder fine-tunes a pre-trained one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--size", default="S", choices=["S", "M", "L", "H"])
        parser.add_argument("--epochs", type=int, default=Plan().epochs)
        parser.add_argument("--rate", type=float, help="Highest learning rate.")
        parser.add_argument("--encoder", type=Path, help="An encoder's .h5 file to fine-tune.")
        parser.add_argument("--resume", type=Path, help="Folder of checkpoints to go on from.")
        parser.add_argument("--mixed-precision", action="store_true", help="float16 on a GPU.")

    def handle(self, *_: Any, **options: Any) -> None:
        encoder = options["encoder"]
        if encoder and not encoder.is_file():
            raise CommandError(f"There is no file {encoder.name}: give an encoder's .h5 file.")
        usual = FINE_TUNING_RATE if encoder else Plan().rate
        plan = Plan(
            size=options["size"],
            epochs=options["epochs"],
            rate=options["rate"] or usual,
            encoder=encoder,
            resume=options["resume"],
            mixed_precision=options["mixed_precision"],
        )
        training = self.training(options)
        self.measure(training, [*training.made, training.depression(plan)])
