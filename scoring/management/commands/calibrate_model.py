"""Calibrate imported boosters, so that they may decide."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.domain.errors import InputError
from scoring.engines.artifacts import MANIFEST
from scoring.learning.calibrate_import import boosters_of, calibrate_boosters
from scoring.learning.train import Training
from scoring.management.training import (
    TrainingCommand,
    check_folder_to_make,
    check_test_people,
    publish,
    seed_of,
)

PEOPLE_AFTER = 4  # the seed's own people that no training, test or combination has


class Command(TrainingCommand):
    help = (
        "Calibrate the boosters that import_model keeps in FOLDER on simulated people; "
        "register_model takes --out in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--out", type=Path, required=True, help="Folder for the calibrated.")

    def check_first(self, options: dict[str, Any]) -> None:
        if (options["out"] / MANIFEST).exists():
            raise InputError(f"{options['out'].name}/ holds models: give --out a new folder.")
        check_folder_to_make(options["out"])
        parts, _ = boosters_of(options["folder"])
        check_test_people(seed_of(options), PEOPLE_AFTER, parts.values())

    def train(self, training: Training, options: dict[str, Any]) -> None:
        days = training.clinic(training.seed + PEOPLE_AFTER, training.sizes.test_people)
        made = calibrate_boosters(options["folder"], days, training.folder, training.seed)
        publish(training.folder, made, options["out"])
        for part in made:
            told = {key: part.metrics[key] for key in ("n", "auroc", "ece")}
            self.stdout.write(f"{part.file}  {part.sha256[:12]}  {told}")
