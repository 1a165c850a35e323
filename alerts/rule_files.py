"""Every rule file there is, and who reads it: for start-up, the rules page and their tests."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from alerts import resources as alert_rules
from alerts.domain.absence import load_absence_rules
from alerts.domain.ehr_codes import load_ehr_codes
from alerts.domain.escalation import load_policies
from alerts.domain.forbidden import load_forbidden_words
from alerts.domain.guidelines import load_guideline
from alerts.domain.safety import load_safety_rules
from alerts.domain.triage_rules import load_triage_rules
from patients import resources as patient_rules
from patients.domain.drugs import load_drug_table
from patients.domain.medications import load_medication_rules
from patients.domain.questionnaires import load_instruments
from patients.domain.rule_files import PROVENANCE, RuleFileError, about, read_rule_file
from patients.models import Diagnosis, MedicationCourse
from scoring import resources as scoring_rules
from scoring.domain.baseline_rules import load_baseline_rules
from scoring.domain.circumstances import load_circumstance_rules
from scoring.domain.clinical_flags import load_flag_rules
from scoring.domain.drift_limits import load_drift_limits
from scoring.domain.explain import load_labels
from scoring.domain.model_facts import load_model_facts
from scoring.domain.rules import (
    family_values,
    load_realism,
    load_router_rules,
    load_window_days,
)

Load = Callable[[Path], object]
PATIENTS, SCORING = "Medications and questionnaires", "Decision"
ALERTS, GUIDELINES = "Alerts and words", "Recommendations"
CLASSES = MedicationCourse.DrugClass.values
ITEMS = {key: len(asked.topics) for key, asked in patient_rules.instruments().items()}
READERS: Mapping[str, Mapping[str, Load]] = {
    PATIENTS: {
        "drugs.toml": lambda path: load_drug_table(path, CLASSES),
        "medication_rules.toml": lambda path: load_medication_rules(path, CLASSES),
        "questionnaires.toml": load_instruments,
    },
    SCORING: {
        "router.toml": load_router_rules,
        "baselines.toml": load_baseline_rules,
        "circumstances.toml": load_circumstance_rules,
        "flags.toml": load_flag_rules,
        "window.toml": load_window_days,
        "features.toml": load_labels,
        "families.toml": lambda path: family_values(path, "waking_level"),
        "drift.toml": load_drift_limits,
        "model_facts.toml": load_model_facts,
        "realism.toml": load_realism,
    },
    ALERTS: {
        "triage.toml": load_triage_rules,
        "escalation.toml": load_policies,
        "absence.toml": load_absence_rules,
        "safety.toml": load_safety_rules,
        "forbidden_words.toml": load_forbidden_words,
        "ehr_codes.toml": lambda path: load_ehr_codes(path, Diagnosis.values, ITEMS),
    },
}


@dataclass(frozen=True)
class RuleFile:
    """A file and its reader; no reader means that nothing in Clarity reads it."""

    path: Path
    group: str
    load: Load | None

    def problem(self) -> str:
        """Why it cannot be used, with the mend; empty where it can."""
        if self.load is None:
            return f"{self.path.name} is read by nothing: name its reader, or remove it."
        try:
            self.load(self.path)
        except RuleFileError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class Provenance:
    """On whose word a file stands, and until when; ``version`` is the hash of its bytes."""

    key: str
    name: str
    title: str
    about: str
    when: str
    source: str
    authored_by: str
    checked_by: str
    date_reviewed: date
    next_review: date
    overdue: bool
    version: str


def rule_files() -> list[RuleFile]:
    """Every TOML file below the data folders, by group and name."""
    guidelines = sorted((alert_rules.DATA / "guidelines").glob("*.toml"))
    return [
        *_of(patient_rules.DATA, PATIENTS),
        *_of(scoring_rules.DATA, SCORING),
        *_of(alert_rules.DATA, ALERTS),
        *(RuleFile(path, GUIDELINES, load_guideline) for path in guidelines),
    ]


def _of(folder: Path, group: str) -> list[RuleFile]:
    known = READERS[group]
    paths = {path for path in folder.rglob("*.toml") if path.parent.name != "guidelines"}
    return [RuleFile(path, group, known.get(path.name)) for path in sorted(paths)]


CRITERIA_WORDS = {
    "track": "track",
    "tiers": "tier",
    "diagnoses": "recorded as",
    "antidepressant": "antidepressant",
    "mood_stabiliser": "mood stabiliser",
    "other_tiers": "other track",
    "one_track_only": "one track only",
    "early_warning": "early-warning rule",
}


def _when(criteria: Mapping[str, Any]) -> str:
    """The criteria of a recommendation as they are read: “track mania; tier High”."""

    def words(value: Any) -> str:
        return " or ".join(value) if isinstance(value, list) else str(value)

    told = [f"{CRITERIA_WORDS[name]} {words(value)}" for name, value in criteria.items()]
    return "; ".join(told).replace("_", " ").replace("True", "yes").replace("False", "no")


def provenance(path: Path, today: date) -> Provenance:
    """What a file says of itself; ``overdue``: its review was due before today.

    Raises RuleFileError.
    """
    table, version = read_rule_file(path)
    return Provenance(
        key=path.stem,
        name=path.name,
        title=str(table.get("title", "")),
        about=re.sub(r"\{\w+\}", "…", str(table.get("text", ""))) or about(path),
        when=_when(table.get("criteria", {})),
        source=", ".join(filter(None, (table["source"], str(table.get("section", ""))))),
        authored_by=table["authored_by"],
        checked_by=table["checked_by"],
        date_reviewed=table["date_reviewed"],
        next_review=table["next_review"],
        overdue=table["next_review"] < today,
        version=version,
    )


def rule_content(path: Path) -> dict[str, Any]:
    """What a file says beside its provenance. Raises RuleFileError."""
    table, _ = read_rule_file(path)
    return {key: value for key, value in table.items() if key not in PROVENANCE}


def reviews_overdue(today: date) -> int:
    """How many files should have been reviewed before today."""
    return sum(provenance(file.path, today).overdue for file in rule_files())
