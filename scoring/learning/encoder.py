"""Which encoder a model was fine-tuned from: a file that somebody brought, with its own licence."""

from pathlib import Path

from scoring.engines.artifacts import MANIFEST, Artifact, load_manifest, sha256_of, verified_path

UNKNOWN_LICENCE = "unknown: as the encoder's"
UNKNOWN_DATA = "not known"


def verified_encoder(path: Path) -> Path:
    """The same path, if the manifest beside the file does not say that it was another one.

    Raises ArtifactError for a file that was changed since, or a manifest that cannot be read. A
    file without a manifest, or one that the manifest does not name, is nobody's word but its own.
    """
    _known(path)
    return path


def encoder_told(path: Path) -> dict[str, str]:
    """What a manifest keeps of the encoder in that file: its name, hash, licence and data.

    Licence and data are those that the manifest beside it says of this very file, as where
    `import_model` and `pretrain_pat` keep it. Raises ArtifactError as ``verified_encoder`` does.
    """
    known = _known(path)
    return {
        "encoder": path.name,
        "encoder_sha256": sha256_of(path),
        "encoder_licence": known.licence if known else UNKNOWN_LICENCE,
        "encoder_trained_on": known.trained_on if known else UNKNOWN_DATA,
        "fine_tuned": f"from {path.name} on simulated people",
    }


def licence_with(licence: str, encoder: dict[str, str]) -> str:
    """The licence of a model whose weights began as that encoder's."""
    return f"{licence}; of the encoder {encoder['encoder']}: {encoder['encoder_licence']}"


def _known(path: Path) -> Artifact | None:
    """What the manifest beside says of the file, the file's hash being the manifest's."""
    place = path.resolve()
    if not (place.parent / MANIFEST).exists():
        return None
    named = (a for a in load_manifest(place.parent).values() if a.file == place.name)
    known = next(named, None)
    if known:
        verified_path(known)
    return known
