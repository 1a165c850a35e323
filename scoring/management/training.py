"""What the training commands share."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scoring.engines.artifacts import ArtifactError, load_manifest, write_manifest
from scoring.learning.train import Sizes, Training, measured
from scoring.resources import ARTIFACTS, DATA, router_rules


class TrainingCommand(BaseCommand):
    """Makes artefacts in ``--out`` from ``--seed``; needs no database."""

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        sizes = Sizes()
        parser.add_argument("--out", type=Path, default=ARTIFACTS)
        parser.add_argument("--seed", type=int)
        parser.add_argument("--weeks", type=int, default=sizes.weeks, help="For PAT, one a person.")
        parser.add_argument("--patients", type=int, default=sizes.patients, help="For the trees.")
        parser.add_argument("--days", type=int, default=sizes.days, help="Of each of those.")
        parser.add_argument("--test-people", type=int, default=sizes.test_people)

    def training(self, options: dict[str, Any]) -> Training:
        """What the options ask for."""
        sizes = Sizes()
        few = Sizes(
            weeks=options["weeks"],
            held_weeks=min(max(options["weeks"] // 6, 64), sizes.held_weeks),
            patients=options["patients"],
            days=options["days"],
            test_people=options["test_people"],
        )
        seed = {} if options["seed"] is None else {"seed": options["seed"]}
        return Training(options["out"], DATA, sizes=few, **seed)

    def measure(self, training: Training, made: list[Any]) -> None:
        """Put what was made beside what the folder had, measure all of it, and say so."""
        try:
            kept = load_manifest(training.folder)
        except ArtifactError:
            kept = {}
        together = list((kept | {artifact.name: artifact for artifact in made}).values())
        write_manifest(training.folder, together)
        if {"depression", "mania", "hypomania"} <= {a.name for a in together}:
            together = measured(training, together, router_rules())
        for artifact in together:
            told = {k: v for k, v in artifact.metrics.items() if k in ("n", "auroc", "ece")}
            self.stdout.write(f"{artifact.file}  {artifact.sha256[:12]}  {told}")
