"""What the system itself does about alerts: raise, raise higher, resolve, escalate, wake."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from alerts.domain.states import ACKNOWLEDGED, NEW, SNOOZED
from alerts.domain.triage import (
    EARLY_WARNING,
    WORSE,
    Evidence,
    Standing,
    TrackDay,
    Verdict,
    counted_tier,
    triage,
)
from alerts.lifecycle import move
from alerts.models import OPEN_STATES, Alert, AlertKind, FollowUp
from alerts.notices import accesses_end, follow_up_notices
from alerts.resources import triage_rules
from alerts.situations import recommendation_for
from clarity_site.logs import log
from patients.medications import recorded_state
from patients.models import Patient, User
from patients.selectors import zones_of
from patients.services import SYSTEM
from scoring.domain.worsening import OWN
from scoring.models import RiskScore, Tier, Track
from scoring.resources import baseline_rules
from scoring.services import DELTA, DEVIATIONS

ALERT_MAX_AGE_DAYS = 3  # nobody is alerted afterwards about a day longer ago than this
HISTORY_DAYS = 30
DUE_EVENTS = {NEW: "escalated", ACKNOWLEDGED: "lapsed", SNOOZED: "woken"}


@transaction.atomic
def alerts_consider(*, score: RiskScore, now: datetime) -> list[Alert]:
    """Raise, raise higher or resolve the alerts of both tracks after a score.

    Returns the alerts that changed. Each track looks at its own tiers alone, so a track that
    was not assessed closes and lowers nothing. An open alert takes over the newest score.
    """
    patient = Patient.objects.select_for_update(no_key=True).get(pk=score.patient_id)
    if (zones_of(patient).local_day(now) - score.day).days > ALERT_MAX_AGE_DAYS:
        return []
    first = score.day - timedelta(days=HISTORY_DAYS)
    scores = patient.scores.filter(is_current=True, day__range=(first, score.day)).order_by("day")
    history = list(scores)
    changed = []
    for track in (Track.MANIA, Track.DEPRESSION):
        alerts = patient.alerts.filter(kind=track).select_for_update(of=("self",))
        latest = alerts.select_related("score").order_by("-raised_at", "-pk").first()
        evidence = evidence_of(patient, track, history)
        verdict = triage(evidence, _standing(latest), triage_rules())
        if verdict.event:
            changed.append(_apply(verdict, latest, patient, track, score, now))
        elif latest:
            _renew(latest, score, counted_tier(evidence.days[-1], evidence, triage_rules()))
    return changed


def evidence_of(patient: Patient, track: Track, history: Sequence[RiskScore]) -> Evidence:
    """What triage looks at; ``history`` is of one patient, the scored day last."""
    score = history[-1]
    drugs = recorded_state(patient, score.day)
    at_once = list(_at_once(score, track))
    if track == Track.MANIA and drugs.antidepressants:
        at_once.append("antidepressant_active")
    if track == Track.MANIA and drugs.mood_stabilisers_stopped:
        at_once.append("mood_stabiliser_stopped")
    days = tuple(_track_day(row, track) for row in history)
    return Evidence(
        track,
        days,
        tuple(at_once),
        stabiliser_stopped=bool(drugs.mood_stabilisers_stopped),
        mania_is_high=score.mania["tier"] == "High",
        in_grace=bool(drugs.sleep_changes),
    )


def _at_once(score: RiskScore, track: Track) -> Iterator[str]:
    """Reasons of the decision itself for which an alert does not wait until Moderate has lasted.

    Only what is worse than the person's own baseline counts, never than a population's.
    """
    off = score.context.get(DEVIATIONS, ())
    delta = score.context.get(DELTA) or 0.0 if track == Track.DEPRESSION else 0.0
    own = any(track in d["poles"] and d["against"] == OWN for d in off)
    if own or delta >= baseline_rules().worsening_sd:
        yield WORSE
    if track == Track.MANIA and any(r["code"].startswith(EARLY_WARNING) for r in score.reasons):
        yield EARLY_WARNING


def _track_day(score: RiskScore, track: Track) -> TrackDay:
    found = getattr(score, track)
    return TrackDay(score.day, found["tier"], found["probability"])


def _standing(alert: Alert | None) -> Standing | None:
    if alert is None:
        return None
    day = None
    if not alert.is_open and (last := alert.transitions.last()) and last.actor != SYSTEM:
        day = timezone.localtime(alert.changed_at).date()
    held = alert.state in (ACKNOWLEDGED, SNOOZED)
    return Standing(alert.is_open, alert.tier, day, held, alert.evidence_tier)


def _apply(
    verdict: Verdict,
    latest: Alert | None,
    patient: Patient,
    track: Track,
    score: RiskScore,
    now: datetime,
) -> Alert:
    alert = latest
    if verdict.event == "raised" or alert is None:
        alert = Alert(patient=patient, kind=track, raised_at=now, state="")
    alert.score, alert.evidence_tier = score, verdict.tier
    alert.recommendation = recommendation_for(patient, track, verdict.tier, score)
    assert verdict.event is not None
    move(alert, verdict.event, by=SYSTEM, at=now, tier=verdict.tier, reason=verdict.why)
    return alert


def _renew(alert: Alert, score: RiskScore, tier: str) -> None:
    """New evidence for the latest alert, which changes nothing about how it stands.

    What to consider is looked up anew for an open one: drugs and diagnosis may have changed.
    """
    if alert.score and alert.score.day > score.day:
        return
    if tier != Tier.INDETERMINATE:
        alert.evidence_tier = tier
    if alert.is_open:
        alert.score = score
        alert.recommendation = recommendation_for(alert.patient, alert.kind, alert.tier, score)
    alert.save(update_fields=["score", "recommendation", "evidence_tier"])


@transaction.atomic
def alert_raise(
    *,
    patient: Patient,
    kind: AlertKind,
    tier: str,
    by: User | str,
    now: datetime,
    why: str,
    note: str = "",
    recommendation: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Alert, bool]:
    """Raise an alert of a kind that no score stands behind, or raise the open one higher.

    Returns the alert and whether anything changed.
    """
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    open_ones = patient.alerts.filter(kind=kind, state__in=OPEN_STATES)
    alert = open_ones.select_for_update(of=("self",)).first()
    if alert is None:
        alert = Alert(patient=patient, kind=kind, raised_at=now, state="")
        alert.recommendation = dict(recommendation)
        move(alert, "raised", by=by, at=now, tier=tier, reason=why, note=note)
        return alert, True
    if alert.tier == "Moderate" and tier == "High":
        move(alert, "risen", by=by, at=now, tier=tier, reason=why, note=note)
        return alert, True
    if kind == AlertKind.SAFETY:  # nobody shall take it for the one that they have dealt with
        move(alert, "repeated", by=by, at=now, reason=why, note=note)
        return alert, True
    return alert, False


def alerts_watch(*, now: datetime) -> int:
    """Do what is due: escalate, let lapse, wake, bring follow-ups back. Returns how much it was.

    Each alert is its own transaction; of two watches at once one finds it.
    """
    due = Alert.objects.filter(state__in=OPEN_STATES, due_at__lte=now).order_by("due_at")
    count = 0
    while done := sum(_watch_one(key, now) for key in due.values_list("pk", flat=True)):
        count += done  # again: of one that is long overdue, the next step may be due as well
    if count:
        log.info("alerts watched", extra={"changed": count})
    accesses_end(now=now)
    return count + follow_ups_return(now=now)


def _watch_one(key: int, now: datetime) -> bool:
    """One alert's due event; what goes wrong with one must not stop the others'."""
    try:
        with transaction.atomic():
            due = Alert.objects.filter(pk=key, state__in=OPEN_STATES, due_at__lte=now)
            locked = due.select_for_update(skip_locked=True, of=("self",))
            alert = locked.select_related("patient").first()
            if alert:
                move(alert, DUE_EVENTS[alert.state], by=SYSTEM, at=now)
            return alert is not None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("alert not watched", extra={"alert": key})
        return False


@transaction.atomic
def follow_ups_return(*, now: datetime) -> int:
    """Tell who promised that the day has come, once; the follow-up stays until it is done."""
    due = FollowUp.objects.filter(
        state=FollowUp.State.OPEN, returned_at=None, due_on__lte=timezone.localtime(now).date()
    )
    locked = due.select_for_update(skip_locked=True, of=("self",))
    rows = list(locked.select_related("alert__patient", "promised_by"))
    for follow_up in rows:
        follow_up.returned_at = now
        follow_up.save(update_fields=["returned_at"])
        follow_up_notices(follow_up=follow_up, at=now)
    return len(rows)


def alerts_overdue(now: datetime) -> int:
    """How many alerts wait for the watch longer than it should take: 0 while it runs."""
    late = now - timedelta(minutes=30)
    return Alert.objects.filter(state__in=OPEN_STATES, due_at__lt=late).count()
