"""Writes about features and scores."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import Patient
from scoring.domain.baselines import baseline_delta
from scoring.domain.circumstances import Circumstance
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.output import reasons_list, track_dict, weights_dict
from scoring.domain.router import Antidepressant
from scoring.domain.worsening import WORSE, worse_reasons
from scoring.engines.assess import COMBINATION_NOT_FITTED, Assessment, assess_day
from scoring.engines.models import Models
from scoring.model_services import version_used
from scoring.models import ModelVersion, RiskScore, Track
from scoring.resources import (
    baseline_rules,
    circumstance_rules,
    feature_labels,
    router_rules,
    window_days,
)
from scoring.selectors import (
    CIRCUMSTANCES,
    antidepressant_state,
    circumstances_of,
    depression_history,
    features_between,
    last_full_day,
    models_in_use,
    person_data,
)
from scoring.summaries import summaries_refresh
from scoring.usual import day_worsenings, in_force

HISTORY_DAYS = 95  # early warning reads 90 days, the vector 30
log = logging.getLogger("clarity")


def patient_assess(
    *,
    patient: Patient,
    day: date | None = None,
    explain: bool = True,
    antidepressant: Antidepressant | None = None,
    using: Models | None = None,
    circumstances: tuple[Circumstance, ...] | None = None,
) -> Assessment:
    """Run both models and the router on one day, from stored features and minutes.

    The day is the last one with at least 12 h recorded unless given; the models are those in
    use, medication and circumstances those recorded, unless given. Raises InputError when there
    is no such day.
    """
    day = day or last_full_day(patient, FULL_DAY_MINUTES)
    if day is None:
        raise InputError(
            f"{patient.code} has no day with 12 h recorded: there is nothing to score yet."
        )
    # Three weeks before the scored one show what is usual for the person.
    person = person_data(patient, day - timedelta(days=29), day)
    return assess_day(
        person,
        features_between(patient, day - timedelta(days=HISTORY_DAYS), day),
        day,
        antidepressant or antidepressant_state(patient, day),
        using or models_in_use(),
        router_rules(),
        feature_labels(),
        explain,
        window_days(),
        circumstances_of(patient, day) if circumstances is None else circumstances,
    )


@transaction.atomic
def score_store(*, patient: Patient, assessment: Assessment) -> tuple[RiskScore, bool]:
    """Keep the decision as a score; the same decision from the same inputs is kept once.

    Returns the score in force and whether it is new. Earlier revisions stay.
    """
    decision = assessment.decision
    # The patient first, as everywhere: who takes the same locks in one order waits in no ring.
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    scores = RiskScore.objects.select_for_update().filter(patient=patient, day=decision.day)
    current = scores.filter(is_current=True).first()
    # A day scored before keeps its baseline: an approval acts from the next scored day on.
    baseline = current.baseline if current else in_force(patient)
    models = {track: _model_version(assessment, track) for track in Track}
    rules = baseline_rules()
    off = day_worsenings(patient, decision.day, baseline, rules)
    delta = _depression_delta(patient, assessment, models[Track.DEPRESSION])
    worse = [asdict(reason) for reason in worse_reasons(off, delta, rules)]
    values: dict[str, Any] = {
        "tier": decision.tier,
        "probability": decision.probability,
        "depression": track_dict(assessment.depression, decision.depression_tier, "depression"),
        "mania": track_dict(assessment.mania, decision.mania_tier, "mania"),
        "weights": weights_dict(decision),
        "reasons": [*reasons_list(decision), *worse],
        "inputs_sha256": assessment.inputs_sha256,
        "context": {
            "antidepressant": antidepressant_state(patient, decision.day),
            COMBINATION: assessment.combination_sha256,
            DELTA: delta,
            DEVIATIONS: off,
            BASELINE_RULES: rules.version,
            **_circumstances(assessment),
        },
        "depression_model": models[Track.DEPRESSION],
        "mania_model": models[Track.MANIA],
        "baseline": baseline,
        "rules_version": router_rules().version,
    }
    if current and _is_the_same(current, values):
        return current, False
    revision = (scores.aggregate(Max("revision"))["revision__max"] or 0) + 1
    scores.filter(is_current=True).update(is_current=False)
    score = RiskScore.objects.create(
        patient=patient,
        day=decision.day,
        revision=revision,
        scored_at=timezone.now(),
        model_failed=any(
            (assessment.depression.failed, assessment.mania.failed, assessment.combination_lost)
        ),
        **values,
    )
    summaries_refresh(patients=[patient.pk])
    if score.model_failed:
        log.error("scored without a model", extra={"patient": patient.code, "score": score.pk})
    return score, True


@transaction.atomic
def scores_withdraw(*, patient: Patient) -> None:
    """Scores of days that no longer have 12 h recorded are in force no more.

    As after a removal; they stay as earlier revisions, and a day without data has no score.
    """
    full = patient.features.filter(values__recorded_minutes__gte=FULL_DAY_MINUTES)
    current = patient.scores.filter(is_current=True)
    if current.exclude(day__in=full.values("day")).update(is_current=False):
        summaries_refresh(patients=[patient.pk])


COMBINATION = "combination_sha256"  # it is no part of either track's model
# In the context, but of no weight in the decision: it is as the scores before it were that night.
DELTA = "depression_delta_sd"
DEVIATIONS = "baseline_deviation"  # the features that lay far off usual on the worse side
BASELINE_RULES = "baseline_rules"  # hash of baselines.toml


def _circumstances(assessment: Assessment) -> dict[str, Any]:
    """What went on in the patient's life, as it was recorded, and by which rules it was read."""
    if not assessment.circumstances:
        return {}
    spans = [c.span.as_dict() for c in assessment.circumstances]
    return {CIRCUMSTANCES: {"spans": spans, "rules_version": circumstance_rules().version}}


def _depression_delta(
    patient: Patient, assessment: Assessment, model: ModelVersion | None
) -> float | None:
    """The depression output against the person's own of the 8 weeks before, in SD."""
    probability = assessment.depression.probability
    if probability is None or model is None:
        return None
    return baseline_delta(probability, depression_history(patient, assessment.decision.day, model))


# With the reasons: a model that failed and now works changes no input, only what they say.
SAME_SCORE = (
    "inputs_sha256", "tier", "weights", "depression_model", "mania_model", "rules_version"
)  # fmt: skip


def _is_the_same(score: RiskScore, values: dict[str, Any]) -> bool:
    explained = all(
        getattr(score, track)["contributions"] or not values[track]["contributions"]
        for track in Track.values
    )
    now = values["context"]
    # A score of before these were kept with it is not scored again for them alone.
    kept_since = {name: now[name] for name in (COMBINATION, DEVIATIONS, BASELINE_RULES)}
    then = {**kept_since, **score.context}
    went_in = [{**context, DELTA: None} for context in (then, now)]
    steps = [_compared(reasons) for reasons in (score.reasons, values["reasons"])]
    return (
        explained
        and went_in[0] == went_in[1]
        and steps[0] == steps[1]
        and all(getattr(score, n) == values[n] for n in SAME_SCORE)
    )


TOLD_BY_THE_CONTEXT = (WORSE, COMBINATION_NOT_FITTED.code)


def _compared(reasons: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The steps of a decision, without what its context tells already: a score from before one
    of these was said is not scored again for it.
    """
    return [reason for reason in reasons if reason["code"] not in TOLD_BY_THE_CONTEXT]


def _model_version(assessment: Assessment, track: Track) -> ModelVersion | None:
    return version_used(track=track, facts=assessment.models.get(track))
