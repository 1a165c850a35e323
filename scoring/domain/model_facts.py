"""What a model is for and where it fails: from its own manifest, else from a reviewed file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patients.domain.rule_files import read_rule_file

TRACKS = ("depression", "mania")


@dataclass(frozen=True)
class Purpose:
    """What a model is meant for, and where it is known to fail."""

    intended_use: str
    known_failures: tuple[str, ...]


@dataclass(frozen=True)
class ModelFacts:
    """model_facts.toml: a purpose per track, and what training data add to the failures."""

    tracks: Mapping[str, Purpose]
    by_training: Mapping[str, tuple[str, ...]]
    checked_by: str

    def purpose(self, track: str, trained_on: str, training: Mapping[str, Any]) -> Purpose:
        """Of a model of that track: its manifest's own intended use, else the file's, and the
        failures of both; first of all those of people like the ones it was trained on.

        >>> shipped = Purpose("for clinicians", ("naps",))
        >>> facts = ModelFacts({"mania": shipped}, {"simulated": ("real people",)}, "")
        >>> facts.purpose("mania", "simulated", {}).known_failures
        ('real people', 'naps')
        >>> facts.purpose("mania", "a cohort", {"known_failures": ["twins"]}).known_failures
        ('twins', 'naps')
        """
        usual = self.tracks[track]
        own = _lines(training.get("known_failures") or ())
        failures = (*self.by_training.get(trained_on, ()), *own, *usual.known_failures)
        return Purpose(str(training.get("intended_use") or usual.intended_use), failures)


PURPOSE = {"intended_use": str, "known_failures": [str], "note": str}
SHAPE: dict[str, Any] = {
    **dict.fromkeys(TRACKS, PURPOSE),
    "trained_on": {str: {"known_failures": [str], "note": str}},
}


def load_model_facts(path: Path) -> ModelFacts:
    """Read model_facts.toml. Raises RuleFileError for a missing or unknown field."""
    table, _ = read_rule_file(path, SHAPE)
    tracks = {
        name: Purpose(table[name]["intended_use"], tuple(table[name]["known_failures"]))
        for name in TRACKS
    }
    added = {name: tuple(of["known_failures"]) for name, of in table["trained_on"].items()}
    return ModelFacts(tracks, added, table["checked_by"])


def _lines(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
