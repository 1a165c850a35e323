"""Reference distributions as an artefact, to see drift: read without any model library."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scoring.domain.drift import ReferenceDistribution
from scoring.engines.artifacts import (
    NO_LICENCE,
    RESTORE,
    Artifact,
    ArtifactError,
    sha256_of,
    verified_path,
)

NAME, FILE, KIND = "distributions", "distributions.json", "reference_distributions"
LICENCE = f"{NO_LICENCE}; shares and percentiles of simulated people, of no single person"


def save_distributions(
    references: Iterable[ReferenceDistribution], folder: Path, seed: int, made_by: str
) -> Artifact:
    """Write distributions.json into the folder; returns the manifest's entry.

    The references are those of the 51 names of Clarity's own vector and of "depression",
    "mania" and "hypomania", calibrated, over simulated person-days that trained no model.
    """
    saved = list(references)
    path = folder / FILE
    lines = ",\n".join(json.dumps(asdict(r), allow_nan=False) for r in saved)
    path.write_text(f'{{"distributions": [\n{lines}\n]}}\n', "utf-8")
    return Artifact(
        folder=folder,
        name=NAME,
        file=FILE,
        sha256=sha256_of(path),
        kind=KIND,
        version=f"sim-{seed}",
        trained_on="simulated",
        training={"seed": seed, "person_days": {r.name: r.n for r in saved}},
        licence=LICENCE,
        metrics={},
        made_by=made_by,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_distributions(artifact: Artifact) -> dict[str, ReferenceDistribution]:
    """By the name of the input or output, in the order in which they were saved.

    Raises ArtifactError for a file that is not as written.
    """
    path = verified_path(artifact)
    try:
        rows = json.loads(path.read_text("utf-8"))["distributions"]
        references = [_reference(row) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{artifact.file} is not as it was written; {RESTORE}.") from error
    return {reference.name: reference for reference in references}


def _reference(row: dict[str, Any]) -> ReferenceDistribution:
    tuples = {key: tuple(map(float, row[key])) for key in ("edges", "shares", "quantiles")}
    return ReferenceDistribution(**{**row, **tuples})
