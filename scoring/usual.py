"""Reads about what is usual for a person: the baseline in force, and what a change would alter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, Min
from django.db.models.fields.json import KT

from patients.domain.errors import InputError
from patients.models import Patient
from scoring.domain.baseline_rules import BaselineRules, Usual
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.personal_baseline import (
    PersonalBaseline,
    Stretch,
    days_to_use,
    personal_baseline,
    population_usual,
)
from scoring.domain.worsening import OWN, POPULATION, worse_reasons, worsenings
from scoring.models import Baseline, BaselineStretch, DailyFeatures, IntakeAssessment
from scoring.selectors import features_between

CHANGED_DAYS = 60  # so far back a change is tried before it is confirmed


def in_force(patient: Patient) -> Baseline | None:
    """The baseline that days are compared with, if there is one."""
    return patient.baselines.filter(state__in=Baseline.IN_FORCE).first()


def usual_in(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Usual]:
    """A version's stored values."""
    return {name: Usual(v["mean"], v["sd"], v.get("n")) for name, v in values.items()}


def compared_with(
    baseline: Baseline | None, rules: BaselineRules
) -> tuple[Mapping[str, Usual], str]:
    """What days are compared with, and whose it is: the person's own, or the population's."""
    if baseline is None:
        return population_usual(rules), POPULATION
    return usual_in(baseline.values), OWN


def day_worsenings(
    patient: Patient, day: date, baseline: Baseline | None, rules: BaselineRules
) -> list[dict[str, Any]]:
    """The day's features that lie far off usual on the worse side, JSON-ready."""
    usual, against = compared_with(baseline, rules)
    found = features_between(patient, day, day)
    return [off.as_dict() for d in found for off in worsenings(d, usual, against, rules)]


@dataclass(frozen=True)
class RunIn:
    """How many days there are since the first full one, both included, and how many it takes."""

    day: int
    days: int

    @property
    def is_over(self) -> bool:
        """Whether a baseline of the person's own can be proposed."""
        return self.day >= self.days


def run_ins(patients: Sequence[Patient], rules: BaselineRules) -> dict[int, RunIn]:
    """The run-in of each patient's key, in one query."""
    full = DailyFeatures.objects.filter(
        patient__in=patients, values__recorded_minutes__gte=FULL_DAY_MINUTES
    )
    spans = full.order_by().values_list("patient").annotate(Min("day"), Max("day"))
    known = {key: (last - first).days + 1 for key, first, last in spans}
    return {p.pk: RunIn(known.get(p.pk, 0), rules.run_in_days) for p in patients}


def stretches_of(patient: Patient) -> list[Stretch]:
    """What was said of the patient's days and still holds."""
    rows = BaselineStretch.objects.filter(patient=patient, removed_at=None)
    return [Stretch(*row) for row in rows.values_list("first_day", "last_day", "kind")]


def worked_out(
    patient: Patient, last: date | None, stretches: Sequence[Stretch], rules: BaselineRules
) -> PersonalBaseline:
    """What is usual by the window that ends with ``last``, the last full day.

    Raises InputError while there are too few days.
    """
    first = last - timedelta(days=rules.window_days - 1) if last else None
    days = features_between(patient, first, last) if first and last else []
    used = days_to_use(days, last, stretches, rules) if last else []
    found = personal_baseline(used, rules)
    if found is None:
        left_out = " that are not left out" if stretches else ""
        raise InputError(
            f"{patient.code} has {len(used)} days{left_out}: a baseline needs "
            f"{rules.least_days} of the last {rules.window_days}."
        )
    return found


@dataclass(frozen=True)
class ChangedDay:
    """A scored day, and what would be called worse than usual before and after a change."""

    day: date
    before: tuple[str, ...]
    after: tuple[str, ...]


def would_change(
    patient: Patient, candidate: Mapping[str, Usual], rules: BaselineRules
) -> list[ChangedDay]:
    """The scored days of the last 60 that the candidate would speak of otherwise, newest first.

    Against what is in force now, which is not what all of them were scored with. Nothing is
    stored.
    """
    last = patient.scores.filter(is_current=True).aggregate(Max("day"))["day__max"]
    if last is None:
        return []
    first = last - timedelta(days=CHANGED_DAYS - 1)
    scored = patient.scores.filter(is_current=True, day__gte=first)
    days = set(scored.values_list("day", flat=True))
    now = compared_with(in_force(patient), rules)
    found = []
    for features in reversed(features_between(patient, first, last)):
        texts = [
            tuple(
                reason.text
                for reason in worse_reasons(
                    [off.as_dict() for off in worsenings(features, usual, against, rules)],
                    None,
                    rules,
                )
            )
            for usual, against in (now, (candidate, OWN))
        ]
        if features.day in days and texts[0] != texts[1]:
            found.append(ChangedDay(features.day, *texts))
    return found


def tiers_between(
    patient: Patient, first: date, last: date
) -> dict[date, tuple[str | None, str | None]]:
    """Depression's and mania's tier of each scored day."""
    rows = patient.scores.filter(is_current=True, day__range=(first, last)).order_by()
    tiers = rows.annotate(d=KT("depression__tier"), m=KT("mania__tier"))
    return {day: (d, m) for day, d, m in tiers.values_list("day", "d", "m")}


def intake_of(patient: Patient) -> IntakeAssessment | None:
    """The clinician's intake assessment that counts."""
    return patient.intakes.first()
