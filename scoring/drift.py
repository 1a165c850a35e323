"""The clinic's weeks against the reference distributions, and whether operations were told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import MD5
from django.utils import timezone

from patients.models import AuditEvent, Patient
from patients.services import SYSTEM, audit_record
from scoring import resources
from scoring.domain.drift import ReferenceDistribution
from scoring.domain.drift_limits import (
    DriftLimits,
    DriftLine,
    Verdict,
    drift_line,
    load_drift_limits,
)
from scoring.domain.types import Floats
from scoring.domain.vector import own_vector
from scoring.domain.vector_names import OWN_VECTOR_NAMES
from scoring.engines.artifacts import ArtifactError, load_manifest
from scoring.engines.distributions import NAME, read_distributions
from scoring.models import RiskScore
from scoring.selectors import deciding_folders, nights_between

WEEK = timedelta(days=7)
NO_REFERENCE = "There are no reference distributions yet: the models must be trained anew."
TOLD = "operations told of drift"
NAMED = 10  # in a notice; the page has them all
OUTPUTS = {
    "depression": "depression__probability",
    "mania": "mania__mania_probability",
    "hypomania": "mania__hypomania_probability",
}


@dataclass(frozen=True)
class DriftWeek:
    """The seven days that end with ``last``; no lines where there is no reference."""

    last: date
    people: int
    person_days: int
    lines: tuple[DriftLine, ...]

    @property
    def first(self) -> date:
        """The first of the seven days."""
        return self.last - WEEK + timedelta(days=1)

    @property
    def moved(self) -> list[DriftLine]:
        """What is past the limits, the furthest first."""
        found = [line for line in self.lines if line.verdict == Verdict.ACT]
        return sorted(found, key=lambda line: -(line.psi or 0))


@cache
def drift_limits() -> DriftLimits:
    """drift.toml."""
    return load_drift_limits(resources.DATA / "drift.toml")


def reference_distributions() -> Mapping[str, ReferenceDistribution]:
    """By name, those that were saved with the models that decide; none before they are.

    A promoted model without any of its own is held against the shipped ones.
    """
    found = dict(_distributions(resources.ARTIFACTS))
    for track, folder in deciding_folders().items():
        own = _distributions(folder)
        found |= {name: told for name, told in own.items() if _track_of(name) == track}
    return found


def _track_of(name: str) -> str:
    """Depression for its output; the mania track for its two, and for the inputs it reads."""
    return "depression" if name == "depression" else "mania"


def reference_notice() -> str | None:
    """Why nothing can be compared: no references yet, or a file that cannot be trusted."""
    try:
        return None if reference_distributions() else NO_REFERENCE
    except ArtifactError as error:
        return str(error)


@lru_cache(maxsize=4)
def _distributions(folder: Path) -> Mapping[str, ReferenceDistribution]:
    artifact = load_manifest(folder).get(NAME)
    return read_distributions(artifact) if artifact else {}


def drift_weeks(until: date, weeks: int = 1) -> list[DriftWeek]:
    """The last so many weeks, the newest first; it ends with ``until``."""
    return [drift_week(until - n * WEEK) for n in range(weeks)]


def drift_week(last: date) -> DriftWeek:
    """The week's inputs and outputs, of at most so many people, against their references.

    Outputs are those of the scores in force whose track was assessed; inputs are the vectors
    of the scored days whose night is there.
    """
    references, limits = reference_distributions(), drift_limits()
    patients, scores = _patients(last, limits.most_people), _scores(last)
    rows = list(
        scores.filter(patient__in=[p.pk for p in patients]).values_list(
            "patient_id", "day", *OUTPUTS.values()
        )
    )
    lines: tuple[DriftLine, ...] = ()
    if references:
        columns = _outputs(rows) | _inputs(patients, rows, last)
        lines = tuple(
            drift_line(references[name], values, people, limits)
            for name, (values, people) in columns.items()
            if name in references
        )
    return DriftWeek(last, len({row[0] for row in rows}), len(rows), lines)


Row = tuple[int, date, float | None, float | None, float | None]
Columns = dict[str, tuple[Floats, int]]


def _scores(last: date) -> QuerySet[RiskScore]:
    return RiskScore.objects.filter(is_current=True, day__range=(last - timedelta(days=6), last))


def _patients(last: date, most: int) -> list[Patient]:
    """Those with a score in the week; of too many the same ones every week, in no order."""
    scored = Patient.objects.filter(Exists(_scores(last).filter(patient=OuterRef("pk"))))
    return list(scored.only("code").order_by(MD5("code"))[:most])


def _outputs(rows: list[Row]) -> Columns:
    columns: Columns = {}
    for at, name in enumerate(OUTPUTS, start=2):
        known = [(row[0], row[at]) for row in rows if row[at] is not None]
        values = np.array([value for _, value in known], dtype=np.float64)
        columns[name] = (values, len({patient for patient, _ in known}))
    return columns


def _inputs(patients: list[Patient], rows: list[Row], last: date) -> Columns:
    window = resources.window_days()
    nights = nights_between(patients, last - timedelta(days=6 + window - 1), last)
    there = {(key, n.day) for key, found in nights.items() for n in found if n.night_present}
    scored = [(key, day) for key, day, *_ in rows if (key, day) in there]
    vectors = [own_vector(nights[key], day, window) for key, day in scored]
    table = np.array(vectors).reshape(-1, len(OWN_VECTOR_NAMES))
    people = len({key for key, _ in scored})
    return {name: (table[:, at], people) for at, name in enumerate(OWN_VECTOR_NAMES)}


def week_to_report(now: datetime) -> date:
    """The Sunday that ended the clinic's last calendar week."""
    today = timezone.localtime(now).date()
    return today - timedelta(days=today.isoweekday())


@transaction.atomic
def drift_report(*, now: datetime) -> str | None:
    """What operations must be told about the last calendar week, once for each; else None."""
    last = week_to_report(now)
    if AuditEvent.objects.filter(action=TOLD, detail__week=last.isoformat()).exists():
        return None
    week = drift_week(last)
    if not week.moved:
        return None
    names = [line.name for line in week.moved]
    audit_record(by=SYSTEM, action=TOLD, week=last.isoformat(), moved=names)
    return _report(week)


def _report(week: DriftWeek) -> str:
    named = [
        f"{line.name} (PSI {_figure(line.psi)}, KS {_figure(line.ks)})"
        for line in week.moved[:NAMED]
    ]
    return (
        f"In the week to {week.last:%-d %B %Y} ({week.people} people, {week.person_days} days) "
        f"{len(week.moved)} of {len(week.lines)} inputs and outputs of the models are past the "
        f"limits of drift.toml against what the models were made from: {', '.join(named)}"
        f"{' and others' if len(week.moved) > NAMED else ''}. Scores go on unchanged. Look at "
        "“Drift” in Clarity, and at new devices, units and patients of that week."
    )


def _figure(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f}"
