"""What the patient's page shows, in the order in which it is read."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from alerts.models import Alert, AlertTransition
from alerts.presenters.advice import record_advice
from alerts.presenters.cards import alert_cards, transition_words, trend_marks
from alerts.presenters.sentence import plain_sentence
from alerts.selectors import (
    ScorePoint,
    alerts_visible_to,
    latest_score,
    most_urgent_first,
    score_points,
)
from patients.last_data import last_data_day, sources_seen, with_last_data
from patients.medications import courses_that_count
from patients.models import MedicationCourse, Patient, User
from patients.permissions import Permission, may
from patients.presenters import freshness, zone_now
from patients.selectors import zones_of
from scoring.models import IntakeAssessment, RiskScore
from scoring.presenters.activity import activity_week
from scoring.presenters.explanation import explanation
from scoring.presenters.tracks import (
    TrackView,
    certainty,
    change,
    coverage_words,
    own_history,
    track_views,
)
from scoring.presenters.trend import trend_data
from scoring.resources import baseline_rules, router_rules
from scoring.usual import in_force, intake_of, run_ins

TREND_DAYS = 90
SOURCE_DAYS = 7


def record_context(patient: Patient, user: User, now: datetime) -> dict[str, Any]:
    """Everything on the page; ``score`` is None where nothing was scored in 90 days."""
    prefetch_related_objects([patient], "medications")  # once for all that read them
    today = timezone.localdate(now)
    first_day = today - timedelta(days=TREND_DAYS)
    points = score_points([patient], first_day).get(patient.pk, [])
    score = latest_score(patient) if points else None
    last_day = score.day if score else today
    alerts = list(alerts_visible_to(user).filter(patient=patient))
    courses = courses_that_count(patient)
    intake = intake_of(patient)
    return {
        "patient": patient,
        "zone": zone_now(patient),
        "sentence": plain_sentence(points, intake),
        **_run_in(patient, intake),
        "score": score,
        "rules_unverified": not (router_rules().checked_by and baseline_rules().checked_by),
        "tracks": [_track(score, view, points) for view in track_views(score)] if score else [],
        "cards": alert_cards(sorted((a for a in alerts if a.is_open), key=most_urgent_first), user),
        "considered": record_advice(patient, score, {a.kind for a in alerts if a.is_open}, today)
        if score
        else [],
        "promises": patient.follow_ups.filter(state="open").select_related("transition", "alert"),
        "trend": trend_data(points, courses, trend_marks(alerts), last_day, TREND_DAYS),
        "trend_days": TREND_DAYS,
        "trend_rows": list(reversed(points)),
        "activity": activity_week(patient, last_day),
        "medications": _medications(courses, today),
        "history": _history(alerts, may(user, Permission.ACT_ON_ALERTS)),
        **_data(patient, now),
    }


def _run_in(patient: Patient, intake: IntakeAssessment | None) -> dict[str, Any]:
    """The intake assessment, while the person has no baseline of their own."""
    if intake is None or in_force(patient):
        return {}
    return {"intake": intake, "run_in": run_ins([patient], baseline_rules())[patient.pk]}


def _track(score: RiskScore, view: TrackView, points: list[ScorePoint]) -> dict[str, Any]:
    return {
        "view": view,
        "change": change(points, view.name),
        "own": own_history(score, view),
        "why": explanation(score, view),
        "coverage": coverage_words(view.name, view.coverage),
        "sure": certainty(view.coverage),
    }


def _data(patient: Patient, now: datetime) -> dict[str, Any]:
    today = zones_of(patient).local_day(now)
    last = last_data_day(with_last_data(Patient.objects.filter(pk=patient.pk), now).get())
    since = today - timedelta(days=SOURCE_DAYS - 1)
    sources = [
        source | {"fresh": freshness(source["last"], today)}
        for source in sources_seen(patient, since)
    ]
    return {
        "last_data": last,
        "fresh": freshness(last, today),
        "sources": sources,
        "source_days": SOURCE_DAYS,
    }


def _medications(courses: list[MedicationCourse], today: date) -> list[dict[str, Any]]:
    return [{"course": c, "active": c.active_on(today)} for c in courses]


def _history(alerts: list[Alert], reads_notes: bool) -> list[dict[str, Any]]:
    """Every change of every alert, newest first."""
    rows = [(alert, t) for alert in alerts for t in alert.transitions.all()]
    rows.sort(key=lambda row: (row[1].at, row[1].pk), reverse=True)
    return [_transition(alert, transition, reads_notes) for alert, transition in rows]


def _transition(alert: Alert, transition: AlertTransition, reads_notes: bool) -> dict[str, Any]:
    return {
        "at": transition.at,
        "kind": alert.get_kind_display(),
        "tier": transition.tier,
        "words": transition_words(transition),
        "actor": transition.actor,
        "note": transition.note if reads_notes else "",
    }
