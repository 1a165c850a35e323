"""Writes about features, scores and baselines."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.services import audit_record
from scoring.domain.daily import FULL_DAY_MINUTES, daily_features
from scoring.domain.output import reasons_list, track_dict, weights_dict
from scoring.domain.phase import PacemakerDay
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures
from scoring.domain.vector import PHASE
from scoring.engines.assess import Assessment, assess_day
from scoring.models import (
    Baseline,
    DailyFeatures,
    ModelVersion,
    RiskScore,
    Track,
)
from scoring.resources import feature_labels, models, router_rules
from scoring.selectors import (
    antidepressant_state,
    features_between,
    last_full_day,
    person_data,
    person_windows,
    recorded_days,
)

# An edited minute can reach the features of these local days: the night before it belongs
# to, and the seven days whose rhythm it is part of.
DAYS_BEFORE_AN_EDIT = 1
LOOK_BACK_DAYS = 8
HISTORY_DAYS = 95  # early warning reads 90 days, the vector 30
BASELINE_DAYS = 60


@transaction.atomic
def features_update(*, patient: Patient) -> None:
    """Bring the daily features up to the recordings: new days, and days that changed.

    A change to a past day recomputes from there, because the pacemaker goes on from it.
    """
    Patient.objects.select_for_update().get(pk=patient.pk)
    now, span = timezone.now(), recorded_days(patient)
    if span is None:
        patient.features.all().delete()
        return
    first = _first_stale_day(patient, *span)
    if first is None:
        return
    # Another time zone may move the last minute to the day before.
    patient.features.exclude(day__range=span).delete()
    before = DailyFeatures.objects.filter(patient=patient, day=first - timedelta(days=1)).first()
    state = before.pacemaker_state if before else None
    pacemaker = _pacemaker(state) if state else None
    stored = {row.day: row for row in patient.features.filter(day__gte=first)}
    rows = [
        DailyFeatures(
            patient=patient,
            day=features.day,
            computed_at=now,
            values=_as_json(features.as_dict()),
            pacemaker_state=_as_json(asdict(phase)) if phase else None,
        )
        for features, phase in _each_day(patient, first, span[1], pacemaker)
    ]
    # A day that came out the same keeps its row, and so its score need not be looked at again.
    # The last day's row is always written: its time says up to when recordings are in here.
    new = [r for r in rows if r.day == span[1] or not _is_same_day(stored.get(r.day), r)]
    DailyFeatures.objects.bulk_create(
        new,
        update_conflicts=True,
        unique_fields=["patient", "day"],
        update_fields=["computed_at", "values", "pacemaker_state"],
    )


def _each_day(
    patient: Patient, first: date, last: date, phase: PacemakerDay | None
) -> Iterator[tuple[DayFeatures, PacemakerDay | None]]:
    # Each day from its own window, so that one night's update and a recompute of all agree.
    for day, person in person_windows(patient, first, last, LOOK_BACK_DAYS):
        [(features, phase)] = daily_features(person, day, day, phase)
        yield features, phase


def _as_json(values: dict[str, Any]) -> Any:
    return json.loads(json.dumps(values, allow_nan=False))


def _is_same_day(old: DailyFeatures | None, new: DailyFeatures) -> bool:
    return (
        old is not None and old.values == new.values and old.pacemaker_state == new.pacemaker_state
    )


def _pacemaker(state: dict[str, Any]) -> PacemakerDay:
    usual = tuple((int(onset), int(offset)) for onset, offset in state["usual"])
    x, xc, n = state["state"]
    return PacemakerDay((x, xc, n), state["dlmo_hours"], state["amplitude"], usual)


def _first_stale_day(patient: Patient, first: date, last: date) -> date | None:
    known = DailyFeatures.objects.filter(patient=patient).aggregate(Max("computed_at"), Max("day"))
    computed_at, last_known = known["computed_at__max"], known["day__max"]
    if computed_at is None:
        return first
    edited = patient.resolved_days.filter(updated_at__gt=computed_at).aggregate(Min("utc_day"))
    slept = patient.sleep_episodes.filter(updated_at__gt=computed_at).aggregate(Min("start"))
    changed = [d for d in (edited["utc_day__min"],) if d]
    if slept["start__min"]:
        changed.append(slept["start__min"].date())
    if changed:
        # Where the last days were removed, the last one left is made anew.
        return min(max(first, min(changed) - timedelta(days=DAYS_BEFORE_AN_EDIT)), last)
    return last_known + timedelta(days=1) if last_known < last else None


def patient_assess(
    *,
    patient: Patient,
    day: date | None = None,
    explain: bool = True,
    antidepressant: Antidepressant | None = None,
) -> Assessment:
    """Run both models and the router on one day, from stored features and minutes.

    The day is the last one with at least 12 h recorded unless given. Raises InputError when
    there is none.
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
        models(),
        router_rules(),
        feature_labels(),
        explain,
    )


