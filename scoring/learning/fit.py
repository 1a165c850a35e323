"""What every trained artefact is written with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engines.artifacts import NO_LICENCE, Artifact, sha256_of

LICENCE = f"{NO_LICENCE}; trained on simulated people only"
MADE_BY = "make train"
FOLDS = 3


def folds_of(people: NDArray[np.int64], seed: int, count: int = FOLDS) -> NDArray[np.int64]:
    """A fold for each row, shape (n,); nobody is in two of them."""
    ids, index = np.unique(people, return_inverse=True)
    fold: NDArray[np.int64] = np.random.default_rng(seed).permutation(len(ids)) % count
    return fold[index]


def artifact(
    path: Path, name: str, kind: str, training: dict[str, Any], metrics: dict[str, Any]
) -> Artifact:
    """The manifest's entry for a file just written."""
    return Artifact(
        folder=path.parent,
        name=name,
        file=path.name,
        sha256=sha256_of(path),
        kind=kind,
        version=f"sim-{training['seed']}",
        trained_on="simulated",
        training=training,
        licence=LICENCE,
        metrics=metrics,
        made_by=MADE_BY,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
