"""What the patient's page shows, in the order in which it is read."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from alerts.models import Alert, AlertTransition
from alerts.presenters.advice import record_advice
from alerts.presenters.cards import alert_cards, transition_words
from alerts.presenters.contacts import notes_context
from alerts.presenters.sentence import plain_sentence
from alerts.presenters.timeline import DEFAULT_DAYS, SPANS, drawn, line_of
from alerts.presenters.timeline_table import day_rows
from alerts.selectors import ScorePoint, alerts_visible_to, latest_score, most_urgent_first
from patients.last_data import last_data_day, with_last_data
from patients.looked import SHOWN_DAYS, Looked, who_looked
from patients.medications import courses_that_count
from patients.models import MedicationCourse, Patient, User
from patients.permissions import Permission, may
from patients.presenters import freshness, zone_now
from patients.selectors import full_names, zones_of
from patients.templatetags.clarity import percent
from scoring.domain.usual_band import Band
from scoring.models import IntakeAssessment, RiskScore, Tier, Track
from scoring.presenters.explanation import explanation
from scoring.presenters.quality import data_quality
from scoring.presenters.reliability import reliability_words
from scoring.presenters.tracks import (
    TrackView,
    certainty,
    change,
    coverage_words,
    overall_percent,
    own_history,
    reason_words,
    track_views,
    why_tier,
)
from scoring.presenters.what_if import what_if_sentences
from scoring.resources import baseline_rules, router_rules
from scoring.selectors import scores_as_of
from scoring.usual import in_force, intake_of, run_ins

TREND_DAYS = DEFAULT_DAYS


def record_context(patient: Patient, user: User, now: datetime) -> dict[str, Any]:
    """Everything on the page; ``score`` is None where nothing was scored in 90 days."""
    read = ("medications", "zones", "notes", "circumstances")
    prefetch_related_objects([patient], *read)  # once for all that read them
    today = zones_of(patient).local_day(now)
    alerts = list(alerts_visible_to(user).filter(patient=patient))
    standing = standing_of(patient, alerts, today)
    told = drawn(patient, alerts, standing["line"])
    looked = who_looked(patient, now)
    return {
        **standing,
        "cards": alert_cards(sorted((a for a in alerts if a.is_open), key=most_urgent_first), user),
        "promises": patient.follow_ups.filter(state="open").select_related("transition", "alert"),
        "spans": SPANS,
        "trend_days": TREND_DAYS,
        "days": day_rows(told),
        "bars": told["bars"],
        "what_if": what_if_sentences(standing["score"]) if standing["score"] else None,
        "quality": data_quality(patient, now),
        "medications": _medications(courses_that_count(patient), today),
        "history": _history(alerts, may(user, Permission.ACT_ON_ALERTS)),
        "looked": looked,
        "names": full_names(_people(patient, alerts, looked)),
        "looked_days": SHOWN_DAYS,
        **freshness_of(patient, now),
        **notes_context(patient, alerts, user, now),
    }


def _people(patient: Patient, alerts: list[Alert], looked: list[Looked]) -> set[str]:
    """The user names that stand on the page."""
    acted = {t.actor for alert in alerts for t in alert.transitions.all()}
    wrote = {note.author for note in patient.notes.all()}
    told = {row.recorded_by for row in patient.circumstances.all()}
    return acted | wrote | told | {one.actor for one in looked}


def standing_of(patient: Patient, alerts: list[Alert], today: date) -> dict[str, Any]:
    """How the patient stands: what the page and the visit summary both say, in the same numbers."""
    line = line_of(patient, today, TREND_DAYS)
    points = [point for point in line.points if point]
    score = latest_score(patient) if points else None
    as_of = scores_as_of()
    is_past = bool(score and as_of and score.day < as_of)
    usual = line.usual_on(score.day) if score and line.first <= score.day <= today else {}
    intake = intake_of(patient)
    open_kinds = {a.kind for a in alerts if a.is_open}
    return {
        "patient": patient,
        "zone": zone_now(patient),
        "points": points,
        "line": line,
        "sentence": plain_sentence(points, intake, usual, as_of),
        "is_past": is_past,
        **_run_in(patient, intake),
        "score": score,
        "steps": [reason_words(reason) for reason in score.reasons] if score else [],
        "why_tier": why_tier(score) if score else "",
        "overall": overall_percent(score) if score else "",
        "rules_unverified": not (router_rules().checked_by and baseline_rules().checked_by),
        "tracks": [_track(score, view, points, usual) for view in track_views(score)]
        if score
        else [],
        "considered": _considered(patient, score, open_kinds, today, is_past) if score else [],
    }


def _considered(
    patient: Patient, score: RiskScore, shown: Collection[str], today: date, is_past: bool
) -> list[dict[str, Any]]:
    """What to consider; nothing is said to a Low that is past."""
    low = {str(t) for t in Track if getattr(score, t)["tier"] == Tier.LOW} if is_past else set()
    return record_advice(patient, score, {*shown, *low}, today)


def _run_in(patient: Patient, intake: IntakeAssessment | None) -> dict[str, Any]:
    """The intake assessment, while the person has no baseline of their own."""
    if intake is None or in_force(patient):
        return {}
    return {"intake": intake, "run_in": run_ins([patient], baseline_rules())[patient.pk]}


def _track(
    score: RiskScore,
    view: TrackView,
    points: list[ScorePoint],
    usual: Mapping[str, Band | None],
) -> dict[str, Any]:
    return {
        "view": view,
        "change": change(points, view.name),
        "own": own_history(score, view),
        "usual": _usual(usual.get(view.name)) if view.assessed else "",
        "reliability": reliability_words(score, view),
        "why": explanation(score, view),
        "coverage": coverage_words(view.name, view.coverage),
        "sure": certainty(view.coverage),
    }


def _usual(band: Band | None) -> str:
    if band is None:
        return ""
    return _("usual for this person: %(low)s to %(high)s") % {
        "low": percent(band[0]),
        "high": percent(band[1]),
    }


def freshness_of(patient: Patient, now: datetime) -> dict[str, Any]:
    """The last day with data, and how old that is."""
    last = last_data_day(with_last_data(Patient.objects.filter(pk=patient.pk), now).get())
    return {"last_data": last, "fresh": freshness(last, zones_of(patient).local_day(now))}


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
