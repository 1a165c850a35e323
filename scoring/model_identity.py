"""What is known of model files, so that the same files cannot be told as something else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patients.domain.errors import InputError
from scoring import resources
from scoring.engines.artifacts import SIMULATED, ArtifactError
from scoring.engines.models import TrackFacts
from scoring.models import ModelVersion


def shipped_facts(track: str) -> TrackFacts | None:
    """What the project's own manifest says; None where it cannot be trusted."""
    try:
        return resources.models().facts(track)
    except ArtifactError:
        return None


def _known(track: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Name and facts of each known model of a track by its hash, the shipped one's its own."""
    rows = ModelVersion.objects.filter(track=track)
    known: dict[str, tuple[str, Mapping[str, Any]]] = {
        row.sha256: (row.version, row.facts) for row in rows
    }
    if shipped := shipped_facts(track):
        known[shipped.sha256] = (shipped.version, shipped.facts)
    return known


def check_model_known(track: str, facts: TrackFacts, folder: Path) -> None:
    """InputError where this very model is known from other people or under another licence."""
    name, known = _known(track).get(facts.sha256, ("", {}))
    for part, told in facts.facts.items():
        for key in ("trained_on", "licence"):
            _check_told(key, told, known.get(part, {}), folder, name)


def check_files_known(track: str, facts: TrackFacts, folder: Path) -> None:
    """InputError where a file that is known as made from simulated people says it is not."""
    for name, known in _known(track).values():
        for told in facts.facts.values():
            for other in known.values():
                simulated = other.get("trained_on") == SIMULATED
                if other.get("sha256") == told["sha256"] and simulated:
                    _check_told("trained_on", told, other, folder, name)


def _check_told(
    key: str, told: Mapping[str, Any], known: Mapping[str, Any], folder: Path, name: str
) -> None:
    if told[key] != known.get(key, told[key]):
        raise InputError(
            f"{told['file']} in {folder.name}/ is a file of {name}, whose {key} is "
            f"“{known[key]}”, and the manifest says “{told[key]}”: restore the manifest."
        )
