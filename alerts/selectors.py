"""Reads that join alerts with scores and patients: the panel, the queue, a record's history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.utils import timezone

from alerts.models import OPEN_STATES, Alert, AlertTransition, EhrSetting, OutboxMessage
from patients.models import Patient, RecordingDay, ResolvedDay, SleepEpisode, User
from patients.selectors import patients_visible_to
from scoring.models import RiskScore, Tier, Track

PANEL_DAYS = 30
# Somebody we know nothing about comes before somebody we know to be well.
TIER_ORDER = {Tier.HIGH: 3, Tier.MODERATE: 2, Tier.INDETERMINATE: 1, Tier.LOW: 0}
TRACK_KEYS = ("status", "tier", "probability", "coverage")
# Read as text: PostgreSQL takes the few values out of each track, and no JSON is parsed here.
TRACK_FIELDS = {f"{t}_{key}": KT(f"{t}__{key}") for t in Track.values for key in TRACK_KEYS}


@dataclass(frozen=True)
class TrackPoint:
    """One track of one day. ``probability`` is None unless the track was assessed."""

    tier: str | None
    probability: float | None
    coverage: float | None


@dataclass(frozen=True)
class ScorePoint:
    """One day's decision without its explanations. Probabilities and coverages are 0 to 1."""

    day: date
    tier: str
    probability: float | None
    depression: TrackPoint
    mania: TrackPoint

    def track(self, name: str) -> TrackPoint:
        """The track of that name."""
        return self.depression if name == Track.DEPRESSION else self.mania


@dataclass(frozen=True)
class PanelRow:
    """One patient of the panel: 30 days of decisions, oldest first, and what is open."""

    patient: Patient
    points: tuple[ScorePoint, ...]
    last_data: date | None
    alerts: tuple[Alert, ...]

    @property
    def latest(self) -> ScorePoint | None:
        """The newest decision, if the last 30 days have one."""
        return self.points[-1] if self.points else None

    @property
    def tier(self) -> str:
        """The overall tier; Indeterminate where no decision is there."""
        return self.latest.tier if self.latest else Tier.INDETERMINATE

    @property
    def urgency(self) -> tuple[int, int, float]:
        """Overall tier, then the higher track tier, then probability."""
        latest = self.latest
        if latest is None:
            return TIER_ORDER[Tier.INDETERMINATE], -1, -1.0
        tracks = [TIER_ORDER[Tier(t.tier)] for t in (latest.depression, latest.mania) if t.tier]
        probability = -1.0 if latest.probability is None else latest.probability
        return TIER_ORDER[Tier(latest.tier)], max(tracks, default=-1), probability


def panel_rows(user: User | AnonymousUser, now: datetime) -> list[PanelRow]:
    """The user's patients, highest risk first, in three queries whatever their number."""
    visible = patients_visible_to(user)
    points = score_points(visible, timezone.localdate(now) - timedelta(days=PANEL_DAYS))
    alerts: dict[int, list[Alert]] = {}
    for alert in Alert.objects.filter(patient__in=visible, state__in=OPEN_STATES):
        alerts.setdefault(alert.patient_id, []).append(alert)
    rows = [
        PanelRow(
            patient,
            tuple(points.get(patient.pk, ())),
            last_data_day(patient),
            tuple(sorted(alerts.get(patient.pk, ()), key=most_urgent_first)),
        )
        for patient in with_last_data(visible)
    ]
    return sorted(rows, key=lambda row: (*(-part for part in row.urgency), row.patient.code))


