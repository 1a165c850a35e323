"""The sizes of PAT on the same people, and the time each took."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
from django.core.management.base import CommandParser

from scoring.learning.fit_depression import Plan
from scoring.learning.train import Training
from scoring.management.training import TrainingCommand


class Command(TrainingCommand):
    help = "Train several sizes of PAT on the same people and print AUROC and time of each."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--sizes", nargs="+", default=["S", "M"], choices=["S", "M", "L", "H"])
        parser.add_argument("--epochs", type=int, default=1)

    def train(self, training: Training, options: dict[str, Any]) -> None:
        from scoring.domain.metrics import auroc
        from scoring.learning.fit_depression import trained

        counts = training.sizes
        train = training.weeks(0, counts.weeks, to_learn=True)
        held = training.weeks(counts.weeks, counts.held_weeks)
        test = training.weeks(counts.weeks + 2 * counts.held_weeks, counts.held_weeks)
        for name in options["sizes"]:
            began = time.monotonic()
            plan = replace(Plan(size=name), epochs=options["epochs"])
            model = trained(train, held, plan, training.seed)[0]
            raw = model.predict(test.inputs.astype(np.float32), batch_size=8, verbose=0)[:, 0]
            self.stdout.write(
                f"PAT-{name}: AUROC {auroc(test.labels > 0, raw.astype(np.float64)):.3f} on "
                f"{len(test.labels)} people unseen, {(time.monotonic() - began) / 60:.1f} min"
            )
