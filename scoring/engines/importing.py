"""Published models from outside: checked, described, and kept in a folder with a manifest.

Reading imports TensorFlow (PAT) or XGBoost (boosters); a process that serves pages does neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.engines.artifacts import (
    Artifact,
    ArtifactError,
    load_manifest,
    sha256_of,
    verified_path,
    write_manifest,
)

if TYPE_CHECKING:
    from scoring.engines.booster_file import ReadBooster

ENCODER = "pat_encoder"
MADE_BY = "import_model"
TRAINED_ON = "not stated in the file"
PARTS = {"ME": "mania", "HME": "hypomania", "DE": "depressive_episode"}
"""What the published boosters are called, and the artefact that each becomes."""

PAT_LICENCE = "CC BY 4.0 as stated for the published repository; not stated in the file"
BOOSTER_LICENCE = (
    "not stated in the file; the published repository states none, so all rights are reserved"
)
PAT_REASON = (
    "An encoder to fine-tune and not a scoring model: it decides nothing until a model trained "
    "from it has been calibrated and promoted."
)
BOOSTER_REASON = (
    "Its outputs are not calibrated (the published ME booster rarely exceeds 0.1, so raw it "
    "would call everyone Low): it decides nothing until it has been calibrated and promoted."
)
BOOSTER_FAILURE = (
    "The published boosters were most likely tested on days of the people they learned from; on "
    "other people expect less."
)


@dataclass(frozen=True)
class Part:
    """One artefact of an imported model: its file's name and bytes, and what is known of it."""

    name: str
    file: str
    data: bytes
    kind: str
    training: dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """A model that passed every check and is not stored yet.

    `sha256` is of the file as given; of several, of their hashes one after the other.
    """

    kind: str  # pat, mania
    track: str
    size: str
    sha256: str
    licence: str
    reason: str
    parts: tuple[Part, ...]

    @property
    def folder_name(self) -> str:
        """Where it is kept: the same files always in the same place."""
        return f"{self.kind}-{self.sha256[:12]}"


def import_pat(path: Path) -> Imported:
    """Read a published PAT encoder, recognise its size and run it once.

    Raises InputError naming the dataset that differs from the published layout.
    """
    from scoring.engines.given_file import read_given
    from scoring.engines.pat_h5 import MOST_BYTES, encoder_with, read_encoder

    given = read_given(path, MOST_BYTES, "a published PAT encoder weights file")
    size, arrays = read_encoder(given)
    minutes = np.arange(10_080)
    week = np.sin(2 * np.pi * minutes / 1_440).astype(np.float32)[None]
    if not np.isfinite(encoder_with(size, arrays)(week, training=False).numpy()).all():
        raise InputError(
            f"{given.name} gives values that are not finite for a plain week; give an unchanged "
            f"PAT-{size.name} encoder weights file."
        )
    training = {
        "size": size.name,
        "parameters": int(sum(array.size for array in arrays.values())),
        "source_sha256": given.sha256,
        "intended_use": PAT_REASON,
        "known_failures": ["Which recordings it was trained on is not stated in the file."],
    }
    part = Part("encoder", f"pat_{size.name.lower()}_encoder.h5", given.data, ENCODER, training)
    return Imported("pat", "depression", size.name, given.sha256, PAT_LICENCE, PAT_REASON, (part,))


def import_mania(
    paths: Mapping[str, Path], vectors: NDArray[np.float64] | None = None
) -> tuple[Imported, dict[str, list[float]]]:
    """Read the boosters of `paths` (ME, HME, DE) and predict `vectors`, (n, 36), with each.

    Returns the model and, where there are vectors, its uncalibrated probabilities. Raises
    InputError as `read_booster` does.
    """
    from scoring.engines.booster_file import read_booster

    names = [name for name in PARTS if name in paths]
    boosters = {name: read_booster(paths[name]) for name in names}
    _check_different(names, boosters)
    hashes = [boosters[name].given.sha256 for name in names]
    imported = Imported(
        kind="mania",
        track="mania",
        size=", ".join(f"{name} {boosters[name].trees} trees" for name in names),
        sha256=sha256("".join(hashes).encode()).hexdigest(),
        licence=BOOSTER_LICENCE,
        reason=BOOSTER_REASON,
        parts=tuple(
            Part(
                PARTS[name],
                f"boosted_{PARTS[name]}.json",
                boosters[name].json,
                "booster",
                {
                    "trees": boosters[name].trees,
                    "published_as": name,
                    "source_sha256": digest,
                    "intended_use": BOOSTER_REASON,
                    "known_failures": [BOOSTER_FAILURE],
                },
            )
            for name, digest in zip(names, hashes, strict=True)
        ),
    )
    if vectors is None:
        return imported, {}
    return imported, {
        name: boosters[name].predict(vectors).astype(float).tolist() for name in names
    }


def _check_different(names: Sequence[str], boosters: "Mapping[str, ReadBooster]") -> None:
    from scoring.engines.mania import same_trees

    for one, other in combinations(names, 2):
        if same_trees(boosters[one].booster, boosters[other].booster):
            raise InputError(
                f"{one} and {other} are the same trees ({boosters[one].given.name}, "
                f"{boosters[other].given.name}): give each its own file."
            )


def store(imported: Imported, root: Path) -> tuple[Path, bool]:
    """Keep the model in a folder of its own under `root`: all of it, or nothing.

    Returns the folder and whether it is new; the same files given again change nothing. Raises
    InputError if the folder is there with other contents.
    """
    folder = root / imported.folder_name
    try:
        is_new = not folder.exists() and _written(imported, root, folder)
    except OSError as error:
        raise InputError(
            f"{folder.name} cannot be stored: {error.strerror}; make room for it and import again."
        ) from error
    if not is_new:
        _check_stored(imported, folder)
    return folder, is_new


def _written(imported: Imported, root: Path, folder: Path) -> bool:
    """Write beside, then rename: False if another import was quicker."""
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".importing-", dir=root, ignore_cleanup_errors=True) as made:
        fresh = Path(made) / imported.folder_name
        fresh.mkdir()
        for part in imported.parts:
            (fresh / part.file).write_bytes(part.data)
        write_manifest(fresh, [_artifact(imported, part, fresh) for part in imported.parts])
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return False
    return True


def _artifact(imported: Imported, part: Part, folder: Path) -> Artifact:
    return Artifact(
        folder=folder,
        name=part.name,
        file=part.file,
        sha256=sha256_of(folder / part.file),
        kind=part.kind,
        version="imported",
        trained_on=TRAINED_ON,
        training=part.training,
        licence=imported.licence,
        metrics={},
        made_by=MADE_BY,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _check_stored(imported: Imported, folder: Path) -> None:
    try:
        stored = load_manifest(folder)
        for artifact in stored.values():
            verified_path(artifact)
    except ArtifactError as error:
        raise InputError(
            f"{folder.name} was imported before and is changed since; remove that folder and "
            "import again."
        ) from error
    sources = {name: artifact.training.get("source_sha256") for name, artifact in stored.items()}
    if sources != {part.name: part.training["source_sha256"] for part in imported.parts}:
        raise InputError(f"{folder.name} holds another model; remove that folder and import again.")
