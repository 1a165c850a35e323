"""One patient's night: features, every day not yet scored, and the alerts of the last."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from alerts.domain.triage import RANK
from alerts.raising import ALERT_MAX_AGE_DAYS, alerts_consider
from alerts.resources import triage_rules
from patients.models import Patient
from scoring import services as scoring
from scoring.baselines import baseline_propose_if_due
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.engines.assess import Assessment
from scoring.features import features_update
from scoring.models import DailyFeatures, RiskScore
from scoring.selectors import last_full_day
from scoring.shadow import shadows_score

CATCH_UP_DAYS = 30  # of the days that were never scored, the last so many
EXPLAINED_DAYS = 7  # of those, the last ones also get their contributions


def patient_night(
    *, patient: Patient, now: datetime, catch_up_days: int = CATCH_UP_DAYS
) -> RiskScore | None:
    """Bring features and scores of a patient up to date; None where there is no full day.

    The models run before the transactions. The scores of the last days, their alerts and the
    messages are one transaction, so that none of them is without the others. Then a baseline is
    proposed if one is due, and models in shadow score those days.
    """
    features_update(patient=patient)
    scoring.scores_withdraw(patient=patient)
    last = last_full_day(patient, FULL_DAY_MINUTES)
    if last is None:
        return None
    recent = []
    for day in _days_to_score(patient, last, catch_up_days):
        days_ago = (last - day).days
        explain = days_ago < EXPLAINED_DAYS
        assessment = scoring.patient_assess(patient=patient, day=day, explain=explain)
        if days_ago > ALERT_MAX_AGE_DAYS:
            scoring.score_store(patient=patient, assessment=assessment)
        else:
            recent.append(assessment)
    score = _store_recent(patient, recent, now)
    baseline_propose_if_due(patient=patient, last=last)
    shadows_score(patient=patient, assessments=recent, would_alert=_would_alert)
    return score


@transaction.atomic
def _store_recent(patient: Patient, assessments: Sequence[Assessment], now: datetime) -> RiskScore:
    """Store the last days' scores in order, then consider alerts for what is new, newest first.

    So a late day alerts where the newest day does not, and adds nothing where it does.
    """
    stored = [scoring.score_store(patient=patient, assessment=a) for a in assessments]
    for score, is_new in reversed(stored):
        if is_new:
            alerts_consider(score=score, now=now)
    return stored[-1][0]


def _would_alert(tier: str) -> bool:
    """Whether a track's tier raises an alert, at once or if it lasts."""
    return RANK[tier] >= RANK[triage_rules().raise_from]


def _days_to_score(patient: Patient, last: date, catch_up_days: int) -> Iterator[date]:
    """The last days without a score, all days whose features changed since, those of the last
    week whose model failed, and always the last.
    """
    first = last - timedelta(days=catch_up_days - 1)
    features = DailyFeatures.objects.filter(
        patient=patient, day__lte=last, values__recorded_minutes__gte=FULL_DAY_MINUTES
    ).values_list("day", "computed_at")
    scores = patient.scores.order_by("scored_at")  # withdrawn ones too: their days came again
    scored = dict(scores.values_list("day", "scored_at"))
    failed = patient.scores.filter(is_current=True, model_failed=True).filter(
        day__gt=last - timedelta(days=EXPLAINED_DAYS)
    )
    wanted = {last, *failed.values_list("day", flat=True)}
    for day, computed_at in features.order_by("day"):
        missing = day not in scored and day >= first
        if day in wanted or missing or (day in scored and scored[day] < computed_at):
            yield day
