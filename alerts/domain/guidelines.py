"""Recommendations: one reviewed file each, matched to an alert."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from scoring.domain.rules import RuleFileError, read_rule_file

FIELDS = {
    "authored_by", "checked_by", "date_reviewed", "next_review", "source", "section", "title",
    "text", "track", "tiers", "diagnoses", "antidepressant", "rank",
}  # fmt: skip


@dataclass(frozen=True)
class Recommendation:
    """What to consider, and on whose word. Empty ``diagnoses`` means any."""

    name: str
    title: str
    text: str
    source: str
    section: str
    authored_by: str
    checked_by: str
    date_reviewed: date
    next_review: date
    track: str
    tiers: tuple[str, ...]
    diagnoses: tuple[str, ...]
    antidepressant: bool
    rank: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        values = asdict(self)
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}


def load_guidelines(folder: Path) -> tuple[Recommendation, ...]:
    """Every file of the folder, the most specific (highest rank) first.

    Raises RuleFileError naming the file for a missing, unknown or empty field.
    """
    return tuple(sorted(map(_load, sorted(folder.glob("*.toml"))), key=lambda r: -r.rank))


def _load(path: Path) -> Recommendation:
    table, _ = read_rule_file(path)
    if unknown := sorted(set(table) - FIELDS):
        raise RuleFileError(f"{path.name}: unknown field {unknown[0]}: remove or correct it.")
    if missing := sorted(FIELDS - set(table)):
        raise RuleFileError(f"{path.name}: the field {missing[0]} is missing.")
    if "consider" not in table["text"].lower():
        raise RuleFileError(f"{path.name}: a recommendation says “consider …”.")
    return Recommendation(
        name=path.stem,
        **{**table, "tiers": tuple(table["tiers"]), "diagnoses": tuple(table["diagnoses"])},
    )


def recommend(
    guidelines: tuple[Recommendation, ...],
    *,
    track: str,
    tier: str,
    diagnosis: str,
    antidepressant_active: bool,
) -> Recommendation | None:
    """The most specific recommendation whose criteria all hold, or None."""
    for guideline in guidelines:
        if (
            guideline.track == track
            and tier in guideline.tiers
            and (not guideline.diagnoses or diagnosis in guideline.diagnoses)
            and (antidepressant_active or not guideline.antidepressant)
        ):
            return guideline
    return None
