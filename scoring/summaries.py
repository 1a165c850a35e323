"""The one writer of score summaries, and the reads that they are made from.

``summaries_refresh`` is called in the transaction that changes a patient's scores. The command
``summaries`` makes all of them anew and says how many were not as they should be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Max, Q
from django.db.models.fields.json import KT
from django.utils import timezone

from patients.models import Patient
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS
from scoring.domain.points import (
    INDETERMINATE,
    SPARK_DAYS,
    Revision,
    ScorePoint,
    TrackPoint,
    change_points,
    is_above,
    leading_track,
    moves,
    percents,
    tier_since,
    urgency,
    usual_band,
)
from scoring.models import RiskScore, ScoreSummary, Tier, Track
from scoring.resources import router_rules

DAYS_READ = 90  # as far as the record's sentence looks
AT_ONCE = 200  # patients
TRACK_KEYS = ("status", "tier", "probability", "coverage")
# Read as text: PostgreSQL takes the few values out of each track, and no JSON is parsed here.
TRACK_FIELDS = {f"{t}_{key}": KT(f"{t}__{key}") for t in Track.values for key in TRACK_KEYS}
WARNED = ExpressionWrapper(  # an early-warning rule spoke on the day
    Q(reasons__contains=[{"code": THREE_NIGHTS}]) | Q(reasons__contains=[{"code": TWO_NIGHTS}]),
    output_field=BooleanField(),
)
MADE = [f.attname for f in ScoreSummary._meta.concrete_fields if f.name not in ("updated_at",)]


@dataclass(frozen=True)
class _Row:
    """A current decision, and the keys of the models that made it."""

    point: ScorePoint
    models: Mapping[str, int | None]


def score_points(patients: Iterable[Patient], first_day: date) -> dict[int, list[ScorePoint]]:
    """Current decisions from first_day on, by patient id, oldest first, in one query."""
    rows = _rows([patient.pk for patient in patients], first_day)
    return {key: [row.point for row in found] for key, found in rows.items()}


def _rows(
    patients: Sequence[int], first_day: date, scores: Any = RiskScore
) -> dict[int, list[_Row]]:
    rows = scores.objects.filter(
        patient__in=patients, is_current=True, day__gte=first_day
    ).order_by("day")
    found: dict[int, list[_Row]] = {}
    models = [f"{track}_model_id" for track in Track.values]
    columns = ("patient_id", *models, "day", "tier", "probability", "warned", *TRACK_FIELDS)
    told = rows.annotate(warned=WARNED, **TRACK_FIELDS).values_list(*columns)
    for patient_id, depression, mania, *values in told:
        row = _Row(_point(*values), {"depression": depression, "mania": mania})
        found.setdefault(patient_id, []).append(row)
    return found


def _point(
    day: date, tier: str, probability: float | None, warned: bool, *tracks: str | None
) -> ScorePoint:
    shown = tier != Tier.INDETERMINATE  # an indeterminate day has no number, whatever was stored
    size = len(TRACK_KEYS)
    mania = _track(shown, *tracks[size:])
    if warned and is_above(mania.tier, mania.probability, router_rules().mania):
        mania = replace(mania, by_rule=True)
    return ScorePoint(
        day=day,
        tier=tier,
        probability=probability if shown else None,
        depression=_track(shown, *tracks[:size]),
        mania=mania,
    )


def _track(
    shown: bool,
    status: str | None,
    tier: str | None,
    probability: str | None,
    coverage: str | None,
) -> TrackPoint:
    assessed = shown and status == "ok"
    return TrackPoint(
        tier=None if tier == Tier.INDETERMINATE else tier,  # a rule may give a tier, no number
        probability=float(probability) if assessed and probability else None,
        coverage=float(coverage) if coverage else None,
    )


@transaction.atomic
def summaries_refresh(*, patients: Sequence[int]) -> int:
    """Bring the summaries of these patients' keys up to date. Returns how many changed.

    The patients are locked first, so that of two who change one's scores the second reads what
    the first has written.
    """
    list(Patient.objects.filter(pk__in=patients).order_by("pk").select_for_update(no_key=True))
    made = summaries_made(patients)
    ScoreSummary.objects.filter(patient__in=set(patients) - made.keys()).delete()
    stored = {s.patient_id: s for s in ScoreSummary.objects.filter(patient__in=patients)}
    now = timezone.now()
    changed = [
        summary
        for key, summary in made.items()
        if key not in stored or values_of(stored[key]) != values_of(summary)
    ]
    for summary in changed:
        summary.updated_at = now
    ScoreSummary.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["patient"],
        update_fields=[*(name for name in MADE if name != "patient_id"), "updated_at"],
    )
    return len(changed)


def summaries_rebuild() -> int:
    """Refresh everybody's, some at a time. Returns how many were not as they should be."""
    keys = list(Patient.objects.order_by("pk").values_list("pk", flat=True))
    parts = [keys[at : at + AT_ONCE] for at in range(0, len(keys), AT_ONCE)]
    return sum(summaries_refresh(patients=part) for part in parts)


