"""Which encoder a model was fine-tuned from: a file that somebody brought, with its own licence."""

from pathlib import Path

from scoring.engines.artifacts import Artifact, ArtifactError, load_manifest, sha256_of

UNKNOWN_LICENCE = "unknown: as the encoder's"
UNKNOWN_DATA = "not known"


def encoder_told(path: Path) -> dict[str, str]:
    """What a manifest keeps of the encoder in that file: its name, hash, licence and data.

    Licence and data are those that the manifest beside it says of this very file, as where
    `import_model` keeps it.
    """
    digest = sha256_of(path)
    known = _known(path, digest)
    return {
        "encoder": path.name,
        "encoder_sha256": digest,
        "encoder_licence": known.licence if known else UNKNOWN_LICENCE,
        "encoder_trained_on": known.trained_on if known else UNKNOWN_DATA,
        "fine_tuned": f"from {path.name} on simulated people",
    }


def licence_with(licence: str, encoder: dict[str, str]) -> str:
    """The licence of a model whose weights began as that encoder's."""
    return f"{licence}; of the encoder {encoder['encoder']}: {encoder['encoder_licence']}"


def _known(path: Path, digest: str) -> Artifact | None:
    try:
        beside = load_manifest(path.resolve().parent)
    except ArtifactError:
        return None
    named = (a for a in beside.values() if a.file == path.name and a.sha256 == digest)
    return next(named, None)
