"""Writes about features, scores and baselines."""

import logging
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.services import audit_record
from scoring.domain.baselines import baseline_delta
from scoring.domain.circumstances import Circumstance
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.output import reasons_list, track_dict, weights_dict
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures
from scoring.engines.assess import Assessment, assess_day
from scoring.engines.models import Models
from scoring.model_services import version_used
from scoring.models import (
    Baseline,
    ModelVersion,
    RiskScore,
    Track,
)
from scoring.resources import circumstance_rules, feature_labels, router_rules, window_days
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

HISTORY_DAYS = 95  # early warning reads 90 days, the vector 30
BASELINE_DAYS = 60
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
    values: dict[str, Any] = {
        "tier": decision.tier,
        "probability": decision.probability,
        "depression": track_dict(assessment.depression, decision.depression_tier, "depression"),
        "mania": track_dict(assessment.mania, decision.mania_tier, "mania"),
        "weights": weights_dict(decision),
        "reasons": reasons_list(decision),
        "inputs_sha256": assessment.inputs_sha256,
        "context": {
            "antidepressant": antidepressant_state(patient, decision.day),
            COMBINATION: assessment.combination_sha256,
            **_circumstances(assessment),
        },
        "depression_model": _model_version(assessment, Track.DEPRESSION),
        "mania_model": _model_version(assessment, Track.MANIA),
        "baseline": patient.baselines.filter(state=Baseline.State.APPROVED).first(),
        "rules_version": router_rules().version,
    }
    scores = RiskScore.objects.select_for_update().filter(patient=patient, day=decision.day)
    values["context"][DELTA] = _depression_delta(patient, assessment, values["depression_model"])
    current = scores.filter(is_current=True).first()
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
    if score.model_failed:
        log.error("scored without a model", extra={"patient": patient.code, "score": score.pk})
    return score, True


def scores_withdraw(*, patient: Patient) -> None:
    """Scores of days that no longer have 12 h recorded are in force no more.

    As after a removal; they stay as earlier revisions, and a day without data has no score.
    """
    full = patient.features.filter(values__recorded_minutes__gte=FULL_DAY_MINUTES)
    current = patient.scores.filter(is_current=True)
    current.exclude(day__in=full.values("day")).update(is_current=False)


COMBINATION = "combination_sha256"  # it is no part of either track's model
# In the context, but of no weight in the decision: it is as the scores before it were that night.
DELTA = "depression_delta_sd"


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
    "inputs_sha256", "tier", "weights", "reasons", "depression_model", "mania_model",
    "rules_version",
)  # fmt: skip


def _is_the_same(score: RiskScore, values: dict[str, Any]) -> bool:
    explained = all(
        getattr(score, track)["contributions"] or not values[track]["contributions"]
        for track in Track.values
    )
    now = values["context"]
    # A score of before the combination was kept with it is not scored again for that alone.
    then = {COMBINATION: now[COMBINATION], **score.context}
    went_in = [{**context, DELTA: None} for context in (then, now)]
    return (
        explained
        and went_in[0] == went_in[1]
        and all(getattr(score, n) == values[n] for n in SAME_SCORE)
    )


def _model_version(assessment: Assessment, track: Track) -> ModelVersion | None:
    return version_used(track=track, facts=assessment.models.get(track))


BASELINE_FEATURES = (
    ("time_asleep_hours", "sleep", "Time asleep", "h"),
    ("onset_minutes", "sleep", "Sleep onset", "min from midnight"),
    ("offset_minutes", "sleep", "Waking", "min from midnight"),
    ("dlmo_hour", "phase", "Estimated melatonin onset (DLMO)", "clock hour"),
    ("interdaily_stability", "rhythm", "Interdaily stability", "0 to 1"),
    ("mean_per_minute", "activity", "Activity", "a minute"),
    ("steps", "activity", "Steps", "a day"),
    ("mean_bpm", "heart", "Heart rate", "bpm"),
)


@transaction.atomic
def baseline_propose(*, patient: Patient, by: User | str) -> Baseline:
    """Propose what is usual for the patient from the full days of the last 60.

    Raises InputError where there are fewer than 14.
    """
    last = last_full_day(patient, FULL_DAY_MINUTES)
    days = features_between(patient, last - timedelta(days=BASELINE_DAYS - 1), last) if last else []
    days = [d for d in days if d.recorded_minutes >= FULL_DAY_MINUTES]
    if len(days) < 14:
        raise InputError(f"{patient.code} has {len(days)} days: a baseline needs 14.")
    values = {}
    for name, group, label, unit in BASELINE_FEATURES:
        known = [v for d in days if (v := _usual_value(d, group, name)) is not None]
        if len(known) > 1:
            sd = float(np.std(known, ddof=1))
            mean = float(np.mean(known))
            mean = (mean - 12) % 24 + 12 if name == "dlmo_hour" else mean
            values[name] = {"label": label, "mean": mean, "sd": sd, "unit": unit, "n": len(known)}
    newest = patient.baselines.aggregate(Max("version"))["version__max"] or 0
    baseline = Baseline.objects.create(
        patient=patient,
        version=newest + 1,
        first_day=days[0].day,
        last_day=days[-1].day,
        days_used=len(days),
        values=values,
    )
    audit_record(by=by, action="baseline proposed", patient=patient, version=baseline.version)
    return baseline


def _usual_value(day: DayFeatures, group: str, name: str) -> float | None:
    # The phase is taken from the series that does not jump at noon.
    name = "dlmo_unwrapped_hours" if name == "dlmo_hour" else name
    value = getattr(day, group)[name]
    return None if value is None else float(value)


@transaction.atomic
def baseline_approve(*, baseline: Baseline, by: User) -> None:
    """This version is in force; the one before it is kept as replaced."""
    approved, proposed = Baseline.State.APPROVED, Baseline.State.PROPOSED
    baseline.patient.baselines.filter(state=approved).update(state=Baseline.State.REPLACED)
    changed = Baseline.objects.filter(pk=baseline.pk, state=proposed).update(
        state=approved, decided_by=by.username, decided_at=timezone.now()
    )
    if not changed:
        raise InputError("This baseline is no longer a proposal: reload the page.")
    audit_record(
        by=by, action="baseline approved", patient=baseline.patient, version=baseline.version
    )
