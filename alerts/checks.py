"""System checks: what would go wrong in the night is said at start-up, with a hint."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from alerts import resources as alert_rules
from alerts.fhir.client import EhrClient
from patients import resources as patient_rules
from scoring import resources as scoring_rules
from scoring.domain.rules import RuleFileError, read_rule_file
from scoring.drift import drift_limits
from scoring.engines.artifacts import ArtifactError, load_manifest, verified_path


@register(Tags.compatibility)
def rule_files(**_: Any) -> Sequence[CheckMessage]:
    """Every rule file can be used; one past its review date warns."""
    loaders: tuple[Callable[[], object], ...] = (
        patient_rules.drug_table,
        patient_rules.medication_rules,
        patient_rules.instruments,
        scoring_rules.router_rules,
        scoring_rules.feature_labels,
        scoring_rules.window_days,
        scoring_rules.flag_rules,
        scoring_rules.baseline_rules,
        drift_limits,
        scoring_rules.model_facts,
        alert_rules.triage_rules,
        alert_rules.absence_rules,
        alert_rules.policies,
        alert_rules.safety_words,
        alert_rules.guidelines,
    )
    found: list[CheckMessage] = []
    for load in loaders:
        try:
            load()
        except RuleFileError as error:
            found.append(
                Error(str(error), hint="Mend the file and start again.", id="clarity.E001")
            )
    return found or _overdue()


def _overdue() -> list[CheckMessage]:
    files = [
        *patient_rules.DATA.glob("*.toml"),
        *scoring_rules.DATA.glob("*.toml"),
        *alert_rules.DATA.rglob("*.toml"),
    ]
    return [
        Warning(
            f"{path.name} should have been reviewed by {table['next_review']}.",
            hint="Review it with a clinician and set its dates.",
            id="clarity.W001",
        )
        for path in sorted(files)
        if (table := read_rule_file(path)[0])["next_review"] < date.today()
    ]


@register(Tags.compatibility)
def model_files(**_: Any) -> Sequence[CheckMessage]:
    """Every artefact is there with the hash of its manifest."""
    try:
        for artifact in load_manifest(scoring_rules.ARTIFACTS).values():
            verified_path(artifact)
    except ArtifactError as error:
        return [Error(str(error), hint="Run `make train`, or restore the file.", id="clarity.E002")]
    return []


@register(Tags.compatibility)
def ehr_settings(**_: Any) -> Sequence[CheckMessage]:
    """The EHR's address and token file can be used."""
    try:
        if settings.EHR_BASE_URL:
            EhrClient(settings.EHR_BASE_URL).close()
    except ValueError as error:
        return [Error(f"EHR_BASE_URL: {error}", hint="See .env.sample.", id="clarity.E004")]
    path = settings.EHR_TOKEN_FILE
    if path and not Path(path).is_file():
        return [
            Error("EHR_TOKEN_FILE names no file.", hint="Give its full path.", id="clarity.E003")
        ]
    return []
