"""Reads about what is usual for a person: the baseline in force, and what a change would alter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, Min
from django.db.models.fields.json import KT

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family
from patients.models import Patient, ResolvedDay
from scoring.domain.baseline_rules import BaselineRules, Usual
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.personal_baseline import (
    PersonalBaseline,
    Stretch,
    days_to_use,
    personal_baseline,
    population_usual,
)
from scoring.domain.types import DayFeatures
from scoring.domain.worsening import OWN, POPULATION, worse_reasons, worsenings
from scoring.models import Baseline, BaselineStretch, DailyFeatures, IntakeAssessment
from scoring.selectors import features_between

CHANGED_DAYS = 60  # so far back a change is tried before it is confirmed
UNIT_DAYS = 7  # with so many days before it a day's activity is read
FAMILY = "family"  # kept with a value that is in the unit of the sensor
Values = Mapping[str, Mapping[str, Any]]  # a version's, as they are stored


def in_force(patient: Patient) -> Baseline | None:
    """The baseline that days are compared with, if there is one."""
    return patient.baselines.filter(state__in=Baseline.IN_FORCE).first()


def usual_in(values: Values) -> dict[str, Usual]:
    """A version's stored values."""
    return {name: Usual(v["mean"], v["sd"], v.get("n")) for name, v in values.items()}


@dataclass(frozen=True)
class Compared:
    """What days are compared with: whose it is, and the unit of its activity if it has any."""

    usual: Mapping[str, Usual]
    against: str
    family: str = ""

    @classmethod
    def own(cls, values: Values) -> "Compared":
        """A version's values, be it in force or not."""
        family = next((v[FAMILY] for v in values.values() if v.get(FAMILY)), "")
        return cls(usual_in(values), OWN, family)

    @classmethod
    def of(cls, baseline: Baseline | None, rules: BaselineRules) -> "Compared":
        """The person's own; the population's while there is none."""
        return cls.own(baseline.values) if baseline else cls(population_usual(rules), POPULATION)

    def worse(self, day: DayFeatures, unit: str, rules: BaselineRules) -> list[dict[str, Any]]:
        """The day's features far off usual on the worse side, JSON-ready.

        ``unit``: of the day's activity. In another, or an unknown one, it is not compared.
        """
        same = bool(unit) and unit == self.family
        left_out = {name for name, f in rules.features.items() if f.sensor_unit and not same}
        usual = {name: u for name, u in self.usual.items() if name not in left_out}
        return [off.as_dict() for off in worsenings(day, usual, self.against, rules)]


def activity_units(patient: Patient, first: date, last: date) -> dict[date, str]:
    """The unit of each local day's activity; empty where it may be one of several.

    A day is read with the week before it. Where only steps are counted they are the activity.
    """
    low, high = first - timedelta(days=UNIT_DAYS), last + timedelta(days=1)
    rows = ResolvedDay.objects.filter(
        patient=patient, utc_day__range=(low, high), channel=Channel.ACTIVITY, minutes__gt=0
    )
    found: dict[date, set[str]] = {}
    for utc_day, family in rows.values_list("utc_day", "family"):
        found.setdefault(utc_day, set()).add(family)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day: _one_unit(found, day) for day in days}


def _one_unit(found: Mapping[date, set[str]], day: date) -> str:
    around = (day + timedelta(days=n) for n in range(-UNIT_DAYS, 2))
    units: set[str] = set().union(*(found.get(utc_day, ()) for utc_day in around))
    return str(Family.STEPS) if not units else units.pop() if len(units) == 1 else ""


def day_worsenings(
    patient: Patient, day: date, baseline: Baseline | None, rules: BaselineRules
) -> list[dict[str, Any]]:
    """The day's features that lie far off usual on the worse side, JSON-ready."""
    compared = Compared.of(baseline, rules)
    unit = activity_units(patient, day, day)[day] if compared.family else ""
    return [
        off for d in features_between(patient, day, day) for off in compared.worse(d, unit, rules)
    ]


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


@dataclass(frozen=True)
class WorkedOut:
    """A baseline that is not stored; its fields are those of a version."""

    first_day: date
    last_day: date
    days_used: int
    values: dict[str, dict[str, Any]]


def worked_out(
    patient: Patient, last: date | None, stretches: Sequence[Stretch], rules: BaselineRules
) -> WorkedOut:
    """What is usual by the window that ends with ``last``, the last full day.

    Activity in several units has no mean and is left out. Raises InputError while there are
    too few days.
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
    units = activity_units(patient, found.first_day, found.last_day)
    return WorkedOut(
        found.first_day,
        found.last_day,
        found.days_used,
        _stored(found, {units[day.day] for day in used}, rules),
    )


def _stored(
    found: PersonalBaseline, units: set[str], rules: BaselineRules
) -> dict[str, dict[str, Any]]:
    unit = units.pop() if len(units) == 1 else ""
    values = {}
    for name, usual in found.values.items():
        feature = rules.features[name]
        known: dict[str, Any] = {
            "label": feature.label,
            "mean": usual.mean,
            "sd": usual.sd,
            "unit": feature.unit,
            "n": usual.n,
        }
        if not feature.sensor_unit:
            values[name] = known
        elif unit:
            values[name] = known | {FAMILY: unit}
    return values


@dataclass(frozen=True)
class TriedDay:
    """A scored day and its tier, which no baseline changes, and what would be called worse than
    usual before and after a change.
    """

    day: date
    tier: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether the day would be spoken of otherwise."""
        return self.before != self.after


def tried(patient: Patient, candidate: Values, rules: BaselineRules) -> list[TriedDay]:
    """The scored days of the last 60 as the candidate would speak of them, newest first.

    Before: against what is in force now, which is not what all of them were scored with.
    Nothing is stored.
    """
    scored = patient.scores.filter(is_current=True)
    last = scored.aggregate(Max("day"))["day__max"]
    if last is None:
        return []
    first = last - timedelta(days=CHANGED_DAYS - 1)
    days = dict(scored.filter(day__gte=first).values_list("day", "tier"))
    units = activity_units(patient, first, last)
    both = Compared.of(in_force(patient), rules), Compared.own(candidate)
    features = [d for d in features_between(patient, first, last) if d.day in days]
    return [
        TriedDay(
            d.day, days[d.day], *(_texts(compared, d, units[d.day], rules) for compared in both)
        )
        for d in reversed(features)
    ]


def _texts(
    compared: Compared, day: DayFeatures, unit: str, rules: BaselineRules
) -> tuple[str, ...]:
    reasons = worse_reasons(compared.worse(day, unit, rules), None, rules)
    return tuple(reason.text for reason in reasons)


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
