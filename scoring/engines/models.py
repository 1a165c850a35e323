"""The models in use: read from their manifest, hashes checked, each kept with its calibrator."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.recording import Family
from scoring.domain.calibration import LogitCalibrator
from scoring.domain.pat_window import Reference, of_a_week
from scoring.domain.unit_scale import LevelRange
from scoring.engines.artifacts import Artifact, load_manifest, verified_path


@dataclass(frozen=True)
class TrackFacts:
    """Which model a track runs: for the stored score and for the model facts page."""

    version: str
    sha256: str
    trained_on: str
    facts: dict[str, Any]


class Models:
    """The artefacts of one folder. Nothing is loaded until it is first used.

    TensorFlow and XGBoost are imported at that moment, never by a web process. Raises
    ArtifactError for a file whose hash is not the manifest's.
    """

    def __init__(self, folder: Path) -> None:
        self._artifacts = load_manifest(folder)

    @cached_property
    def depression_engine(self) -> Any:
        """PAT with its head."""
        from scoring.engines.depression import DepressionEngine
        from scoring.engines.pat import SIZES

        artifact = self._artifacts["depression"]
        return DepressionEngine(verified_path(artifact), SIZES[artifact.training["size"]])

    @cached_property
    def mania_engine(self) -> Any:
        """The two boosters."""
        from scoring.engines.mania import ManiaEngine

        mania, hypomania = (verified_path(self._artifacts[n]) for n in ("mania", "hypomania"))
        return ManiaEngine(mania, hypomania)

    @cached_property
    def references(self) -> dict[Family, Reference]:
        """Mean and SD of each of the 10,080 minutes, by unit family."""
        with np.load(verified_path(self._artifacts["references"])) as arrays:
            return {
                family: of_a_week(Reference(arrays[f"{family}_mean"], arrays[f"{family}_sd"]))
                for family in Family
                if f"{family}_mean" in arrays
            }

    def level_range(self, family: Family) -> LevelRange:
        """Lowest and highest weekly level of the reference people of that unit family."""
        low, high = self._artifacts["references"].training["weekly_level_range"][str(family)]
        return float(low), float(high)

    def population_p95(self, family: Family | None) -> float | None:
        """95th percentile of a day's mean activity in the reference people."""
        values = self._artifacts["references"].training["daily_activity_p95"]
        value = values.get(str(family)) if family else None
        return None if value is None else float(value)

    def calibrator(self, name: str) -> LogitCalibrator:
        """What turns that artefact's output into a probability."""
        return LogitCalibrator(**self._artifacts[name].training["calibrator"])

    def facts(self, track: str) -> TrackFacts:
        """Version and hash of a track's artefacts together."""
        names = {"depression": ["depression", "references"], "mania": ["mania", "hypomania"]}
        parts: list[Artifact] = [self._artifacts[name] for name in names[track]]
        digest = sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
        return TrackFacts(
            version=f"{track}-{parts[0].version}-{digest[:8]}",
            sha256=digest,
            trained_on=parts[0].trained_on,
            facts={
                part.name: {
                    "file": part.file,
                    "sha256": part.sha256,
                    "trained_on": part.trained_on,
                    "training": part.training,
                    "metrics": part.metrics,
                    "licence": part.licence,
                    "created": part.created,
                }
                for part in parts
            },
        )


@lru_cache(maxsize=2)
def load_models(folder: Path) -> Models:
    """The models of that folder, once a process."""
    return Models(folder)