def values_of(summary: ScoreSummary) -> list[Any]:
    """What it says, to compare two by."""
    return [getattr(summary, name) for name in MADE]


def summaries_made(
    patients: Sequence[int], scores: Any = RiskScore, summary: Any = ScoreSummary
) -> dict[int, ScoreSummary]:
    """The summaries as they should be, by patient; nothing is stored. None without a score.

    A migration gives both models as they were.
    """
    current = scores.objects.filter(patient__in=patients, is_current=True).order_by()
    newest = dict(current.values_list("patient").annotate(Max("day")))
    if not newest:
        return {}
    back = min(newest.values())
    rows = _rows(list(newest), back - timedelta(days=DAYS_READ), scores)
    revisions = _revisions(list(newest), back - timedelta(days=SPARK_DAYS), scores)
    return {
        key: summary(
            patient_id=key,
            **_values(
                [row for row in rows[key] if row.point.day >= last - timedelta(days=DAYS_READ)],
                [r for r in revisions[key] if r.day >= last - timedelta(days=SPARK_DAYS)],
            ),
        )
        for key, last in newest.items()
    }


def _revisions(patients: Sequence[int], first_day: date, scores: Any) -> dict[int, list[Revision]]:
    rows = scores.objects.filter(patient__in=patients, day__gte=first_day).order_by()
    found: dict[int, list[Revision]] = {}
    columns = ("patient_id", "day", "revision", "tier", "scored_at")
    for key, day, revision, tier, scored_at in rows.values_list(*columns):
        found.setdefault(key, []).append(Revision(day, revision, tier, scored_at))
    return found


def _values(rows: Sequence[_Row], revisions: Sequence[Revision]) -> dict[str, Any]:
    points = [row.point for row in rows]
    newest, track = points[-1], leading_track(points[-1])
    since, before = tier_since(points, track)
    moved = moves(revisions)
    assessed = (p.day for p in reversed(points) if p.tier != INDETERMINATE)
    return {
        "day": newest.day,
        "tier": newest.tier,
        "probability": newest.probability,
        "urgency": urgency(newest),
        "leads": track,
        "since": since,
        "before": before or "",
        "assessed_day": next(assessed, None),
        "moves": [[at.isoformat(), tier] for at, tier in moved],
        "moved_at": moved[-1][0] if moved else None,
        **{
            f"{name}_{what}": value
            for name in Track.values
            for what, value in _of_track(rows, points, name).items()
        },
    }


def _of_track(rows: Sequence[_Row], points: Sequence[ScorePoint], track: str) -> dict[str, Any]:
    seen, model = points[-1].track(track), rows[-1].models[track]
    band = usual_band([row.point for row in rows if row.models[track] == model], track)
    return {
        "tier": seen.tier or "",
        "probability": seen.probability,
        "coverage": seen.coverage,
        "change": change_points(points, track),
        "days": percents(points, track),
        "usual": list(band) if band else None,
    }
