"""What the training commands share."""

import os
import shutil
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from patients.commands import SentenceCommand
from patients.domain.errors import InputError
from scoring.engines.artifacts import (
    MANIFEST,
    Artifact,
    ArtifactError,
    load_manifest,
    sha256_of,
    write_manifest,
)
from scoring.engines.distributions import NAME as DISTRIBUTIONS
from scoring.learning.calibrate import TooFewPositives
from scoring.learning.checkpoints import Checkpoints
from scoring.learning.references import SEED
from scoring.learning.seeds import check_unseen, seeds_of
from scoring.learning.train import TEST_AFTER, Sizes, Training, measured
from scoring.resources import ARTIFACTS, DATA, router_rules

CANDIDATE = Path("candidate")
# Below these nothing can be learned, stopped by or measured.
LEAST = {
    "seed": 0, "weeks": 64, "patients": 6, "days": 12, "test_people": 4, "epochs": 1
}  # fmt: skip
BAD_INPUT = 2
# Of a command, what makes another model of it; where files lie does not.
TOLD = (*LEAST, "size", "rate", "encoder", "mixed_precision")


class TrainingCommand(SentenceCommand):
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
            check_numbers(options)
            self.check_first(options)
            with tempfile.TemporaryDirectory() as folder:
                self.train(self.training(Path(folder), options), options)
        except (TooFewPositives, InputError, ArtifactError) as refusal:
            raise CommandError(str(refusal), returncode=BAD_INPUT) from None
        self.stdout.write(f"{(time.monotonic() - began) / 60:.1f} min")

    def check_first(self, options: dict[str, Any]) -> None:
        """Refuse before anybody is simulated what would be refused after. Raises InputError."""

    def kept(self, options: dict[str, Any]) -> Checkpoints | None:
        """Where the training that was asked for is kept, if --resume says; what it is of is all
        that makes another model.
        """
        if options["resume"] is None:
            return None
        encoder = options.get("encoder")
        begun = f" {sha256_of(encoder)[:12]}" if encoder else ""
        return Checkpoints(options["resume"], self.command_line(options) + begun)

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
        return Training(
            folder, DATA, seed_of(options), sizes=few, made_by=self.command_line(options)
        )

    def command_line(self, options: dict[str, Any]) -> str:
        """The command as a manifest names it: what makes another model, and no path."""
        name = type(self).__module__.rpartition(".")[2]
        parser = self.create_parser("manage.py", name)
        words = [
            f"--{key.replace('_', '-')} {value.name if isinstance(value, Path) else value}"
            for key, value in options.items()
            if key in TOLD and value != parser.get_default(key)
        ]
        return " ".join(("manage.py", name, *words))


def seed_of(options: dict[str, Any]) -> int:
    """The seed that was asked for, else that of the shipped models."""
    return SEED if options["seed"] is None else int(options["seed"])


def check_numbers(options: dict[str, Any]) -> None:
    """InputError for a size, seed or rate with which nothing can be trained."""
    for name, least in LEAST.items():
        value = options.get(name)
        if value is not None and value < least:
            raise InputError(
                f"--{name.replace('_', '-')} {value} is too low: give {least} or more."
            )
    rate = options.get("rate")
    if rate is not None and not 0 < rate <= 1:
        raise InputError(f"--rate {rate} is no learning rate: give one above 0 and up to 1.")


def check_test_people(seed: int, after: int, artifacts: Iterable[Artifact]) -> None:
    """InputError where the people to measure on are those that one of these has learned from."""
    learned = seeds_of(a.training for a in artifacts if a.name != DISTRIBUTIONS)
    check_unseen(seed, seed + after, learned, str(SEED))


def check_folder_to_make(folder: Path, option: str = "--out") -> None:
    """InputError for a place in which no folder can be made or written: by trying it, because
    nobody's rights say it of a root user. What was made to try is gone afterwards.
    """
    whole = folder.absolute()
    absent = [place for place in (whole, *whole.parents) if not place.exists()]
    try:
        whole.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=whole):
            pass
    except OSError:
        raise InputError(
            f"{folder.name}/ cannot be made or written: give {option} another folder."
        ) from None
    finally:
        for place in absent:
            with suppress(OSError):  # it was never made, or is not empty any more
                place.rmdir()


class ArtifactsCommand(TrainingCommand):
    """Writes artefacts, whole and measured, into ``--out`` once all are made."""

    out = CANDIDATE

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--out", type=Path, default=self.out, help="Where the artefacts go; the others are"
            " the shipped ones. register_model takes a candidate in.",
        )  # fmt: skip

    def check_first(self, options: dict[str, Any]) -> None:
        check_folder_to_make(options["out"])
        check_test_people(seed_of(options), TEST_AFTER, _shipped().values())

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
        kept = _shipped()
        there = {n: a for n, a in kept.items() if (ARTIFACTS / a.file).is_file()}
        for artifact in there.values():
            shutil.copyfile(ARTIFACTS / artifact.file, folder / artifact.file)
        return there


def _shipped() -> dict[str, Artifact]:
    try:
        return load_manifest(ARTIFACTS)
    except ArtifactError:  # there is nothing yet
        return {}


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
