"""Model files with a manifest: what each is, what trained it, and the hash it must have."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SIMULATED = "simulated"
# The project has none yet, and so has nothing that was made with it.
NO_LICENCE = "no licence given yet: ask the makers"
RESTORE = "run `make train` or restore the file"


class ArtifactError(RuntimeError):
    """A model file or its manifest cannot be trusted. The message is one sentence."""


@dataclass(frozen=True)
class Artifact:
    """One model file of a manifest.

    `trained_on` is "simulated" or the name of the cohort; `training` says how (seed, people,
    settings); `created` is an ISO 8601 time with offset.
    """

    folder: Path  # where the manifest lies; not written into it
    name: str
    file: str
    sha256: str
    kind: str
    version: str
    trained_on: str
    training: dict[str, Any]
    licence: str
    metrics: dict[str, Any]
    made_by: str
    created: str

    @property
    def is_simulated(self) -> bool:
        """Whether every page that shows its output must say "Research use"."""
        return self.trained_on == SIMULATED


KEYS = tuple(field.name for field in fields(Artifact) if field.name != "folder")
TABLES = ("training", "metrics")  # among them; the others are texts


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_manifest(folder: Path) -> dict[str, Artifact]:
    """Read `folder`/manifest.json: artefact name to artefact. Opens no model file.

    Raises ArtifactError if the manifest is absent, is not JSON of the written shape, names
    an artefact twice, or points out of its folder.
    """
    try:
        entries = json.loads((folder / MANIFEST).read_text("utf-8"))["artifacts"]
        artifacts = [_artifact(folder, entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{MANIFEST} in {folder.name}/ is absent or not a list of artefacts; {RESTORE}."
        ) from error
    _check_keepable(folder, entries)
    by_name = {artifact.name: artifact for artifact in artifacts}
    if len(by_name) != len(artifacts):
        raise ArtifactError(f"{MANIFEST} names an artefact twice; {RESTORE}.")
    return by_name


def _check_keepable(folder: Path, entries: Any) -> None:
    """ArtifactError for what no database keeps: a number that is none, a character that is none."""
    try:
        text = json.dumps(entries, allow_nan=False)
    except ValueError:
        raise ArtifactError(
            f"{MANIFEST} in {folder.name}/ holds NaN or an infinite number; {RESTORE}."
        ) from None
    if "\\u0000" in text:
        raise ArtifactError(f"{MANIFEST} in {folder.name}/ holds a NUL character; {RESTORE}.")


def _artifact(folder: Path, entry: dict[str, Any]) -> Artifact:
    artifact = Artifact(folder=folder, **entry)
    _check_types(artifact)
    if Path(artifact.file).name != artifact.file:
        raise ArtifactError(
            f"{MANIFEST} gives {artifact.name} the path {artifact.file}; name a file beside it."
        )
    return artifact


def _check_types(artifact: Artifact) -> None:
    for key in KEYS:
        value, kind = getattr(artifact, key), dict if key in TABLES else str
        if not isinstance(value, kind):
            what = "a table" if kind is dict else "a text"
            raise ArtifactError(
                f"{MANIFEST} in {artifact.folder.name}/ gives {artifact.name} a {key} that is not "
                f"{what}; {RESTORE}."
            )


def verified_path(artifact: Artifact) -> Path:
    """Return the artefact's path after hashing the file again.

    Raises ArtifactError if the file is absent or its SHA-256 is not the manifest's.
    """
    path = artifact.folder / artifact.file
    if not path.is_file():
        raise ArtifactError(f"{artifact.file} is absent; {RESTORE}.")
    actual = sha256_of(path)
    if actual != artifact.sha256:
        raise ArtifactError(
            f"{artifact.file} has hash {actual}, its manifest says {artifact.sha256}; {RESTORE}."
        )
    return path


def write_manifest(folder: Path, artifacts: Iterable[Artifact]) -> None:
    """Write `folder`/manifest.json, sorted by name so that a retraining gives a small diff."""
    entries = [
        {key: value for key, value in asdict(artifact).items() if key in KEYS}
        for artifact in sorted(artifacts, key=lambda artifact: artifact.name)
    ]
    text = json.dumps({"artifacts": entries}, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", "utf-8")
