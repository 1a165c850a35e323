"""A folder in which a training that was cut off goes on: at the batch, with its best epoch kept."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.errors import InputError

STATE = "training.json"
WEIGHTS, BEST = ".weights.h5", "best.npz"


@dataclass(frozen=True)
class Progress:
    """The losses of the epochs that ended, and how many batches of the one under way are done.

    ``weights`` is the file beside with the model and its optimiser as they were then.
    """

    loss: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    batch: int = 0
    weights: str = ""

    @property
    def epochs(self) -> int:
        """How many have ended."""
        return len(self.val_loss)

    @property
    def best_epoch(self) -> int:
        """The first with the lowest loss on people unseen; 0 is the first of all.

        >>> Progress(val_loss=(0.7, 0.6, 0.6, 0.8)).best_epoch
        1
        """
        losses = [np.inf if np.isnan(loss) else loss for loss in self.val_loss]
        return int(np.argmin(losses))

    def has_stalled(self, patience: int) -> bool:
        """Whether so many epochs have ended since the best."""
        return self.epochs > 1 and self.epochs - 1 - self.best_epoch >= patience

    def after_epoch(self, loss: float, val_loss: float) -> "Progress":
        """With one more epoch, and no batch of the next."""
        return Progress((*self.loss, loss), (*self.val_loss, val_loss), 0, self.weights)


@dataclass(frozen=True)
class Checkpoints:
    """The folder, and of which training it is: all that makes another model, in words.

    A training is saved whole or not at all: `training.json` is put in place last and names the
    files that belong to it. The best epoch's weights are written before it, at that epoch's end.
    """

    folder: Path
    of: str

    def progress(self) -> Progress:
        """How far it came; nothing in a new folder. Raises InputError for another training's."""
        path = self.folder / STATE
        if not path.exists():
            return Progress()
        try:
            state = json.loads(path.read_text("utf-8"))
            of, loss, val_loss = state.pop("of"), state.pop("loss"), state.pop("val_loss")
            found = Progress(tuple(loss), tuple(val_loss), **state)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{STATE} in {self.folder.name}/ is no kept training: give --resume a new folder."
            ) from error
        if of != self.of:
            raise InputError(
                f"{self.folder.name}/ keeps another training ({of}): give the options of that one, "
                "or --resume a new folder."
            )
        return found

    def restore(self, model: Any, progress: Progress) -> None:
        """Give the compiled and built model the weights and the optimiser of that moment."""
        if progress.weights:
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.folder / progress.weights)

    def best(self) -> list[np.ndarray]:
        """The best epoch's weights, as ``model.get_weights`` gave them."""
        with np.load(self.folder / BEST) as arrays:
            return [arrays[f"arr_{number}"] for number in range(len(arrays))]

    def save(
        self, model: Any, progress: Progress, best: Sequence[np.ndarray] | None = None
    ) -> Progress:
        """Keep the training as it is now; ``best`` where the epoch that just ended was.

        Returns the progress with the file's name.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two names by turns: what the last state names stays whole while the next is written.
        name = ("b" if progress.weights.startswith("a") else "a") + WEIGHTS
        model.save_weights(self.folder / name, overwrite=True)
        if best is not None:
            with (self.folder / f"{BEST}.new").open("wb") as file:
                np.savez(file, *best)
            os.replace(self.folder / f"{BEST}.new", self.folder / BEST)
        kept = replace(progress, weights=name)
        state = json.dumps(asdict(kept) | {"of": self.of})
        (self.folder / f"{STATE}.new").write_text(state, "utf-8")
        os.replace(self.folder / f"{STATE}.new", self.folder / STATE)
        return kept

    def remove(self) -> None:
        """A training that ended leaves none of its files; others in the folder stay."""
        for name in (STATE, f"a{WEIGHTS}", f"b{WEIGHTS}", BEST):
            (self.folder / name).unlink(missing_ok=True)
