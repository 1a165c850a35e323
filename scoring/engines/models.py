"""The models in use: read from their manifest, hashes checked, each kept with its calibrator."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.recording import Family
from scoring.domain.calibration import IsotonicCalibrator
from scoring.domain.pat_window import Reference, of_a_week
from scoring.domain.unit_scale import LevelRange
from scoring.engines.artifacts import (
    MANIFEST,
    RESTORE,
    SIMULATED,
    Artifact,
    ArtifactError,
    load_manifest,
    verified_path,
)

# What a track's hash is made of; the references of the minutes come with the depression model.
PARTS = {"depression": ("depression", "references"), "mania": ("mania", "hypomania")}
# What calibrates both tracks together, and what its training says: the hash of each track's model.
COMBINATION, FITTED_FOR = "combination", "fitted_for"
# What of a manifest's training enters a score and so belongs to the hash too.
DECIDING = ("calibrator", "daily_activity_p95", "size", "weekly_level_range")


@dataclass(frozen=True)
class Source:
    """Where a track's model lies, and the hash it must have; None: whichever lies there."""

    folder: Path
    sha256: str | None = None


@dataclass(frozen=True)
class TrackFacts:
    """Which model a track runs: for the stored score and for the model facts page."""

    version: str
    sha256: str
    trained_on: str
    facts: dict[str, Any]


class Models:
    """The artefacts of one folder, or of another for a track that has a model of its own.

    Nothing is read until it is first used: a manifest that cannot be trusted fails the track
    it belongs to and no other. TensorFlow and XGBoost are imported at that moment, never by a
    web process. Raises ArtifactError for a file whose hash is not the manifest's, or a folder
    that holds another model than the ``Source`` says.
    """

    def __init__(
        self, folder: Path, depression: Source | None = None, mania: Source | None = None
    ) -> None:
        self._shipped = Source(folder)
        self._sources = {"depression": depression, "mania": mania}
        self._manifests: dict[Path, dict[str, Artifact]] = {}

    def _artifact(self, name: str) -> Artifact:
        track = next((t for t, names in PARTS.items() if name in names), "")
        source = self._sources.get(track) or self._shipped
        artifacts = self._manifest(source.folder)
        if name not in artifacts:
            raise ArtifactError(f"{MANIFEST} in {source.folder.name}/ has no {name}; {RESTORE}.")
        if source.sha256 and source.sha256 != digest_of(track_parts(artifacts, track)):
            raise ArtifactError(
                f"{source.folder.name}/ no longer holds the {track} model {source.sha256}; "
                "restore it, or promote another."
            )
        return artifacts[name]

    def _manifest(self, folder: Path) -> dict[str, Artifact]:
        if folder not in self._manifests:
            self._manifests[folder] = load_manifest(folder)
        return self._manifests[folder]

    @cached_property
    def depression_engine(self) -> Any:
        """PAT with its head."""
        path, size = self.depression_weights
        return _depression_engine(path, self._artifact("depression").sha256, size)

    @property
    def depression_weights(self) -> tuple[Path, str]:
        """PAT's file, its hash checked now, and its size: S, M or L."""
        artifact = self._artifact("depression")
        return verified_path(artifact), artifact.training["size"]

    @cached_property
    def mania_engine(self) -> Any:
        """The two boosters."""
        from scoring.engines.mania import ManiaEngine

        mania, hypomania = (verified_path(self._artifact(n)) for n in ("mania", "hypomania"))
        return ManiaEngine(mania, hypomania)

    @cached_property
    def references(self) -> dict[Family, Reference]:
        """Mean and SD of each of the 10,080 minutes, by unit family."""
        with np.load(verified_path(self._artifact("references"))) as arrays:
            return {
                family: of_a_week(Reference(arrays[f"{family}_mean"], arrays[f"{family}_sd"]))
                for family in Family
                if f"{family}_mean" in arrays
            }

    def level_range(self, family: Family) -> LevelRange:
        """Lowest and highest weekly level of the reference people of that unit family."""
        low, high = self._artifact("references").training["weekly_level_range"][str(family)]
        return float(low), float(high)

    def population_p95(self, family: Family | None) -> float | None:
        """95th percentile of a day's mean activity in the reference people."""
        values = self._artifact("references").training["daily_activity_p95"]
        value = values.get(str(family)) if family else None
        return None if value is None else float(value)

    def calibrator(self, name: str) -> IsotonicCalibrator:
        """What turns that artefact's output into a probability."""
        return IsotonicCalibrator.of(self._artifact(name).training["calibrator"])

    @cached_property
    def combination(self) -> IsotonicCalibrator | None:
        """What turns the tracks' weighted mean into a probability; None where none is there.

        Fitted on the outputs of two models together, it holds for no others.
        """
        artifact = self.combination_artifact
        if artifact is None:
            return None
        return IsotonicCalibrator.of(json.loads(verified_path(artifact).read_text("utf-8")))

    @property
    def combination_sha256(self) -> str | None:
        """The hash of its file; None where the weighted mean is taken as it is."""
        artifact = self.combination_artifact
        return artifact.sha256 if artifact else None

    @property
    def combination_artifact(self) -> Artifact | None:
        """The combination's calibrator: the shipped folder's for its own two models, else the one
        of a track's folder that says it was fitted for exactly the two in use.
        """
        folders = [(source or self._shipped).folder for source in self._sources.values()]
        if all(folder == self._shipped.folder for folder in folders):
            return self._manifest(self._shipped.folder).get(COMBINATION)
        pair = {track: self.facts(track).sha256 for track in PARTS}
        found = (self._manifest(folder).get(COMBINATION) for folder in folders)
        return next((one for one in found if one and one.training.get(FITTED_FOR) == pair), None)

    def facts(self, track: str) -> TrackFacts:
        """Version and hash of a track's artefacts together."""
        return facts_of(track, [self._artifact(name) for name in PARTS[track]])

    @property
    def are_simulated(self) -> bool:
        """Whether a track's model was trained on simulated people, or cannot be told."""
        try:
            return self._are_simulated
        except ArtifactError:  # its track is unavailable; what was scored by it is still shown
            return True

    @cached_property
    def _are_simulated(self) -> bool:
        return any(self.facts(track).trained_on == SIMULATED for track in PARTS)


