"""PAT's encoder as a masked autoencoder, on weeks without labels."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from scoring.engines.artifacts import MANIFEST, Artifact, load_manifest, write_manifest
from scoring.engines.importing import ENCODER
from scoring.learning.fit import artifact
from scoring.learning.train import Training
from scoring.management.training import TrainingCommand, check_folder_to_make


class Command(TrainingCommand):
    help = (
        "Pre-train PAT's encoder on simulated weeks; writes pat_SIZE_encoder.h5 and what it was "
        "made from into --out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--out", type=Path, default=Path("."), help="Folder of the encoder.")
        parser.add_argument("--size", default="S", choices=["S", "M", "L", "H"])
        parser.add_argument("--epochs", type=int, default=20)
        parser.add_argument("--resume", type=Path, help="Folder of checkpoints to go on from.")
        parser.add_argument("--mixed-precision", action="store_true", help="float16 on a GPU.")

    def check_first(self, options: dict[str, Any]) -> None:
        check_folder_to_make(options["out"])
        _beside(options["out"])
        if kept := self.kept(options):
            check_folder_to_make(kept.folder, "--resume")
            kept.progress()

    def train(self, training: Training, options: dict[str, Any]) -> None:
        from scoring.engines.pat import SIZES
        from scoring.engines.pat_h5 import save_encoder
        from scoring.learning.pretrain import Plan, pretrained

        train = training.weeks(0, training.sizes.weeks, to_learn=True)
        held = training.weeks(training.sizes.weeks, training.sizes.held_weeks)
        plan = Plan(
            size=options["size"],
            epochs=options["epochs"],
            resume=self.kept(options),
            mixed_precision=options["mixed_precision"],
        )
        encoder, progress = pretrained(train.inputs, held.inputs, plan, training.seed)
        options["out"].mkdir(parents=True, exist_ok=True)
        size, error = plan.size.lower(), progress.val_loss[progress.best_epoch]
        path = options["out"] / f"pat_{size}_encoder.h5"
        save_encoder(encoder, SIZES[plan.size], path)
        told = {
            "seed": training.seed,
            "size": plan.size,
            "people": len(train.people),
            "epochs": progress.epochs,
        }
        made = artifact(path, f"encoder_{size}", ENCODER, told, {"squared_error": round(error, 6)})
        kept = _beside(path.parent) | {made.name: training.named([made])[0]}
        write_manifest(path.parent, kept.values())
        self.stdout.write(
            f"{path.name}: {progress.epochs} epochs, squared error on people unseen {error:.4f}"
        )


def _beside(folder: Path) -> dict[str, Artifact]:
    """What the folder's manifest names already. Raises ArtifactError for one that is broken."""
    return load_manifest(folder) if (folder / MANIFEST).exists() else {}
