"""System checks: what would go wrong in the night is said at start-up, with a hint."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils import timezone

from alerts import resources as alert_rules
from alerts import rule_files as files
from alerts.domain.forbidden import load_forbidden_words
from alerts.domain.guidelines import load_guidelines
from alerts.fhir.client import EhrClient
from alerts.fhir.communication import recipient_trouble
from scoring import resources as scoring_rules
from scoring.engines.artifacts import ArtifactError, load_manifest, verified_path


@register(Tags.compatibility)
def rule_files(**_: Any) -> Sequence[CheckMessage]:
    """Every rule file can be used and says nothing it must not; one past its review date warns."""
    problems = [problem for file in files.rule_files() if (problem := file.problem())]
    problems = problems or list(_claims())
    if problems:
        hint = "Mend the file and start again."
        return [Error(problem, hint=hint, id="clarity.E001") for problem in problems]
    today = timezone.localdate()
    told = [files.provenance(file.path, today) for file in files.rule_files()]
    return [
        Warning(
            f"{each.name} should have been reviewed by {each.next_review}.",
            hint="Review it with a clinician and set its dates.",
            id="clarity.W001",
        )
        for each in told
        if each.overdue
    ]


def _claims() -> Iterator[str]:
    words = load_forbidden_words(alert_rules.DATA / "forbidden_words.toml")
    for guideline in load_guidelines(alert_rules.DATA / "guidelines"):
        if found := words.found_in(f"{guideline.title} {guideline.text}"):
            yield (
                f"{guideline.name}.toml says “{found[0]}”, which forbidden_words.toml forbids: "
                "say “consider” or “review”."
            )


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
    """The EHR's address, token file and recipient can be used."""
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
    if trouble := recipient_trouble(settings.EHR_RECIPIENT, way=""):
        return [Error(trouble, hint="Such as Practitioner/123.", id="clarity.E008")]
    return []