@lru_cache(maxsize=4)
def _depression_engine(path: Path, _sha256: str, size: str) -> Any:
    # Shared by all Models with that file: a candidate for mania loads PAT no second time.
    from scoring.engines.depression import DepressionEngine
    from scoring.engines.pat import SIZES

    return DepressionEngine(path, SIZES[size])


def track_parts(artifacts: Mapping[str, Artifact], track: str) -> list[Artifact]:
    """The artefacts of a manifest that belong to a track; of an encoder's, all it names."""
    parts = [artifacts[name] for name in PARTS[track] if name in artifacts]
    return parts or list(artifacts.values())


def verified_parts(folder: Path, track: str) -> list[Artifact]:
    """The artefacts of a folder that belong to a track, each file's hash checked now.

    Raises ArtifactError as ``load_manifest`` and ``verified_path`` do.
    """
    parts = track_parts(load_manifest(folder), track)
    for part in parts:
        verified_path(part)
    return parts


def digest_of(parts: Sequence[Artifact]) -> str:
    """One hash for all that decides: the files, and what of their training enters a score."""
    digest = sha256()
    for part in parts:
        deciding = {key: part.training[key] for key in DECIDING if key in part.training}
        digest.update(part.sha256.encode())
        digest.update(json.dumps(deciding, sort_keys=True).encode())
    return digest.hexdigest()


def facts_of(track: str, parts: Sequence[Artifact]) -> TrackFacts:
    """Which model these artefacts are together; the first gives its version, and one that was
    made from simulated people makes the model one of these.
    """
    digest = digest_of(parts)
    simulated = any(part.is_simulated for part in parts)
    return TrackFacts(
        version=f"{track}-{parts[0].version}-{digest[:8]}",
        sha256=digest,
        trained_on=SIMULATED if simulated else parts[0].trained_on,
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


@lru_cache(maxsize=16)
def load_models(
    folder: Path, depression: Source | None = None, mania: Source | None = None
) -> Models:
    """The models of that folder, or with a track's from elsewhere, once a process."""
    return Models(folder, depression, mania)
