"""Reads that join alerts with scores and patients: the panel, the queue, a record's history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Prefetch, QuerySet
from django.db.models.fields.json import KT
from django.utils import timezone

from alerts.absence import open_notices
from alerts.models import (
    OPEN_STATES,
    AbsenceNotice,
    Alert,
    AlertTransition,
    EhrSetting,
    FollowUp,
    Notice,
    OutboxMessage,
)
from patients.last_data import last_data_day, with_last_data
from patients.models import Patient, User
from patients.selectors import patients_visible_to, zones_of
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
    """One patient of the panel: 30 days of decisions, oldest first, and what is open.

    ``last_data`` and ``today`` are days of the patient's zone.
    """

    patient: Patient
    points: tuple[ScorePoint, ...]
    last_data: date | None
    alerts: tuple[Alert, ...]
    today: date

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
    """The user's patients, highest risk first, in four queries whatever their number."""
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
            zones_of(patient).local_day(now),
        )
        for patient in with_last_data(visible, now)
    ]
    return sorted(rows, key=lambda row: (*(-part for part in row.urgency), row.patient.code))


def open_absences(user: User | AnonymousUser) -> list[AbsenceNotice]:
    """Of the user's patients those whose data have stopped, the longest first."""
    return list(open_notices().filter(patient__in=patients_visible_to(user)).order_by("since"))


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


def most_urgent_first(alert: Alert) -> tuple[int, datetime]:
    """High first, then the oldest."""
    return -TIER_ORDER[Tier(alert.tier)], alert.raised_at


def alerts_visible_to(user: User | AnonymousUser) -> QuerySet[Alert]:
    """Alerts of the user's patients, with all that a card shows.

    A message comes with its tier and its text, which PostgreSQL picks out of the resource.
    """
    messages = OutboxMessage.objects.defer("resource").order_by("id")
    text = KT("resource__payload__0__contentString")
    return (
        Alert.objects.filter(patient__in=patients_visible_to(user))
        .select_related("patient", "score")
        .prefetch_related(
            "patient__zones",
            Prefetch("transitions", AlertTransition.objects.order_by("at", "id")),
            "follow_ups",
            "on_call_access__member",
            Prefetch("notices", Notice.objects.select_related("user").order_by("at", "id")),
            Prefetch("messages", messages.annotate(text=text, tier=F("transition__tier"))),
        )
    )


def follow_ups_visible_to(user: User) -> QuerySet[FollowUp]:
    """Promises about the user's patients."""
    rows = FollowUp.objects.filter(patient__in=patients_visible_to(user))
    return rows.select_related("patient", "alert", "promised_by", "transition")


def follow_ups_due(user: User) -> QuerySet[FollowUp]:
    """Those that are open and due today or before, the oldest first."""
    rows = follow_ups_visible_to(user)
    return rows.filter(state=FollowUp.State.OPEN, due_on__lte=timezone.localdate())


def alerts_raised_lately(user: User) -> int:
    """How many alerts of the user's patients were raised or rose in the last seven days."""
    since = timezone.now() - timedelta(days=7)
    return AlertTransition.objects.filter(
        alert__patient__in=patients_visible_to(user), event__in=("raised", "risen"), at__gte=since
    ).count()


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
