"""Writes about models: one of each track decides, the others wait in shadow or are kept.

A model is known by the hash of its files. The shipped one lies in the project and is known
from its first use; any other lies in a folder with a manifest and is registered, then promoted.
"""

from collections.abc import Mapping
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import User
from patients.services import audit_record
from scoring.engines.artifacts import Artifact, ArtifactError, load_manifest, verified_path
from scoring.engines.models import PARTS, Models, TrackFacts, facts_of, track_parts
from scoring.models import ModelVersion, Track
from scoring.resources import model_facts

ENCODER = "pat_encoder"  # the kind of an artefact that must be fine-tuned before it scores
State = ModelVersion.State


@transaction.atomic
def model_register(*, folder: Path, track: str, by: User | str) -> ModelVersion:
    """Take the model of a folder in as a shadow; the same files are registered once.

    The folder must stay where it is: the model is read from there. Its manifest names either
    the artefacts that make up the track (depression: "depression" and "references"; mania:
    "mania" and "hypomania") or others, such as an encoder, which are kept but score nobody.
    Raises InputError for a manifest or a file that cannot be trusted.
    """
    folder = folder.resolve()
    try:
        artifacts = load_manifest(folder)
        parts = track_parts(artifacts, track)
        for part in parts:
            verified_path(part)
    except ArtifactError as error:
        raise InputError(str(error)) from None
    if not parts:
        raise InputError(f"The manifest in {folder.name}/ names no model: there is none to take.")
    facts = facts_of(track, parts)
    version, is_new = ModelVersion.objects.get_or_create(
        sha256=facts.sha256,
        defaults=_described(Track(track), facts)
        | {
            "state": State.SHADOW,
            "folder": str(folder),
            "not_usable": _not_usable(artifacts, folder, track),
            "registered_at": timezone.now(),
            "registered_by": by if isinstance(by, str) else by.username,
        },
    )
    if is_new:
        audit_record(by=by, action="model registered", model=version.version, sha256=facts.sha256)
    return version


def _described(track: Track, facts: TrackFacts) -> dict[str, object]:
    training = next(iter(facts.facts.values()))["training"]
    purpose = model_facts().purpose(track, facts.trained_on, training)
    return {
        "track": track,
        "version": facts.version,
        "trained_on": facts.trained_on,
        "facts": facts.facts,
        "intended_use": purpose.intended_use,
        "known_failures": "\n".join(purpose.known_failures),
    }


def _not_usable(artifacts: Mapping[str, Artifact], folder: Path, track: str) -> str:
    """Why this model can score nobody, in one clause; blank where it can."""
    missing = [name for name in PARTS[track] if name not in artifacts]
    if any(part.kind == ENCODER for part in track_parts(artifacts, track)):
        return "it is an encoder only: fine-tune it first"
    if missing:
        return f"its manifest names no {missing[0]}: a {track} model needs it"
    for name in PARTS[track]:
        if name != "references" and not _has_calibrator(artifacts[name], folder):
            return f"{name} has no calibrator: calibrate it first"
    return ""


def _has_calibrator(artifact: Artifact, folder: Path) -> bool:
    if not artifact.training.get("calibrator"):
        return False
    try:
        Models(folder).calibrator(artifact.name)
    except (KeyError, TypeError, ValueError, ArtifactError):
        return False
    return True
