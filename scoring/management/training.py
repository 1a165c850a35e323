"""What the training commands share."""

import os
import shutil
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from patients.domain.errors import InputError
from scoring.engines.artifacts import (
    MANIFEST,
    Artifact,
    ArtifactError,
    load_manifest,
    write_manifest,
)
from scoring.learning.calibrate import TooFewPositives
from scoring.learning.train import Sizes, Training, measured
from scoring.resources import ARTIFACTS, DATA, router_rules

CANDIDATE = Path("candidate")


class TrainingCommand(BaseCommand):
    """Trains from ``--seed`` without a database; a training that fails leaves no file."""

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        sizes = Sizes()
        parser.add_argument("--seed", type=int)
        parser.add_argument("--weeks", type=int, default=sizes.weeks, help="For PAT, one a person.")
        parser.add_argument("--patients", type=int, default=sizes.patients, help="For the trees.")
        parser.add_argument("--days", type=int, default=sizes.days, help="Of each of those.")
        parser.add_argument("--test-people", type=int, default=sizes.test_people)

    def handle(self, *_: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                self.train(self.training(Path(folder), options), options)
        except (TooFewPositives, InputError, ArtifactError) as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{(time.monotonic() - began) / 60:.1f} min")

    @abstractmethod
    def train(self, training: Training, options: dict[str, Any]) -> None:
        """Do it; the training's folder is gone afterwards."""

    def training(self, folder: Path, options: dict[str, Any]) -> Training:
        """What the options ask for, to be made in that folder."""
        sizes = Sizes()
        few = Sizes(
            weeks=options["weeks"],
            held_weeks=min(max(options["weeks"] // 6, 64), sizes.held_weeks),
            patients=options["patients"],
            days=options["days"],
            test_people=options["test_people"],
        )
        seed = {} if options["seed"] is None else {"seed": options["seed"]}
        return Training(folder, DATA, sizes=few, **seed)


class ArtifactsCommand(TrainingCommand):
    """Writes artefacts, whole and measured, into ``--out`` once all are made."""

    out = CANDIDATE

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--out", type=Path, default=self.out, help="Where the artefacts go; the others are"
            " the shipped ones. register_model takes a candidate in.",
        )  # fmt: skip

    def train(self, training: Training, options: dict[str, Any]) -> None:
        kept = self._others(training.folder)
        made = {artifact.name: artifact for artifact in self.made(training, options)}
        together = list((kept | made).values())
        write_manifest(training.folder, together)
        if {"depression", "mania", "hypomania"} <= {a.name for a in together}:
            together = measured(training, together, made, router_rules())
        publish(training.folder, together, options["out"])
        for artifact in together:
            told = {k: v for k, v in artifact.metrics.items() if k in ("n", "auroc", "ece")}
            self.stdout.write(f"{artifact.file}  {artifact.sha256[:12]}  {told}")

    @abstractmethod
    def made(self, training: Training, options: dict[str, Any]) -> Iterable[Artifact]:
        """The artefacts that this command makes anew."""

    def _others(self, folder: Path) -> dict[str, Artifact]:
        """The shipped artefacts, copied beside those to come."""
        try:
            kept = load_manifest(ARTIFACTS)
        except ArtifactError:  # there is nothing yet
            return {}
        there = {n: a for n, a in kept.items() if (ARTIFACTS / a.file).is_file()}
        for artifact in there.values():
            shutil.copyfile(ARTIFACTS / artifact.file, folder / artifact.file)
        return there


def publish(folder: Path, artifacts: Iterable[Artifact], out: Path) -> None:
    """Copy the files, then put each in place, the manifest last.

    Cut off while copying, it leaves what was there; cut off between two renames, files whose
    hash their manifest refuses.
    """
    out.mkdir(parents=True, exist_ok=True)
    names = [*(artifact.file for artifact in artifacts), MANIFEST]
    with tempfile.TemporaryDirectory(prefix=".new-", dir=out) as fresh:
        for name in names:
            shutil.copyfile(folder / name, Path(fresh) / name)
        for name in names:
            os.replace(Path(fresh) / name, out / name)
