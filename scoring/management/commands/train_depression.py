"""The depression track alone, from random weights or a pre-trained encoder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.domain.errors import InputError
from scoring.engines.artifacts import Artifact
from scoring.learning.encoder import verified_encoder
from scoring.learning.fit_depression import FINE_TUNING_RATE, Plan
from scoring.learning.train import Training
from scoring.management.training import ArtifactsCommand, check_folder_to_make

TUNING_EPOCHS = 20  # early stopping ends it


class Command(ArtifactsCommand):
    help = "Train PAT with its head on simulated people; --encoder fine-tunes a pre-trained one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--size", default="S", choices=["S", "M", "L", "H"])
        parser.add_argument(
            "--epochs", type=int, help=f"{Plan().epochs}; {TUNING_EPOCHS} at most of an encoder."
        )
        parser.add_argument("--rate", type=float, help="Highest learning rate.")
        parser.add_argument("--encoder", type=Path, help="An encoder's .h5 file to fine-tune.")
        parser.add_argument("--resume", type=Path, help="Folder of checkpoints to go on from.")
        parser.add_argument("--mixed-precision", action="store_true", help="float16 on a GPU.")

    def check_first(self, options: dict[str, Any]) -> None:
        super().check_first(options)
        _check_encoder(options["encoder"], options["size"])
        if kept := self.kept(options):
            check_folder_to_make(kept.folder, "--resume")
            kept.progress()

    def made(self, training: Training, options: dict[str, Any]) -> Iterable[Artifact]:
        usual = FINE_TUNING_RATE if options["encoder"] else Plan().rate
        plan = Plan(
            size=options["size"],
            epochs=options["epochs"] or (TUNING_EPOCHS if options["encoder"] else Plan().epochs),
            rate=options["rate"] or usual,
            encoder=options["encoder"],
            resume=self.kept(options),
            mixed_precision=options["mixed_precision"],
        )
        return [training.fitted_references(), training.depression(plan)]


def _check_encoder(encoder: Path | None, size: str) -> None:
    """InputError, or ArtifactError for a changed file, before anybody is simulated, not after."""
    if encoder is None:
        return
    if encoder.is_dir():
        raise InputError(f"{encoder.name} is a folder: give an encoder's .h5 file.")
    if not encoder.is_file():
        raise InputError(f"There is no file {encoder.name}: give an encoder's .h5 file.")
    from scoring.engines.pat import SIZES, build_encoder
    from scoring.engines.pat_h5 import load_encoder

    load_encoder(build_encoder(SIZES[size]), SIZES[size], verified_encoder(encoder))