def with_last_data(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """The patients, each with the last day that brought a minute or a sleep record."""
    minutes = ResolvedDay.objects.filter(patient=OuterRef("pk"), minutes__gt=0)
    sleep = SleepEpisode.objects.filter(patient=OuterRef("pk"))
    return patients.annotate(
        last_utc_day=Subquery(minutes.order_by("-utc_day", "-last_minute").values("utc_day")[:1]),
        last_minute=Subquery(
            minutes.order_by("-utc_day", "-last_minute").values("last_minute")[:1]
        ),
        last_sleep=Subquery(sleep.order_by("-end").values("end")[:1]),
    )


def last_data_day(patient: Patient) -> date | None:
    """The newest day with data of a patient from ``with_last_data``, in the clinic's zone."""
    utc_day: date | None = getattr(patient, "last_utc_day", None)
    minute: int | None = getattr(patient, "last_minute", None)
    sleep: datetime | None = getattr(patient, "last_sleep", None)
    recorded = _local_day(utc_day, minute or 0) if utc_day else None
    slept = timezone.localtime(sleep).date() if sleep else None
    return max((d for d in (recorded, slept) if d), default=None)


def _local_day(utc_day: date, minute: int) -> date:
    moment = datetime.combine(utc_day, time.min, UTC) + timedelta(minutes=minute)
    return timezone.localtime(moment).date()


def score_points(patients: Iterable[Patient], first_day: date) -> dict[int, list[ScorePoint]]:
    """Current decisions from first_day on, by patient id, oldest first, in one query."""
    rows = RiskScore.objects.filter(
        patient__in=patients, is_current=True, day__gte=first_day
    ).order_by("day")
    points: dict[int, list[ScorePoint]] = {}
    columns = ("patient_id", "day", "tier", "probability", *TRACK_FIELDS)
    for patient_id, *values in rows.annotate(**TRACK_FIELDS).values_list(*columns):
        points.setdefault(patient_id, []).append(_point(*values))
    return points


def _point(day: date, tier: str, probability: float | None, *tracks: str | None) -> ScorePoint:
    shown = tier != Tier.INDETERMINATE  # an indeterminate day has no number, whatever was stored
    size = len(TRACK_KEYS)
    return ScorePoint(
        day=day,
        tier=tier,
        probability=probability if shown else None,
        depression=_track(shown, *tracks[:size]),
        mania=_track(shown, *tracks[size:]),
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


def latest_score(patient: Patient) -> RiskScore | None:
    """The newest current decision, with the models and the baseline it used."""
    rows = patient.scores.filter(is_current=True)
    return rows.select_related("depression_model", "mania_model", "baseline").first()


def sources_seen(patient: Patient, since: date) -> list[dict[str, Any]]:
    """Per device: its last day, and how many days it reported since then."""
    rows = RecordingDay.objects.filter(
        device__patient=patient, minutes__gt=0, utc_day__gte=since
    ).values_list("device__name", "device__source", "utc_day", "last_minute")
    found: dict[tuple[str, str], set[date]] = {}
    for name, source, utc_day, minute in rows:
        found.setdefault((name, source), set()).add(_local_day(utc_day, minute))
    seen = [
        {"device": name, "source": source, "last": max(days), "days": len(days)}
        for (name, source), days in found.items()
    ]
    return sorted(seen, key=lambda row: (-row["last"].toordinal(), row["device"]))


def most_urgent_first(alert: Alert) -> tuple[int, datetime]:
    """High first, then the oldest."""
    return -TIER_ORDER[Tier(alert.tier)], alert.raised_at


def alerts_visible_to(user: User | AnonymousUser) -> QuerySet[Alert]:
    """Alerts of the user's patients, with all that a card shows."""
    return (
        Alert.objects.filter(patient__in=patients_visible_to(user))
        .select_related("patient", "score")
        .prefetch_related(
            "patient__zones",
            Prefetch("transitions", AlertTransition.objects.order_by("at", "id")),
            Prefetch("messages", OutboxMessage.objects.defer("resource").order_by("id")),
        )
    )


def open_alerts(user: User) -> list[Alert]:
    """The queue: High first, oldest first."""
    return sorted(alerts_visible_to(user).filter(state__in=OPEN_STATES), key=most_urgent_first)


def alerts_closed_since(user: User, since: datetime) -> list[Alert]:
    """What was closed lately, newest first."""
    closed = alerts_visible_to(user).exclude(state__in=OPEN_STATES)
    return list(closed.filter(changed_at__gte=since).order_by("-changed_at")[:50])


def messages_visible_to(user: User) -> QuerySet[OutboxMessage]:
    """Messages about the user's patients."""
    rows = OutboxMessage.objects.filter(alert__patient__in=patients_visible_to(user))
    return rows.select_related("alert__patient")


def delivery_setting() -> EhrSetting:
    """Whether messages may leave this machine, and who decided it."""
    return EhrSetting.objects.first() or EhrSetting()
