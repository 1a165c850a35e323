"""One patient's night: features, every day not yet scored, and the alerts of the last."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db import transaction

from alerts.services import alerts_consider
from patients.models import Patient
from scoring import services as scoring
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.models import DailyFeatures, RiskScore
from scoring.selectors import last_full_day

CATCH_UP_DAYS = 30  # after a gap or an upload, at most so many days are scored afterwards
EXPLAINED_DAYS = 7  # of those, the last ones also get their contributions


def patient_night(
    *, patient: Patient, now: datetime, catch_up_days: int = CATCH_UP_DAYS
) -> RiskScore | None:
    """Bring features and scores of a patient up to date; None where there is no full day.

    The models run before the transaction; the score, the alert and its message are one.
    """
    scoring.features_update(patient=patient)
    last = last_full_day(patient, FULL_DAY_MINUTES)
    if last is None:
        return None
    score = None
    for day in _days_to_score(patient, last, catch_up_days):
        explain = (last - day).days < EXPLAINED_DAYS
        assessment = scoring.patient_assess(patient=patient, day=day, explain=explain)
        with transaction.atomic():
            score, is_new = scoring.score_store(patient=patient, assessment=assessment)
            if day == last and is_new:
                alerts_consider(score=score, now=now)
    return score


def _days_to_score(patient: Patient, last: date, catch_up_days: int) -> Iterator[date]:
    """Days without a score, those whose features changed since, and always the last."""
    first = last - timedelta(days=catch_up_days - 1)
    features = DailyFeatures.objects.filter(
        patient=patient, day__range=(first, last), values__recorded_minutes__gte=FULL_DAY_MINUTES
    ).values_list("day", "computed_at")
    scored = dict(
        patient.scores.filter(is_current=True, day__range=(first, last)).values_list(
            "day", "scored_at"
        )
    )
    for day, computed_at in features.order_by("day"):
        if day == last or day not in scored or scored[day] < computed_at:
            yield day
