"""The app's rule files, read once a process."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alerts.domain.absence import AbsenceRules, load_absence_rules
from alerts.domain.ehr_codes import EhrCodes, load_ehr_codes
from alerts.domain.escalation import Policy, load_policies, policy_name
from alerts.domain.guidelines import Recommendation, load_guidelines
from alerts.domain.safety import SafetyRules, load_safety_rules
from alerts.domain.triage_rules import TriageRules, load_triage_rules
from patients.models import Diagnosis
from patients.resources import instruments

DATA = Path(__file__).resolve().parent / "data"


@cache
def triage_rules() -> TriageRules:
    """triage.toml."""
    return load_triage_rules(DATA / "triage.toml")


@cache
def policies() -> dict[str, Policy]:
    """escalation.toml."""
    return load_policies(DATA / "escalation.toml")


def policy_of(kind: str, tier: str, frozen: Mapping[str, Any]) -> Policy:
    """The policy that was frozen into an alert of that kind and tier."""
    return Policy.frozen(frozen, policies()[policy_name(kind, tier)])


@cache
def safety_rules() -> SafetyRules:
    """safety.toml. Raises RuleFileError."""
    return load_safety_rules(DATA / "safety.toml")


@cache
def absence_rules() -> AbsenceRules:
    """absence.toml."""
    return load_absence_rules(DATA / "absence.toml")


@cache
def guidelines() -> tuple[Recommendation, ...]:
    """Every recommendation, the most specific first."""
    return load_guidelines(DATA / "guidelines")


@cache
def ehr_codes() -> EhrCodes:
    """ehr_codes.toml."""
    items = {key: len(asked.topics) for key, asked in instruments().items()}
    return load_ehr_codes(DATA / "ehr_codes.toml", Diagnosis.values, items)
