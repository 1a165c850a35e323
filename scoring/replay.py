"""A stored score recomputed with the models it came from, or what has changed since."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scoring import resources
from scoring.domain.output import reasons_list, weights_dict
from scoring.domain.router import Antidepressant
from scoring.domain.types import RiskDecision
from scoring.domain.worsening import worse_reasons
from scoring.engines.artifacts import Artifact, ArtifactError, load_manifest, sha256_of
from scoring.engines.assess import COMBINATION_NOT_FITTED, Assessment
from scoring.engines.models import Source, digest_of, track_parts
from scoring.models import ModelVersion, RiskScore, Track
from scoring.resources import baseline_rules, router_rules
from scoring.selectors import CIRCUMSTANCES, circumstances_kept
from scoring.services import BASELINE_RULES, COMBINATION, DELTA, DEVIATIONS, patient_assess
from scoring.usual import day_worsenings

Difference = tuple[str, object, object]


def score_replay(*, score: RiskScore) -> list[dict[str, object]]:
    """Recompute a stored score; what differs, as {field, stored, now}. Writes nothing.

    Hash of the inputs, steps, weights and tier must be equal, probabilities to 1e-5. Each track
    is recomputed by the model it came from, wherever that lies. Where its files are missing or
    changed, no other model takes its place: the files are named, and nothing is compared that
    would differ on their account.
    """
    models = {track: _model_of(score, track) for track in Track}
    changed = [item for track in Track for item in _model_changes(models[track], track)]
    assessed = patient_assess(
        patient=score.patient,
        day=score.day,
        explain=False,
        antidepressant=Antidepressant(score.context["antidepressant"]),
        circumstances=circumstances_kept(score),
        using=resources.models(**{track: _source(models[track]) for track in Track}),
    )
    different = [*changed, *_changes_around(score, assessed)]
    if not changed:
        different += _changes_of_the_decision(score, assessed)
    return [{"field": field, "stored": then, "now": now} for field, then, now in different]


def _model_of(score: RiskScore, track: Track) -> ModelVersion | None:
    version: ModelVersion | None = getattr(score, f"{track}_model")
    return version


def _source(version: ModelVersion | None) -> Source:
    """Where a stored score's model lies now; one that could not be named was the shipped one."""
    shipped = Source(resources.ARTIFACTS)
    return version.source or Source(shipped.folder, version.sha256) if version else shipped


def _model_changes(version: ModelVersion | None, track: Track) -> Iterator[Difference]:
    """What is not as it was in the folder of a stored score's model."""
    if version is None:
        return
    folder = _source(version).folder
    try:
        parts = track_parts(load_manifest(folder), track)
    except ArtifactError as error:
        yield f"{track}_model", version.sha256, str(error)
        return
    if (now := digest_of(parts)) != version.sha256:
        yield f"{track}_model", version.sha256, now
    for part in parts:
        yield from _file_changes(part)


def _file_changes(part: Artifact) -> Iterator[Difference]:
    """A file that is missing, or whose hash is not its manifest's."""
    path: Path = part.folder / part.file
    now = sha256_of(path) if path.is_file() else None
    if now != part.sha256:
        yield f"model file {part.file}", part.sha256, now


def _changes_around(score: RiskScore, now: Assessment) -> Iterator[Difference]:
    """Of what went in beside the models."""
    fields: list[Difference] = [
        ("inputs_sha256", score.inputs_sha256, now.inputs_sha256),
        ("rules_version", score.rules_version, router_rules().version),
    ]
    if DEVIATIONS in score.context:
        fields += [
            (BASELINE_RULES, score.context[BASELINE_RULES], baseline_rules().version),
            (DEVIATIONS, score.context[DEVIATIONS], _deviations(score)),
        ]
    if kept := score.context.get(CIRCUMSTANCES):
        now_by = resources.circumstance_rules().version
        fields.append(("circumstances.rules_version", kept["rules_version"], now_by))
    return (item for item in fields if item[1] != item[2])


def _deviations(score: RiskScore) -> list[dict[str, Any]]:
    """Against the baseline that the score was compared with, whichever is in force now."""
    return day_worsenings(score.patient, score.day, score.baseline, baseline_rules())


def _steps(score: RiskScore, now: RiskDecision) -> list[dict[str, str]]:
    """The router's reasons, without what was not said yet when the score was stored."""
    said = {reason["code"] for reason in score.reasons}
    later = COMBINATION_NOT_FITTED.code
    return [r for r in reasons_list(now) if r["code"] != later or later in said]


def _worse(score: RiskScore) -> list[dict[str, str]]:
    """The reasons beside the router's; the delta is the stored one: scores came after it."""
    if DEVIATIONS not in score.context:  # a score from before these were kept
        return []
    delta = score.context.get(DELTA)
    return [asdict(r) for r in worse_reasons(_deviations(score), delta, baseline_rules())]


def _changes_of_the_decision(score: RiskScore, now: Assessment) -> Iterator[Difference]:
    decision = now.decision
    exact: list[Difference] = [
        ("tier", score.tier, decision.tier),
        ("weights", score.weights, weights_dict(decision)),
        ("reasons", score.reasons, [*_steps(score, decision), *_worse(score)]),
        (COMBINATION, score.context.get(COMBINATION), now.combination_sha256),
    ]
    if COMBINATION not in score.context:  # a score from before it was kept
        exact.pop()
    yield from (item for item in exact if item[1] != item[2])
    close = [
        ("probability", score.probability, decision.probability),
        ("depression", score.depression["probability"], now.depression.probability),
        ("mania", score.mania["probability"], now.mania.probability),
    ]
    yield from (item for item in close if not _close(item[1], item[2]))


def _close(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(a - b) <= 1e-5