@transaction.atomic
def score_store(*, patient: Patient, assessment: Assessment) -> tuple[RiskScore, bool]:
    """Keep the decision as a score; the same decision from the same inputs is kept once.

    Returns the score in force and whether it is new. Earlier revisions stay.
    """
    decision = assessment.decision
    context = {"antidepressant": antidepressant_state(patient, decision.day)}
    values: dict[str, Any] = {
        "tier": decision.tier,
        "probability": decision.probability,
        "depression": track_dict(assessment.depression, decision.depression_tier, "depression"),
        "mania": track_dict(assessment.mania, decision.mania_tier, "mania"),
        "weights": weights_dict(decision),
        "reasons": reasons_list(decision),
        "inputs_sha256": assessment.inputs_sha256,
        "context": context,
        "depression_model": _model_version(Track.DEPRESSION),
        "mania_model": _model_version(Track.MANIA),
        "baseline": patient.baselines.filter(state=Baseline.State.APPROVED).first(),
        "rules_version": router_rules().version,
    }
    scores = RiskScore.objects.select_for_update().filter(patient=patient, day=decision.day)
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
        **values,
    )
    return score, True


def scores_withdraw(*, patient: Patient) -> None:
    """Scores of days that no longer have 12 h recorded are in force no more.

    As after a removal; they stay as earlier revisions, and a day without data has no score.
    """
    full = patient.features.filter(values__recorded_minutes__gte=FULL_DAY_MINUTES)
    current = patient.scores.filter(is_current=True)
    current.exclude(day__in=full.values("day")).update(is_current=False)


# With the reasons: a model that failed and now works changes no input, only what they say.
SAME_SCORE = (
    "inputs_sha256", "tier", "weights", "reasons", "context", "depression_model", "mania_model",
    "rules_version",
)  # fmt: skip


def _is_the_same(score: RiskScore, values: dict[str, Any]) -> bool:
    explained = score.depression["contributions"] or not values["depression"]["contributions"]
    return bool(explained) and all(getattr(score, n) == values[n] for n in SAME_SCORE)


def _model_version(track: Track) -> ModelVersion:
    facts = models().facts(track)
    version, _ = ModelVersion.objects.get_or_create(
        sha256=facts.sha256,
        defaults={
            "track": track,
            "version": facts.version,
            "trained_on": facts.trained_on,
            "facts": facts.facts,
        },
    )
    return version


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
    value = day.indexes[PHASE] if name == "dlmo_hour" else getattr(day, group)[name]
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


def score_replay(*, score: RiskScore) -> list[dict[str, object]]:
    """Recompute a stored score; what differs, as {field, stored, now}. Writes nothing.

    Hash of the inputs, steps, weights and tier must be equal, probabilities to 1e-5.
    """
    assessed = patient_assess(
        patient=score.patient,
        day=score.day,
        explain=False,
        antidepressant=Antidepressant(score.context["antidepressant"]),
    )
    decision = assessed.decision
    exact: list[tuple[str, object, object]] = [
        ("inputs_sha256", score.inputs_sha256, assessed.inputs_sha256),
        ("tier", score.tier, decision.tier),
        ("weights", score.weights, weights_dict(decision)),
        ("reasons", score.reasons, reasons_list(decision)),
        ("rules_version", score.rules_version, router_rules().version),
    ]
    for track in Track:
        stored = getattr(score, f"{track}_model")
        then = stored.sha256 if stored else None
        exact.append((f"{track}_model", then, models().facts(track).sha256))
    close = [
        ("probability", score.probability, decision.probability),
        ("depression", score.depression["probability"], assessed.depression.probability),
        ("mania", score.mania["probability"], assessed.mania.probability),
    ]
    different = [item for item in exact if item[1] != item[2]]
    different += [item for item in close if not _close(item[1], item[2])]
    return [{"field": field, "stored": then, "now": now} for field, then, now in different]


def _close(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(a - b) <= 1e-5
