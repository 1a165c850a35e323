"""What clinicians do about alerts. Who may what stands in domain/who_may.py, and nowhere else."""

from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.domain.states import BY_SYSTEM_ONLY, CLOSED, UNDO_WITHIN, UNDOABLE, Life
from alerts.domain.who_may import NO, REQUEST, alert_class, answer
from alerts.lifecycle import NotAllowed, alert_locked, move, policy_of
from alerts.models import OPEN_STATES, Alert, AlertKind, AlertTransition, DismissReason, FollowUp
from alerts.outbox import message_resend
from alerts.raising import alert_raise, alerts_consider
from alerts.situations import recommendation_for
from patients.models import Patient, User
from patients.services import audit_record

NOT_YOURS = gettext_lazy("Your role may not do this to such an alert.")


def _answer(alert: Alert, by: User, action: str) -> str:
    """Yes or as a request. Raises NotAllowed for no."""
    found = answer(by.role, action, alert_class(alert.kind, alert.tier))
    if found == NO:
        raise NotAllowed(NOT_YOURS)
    return found


def _done(transition: AlertTransition, by: User, **more: object) -> AlertTransition:
    alert = transition.alert
    what = f"alert {transition.event.replace('_', ' ')}"
    audit_record(by=by, action=what, patient=alert.patient, alert=alert.pk, **more)
    return transition


def _needs(words: str, asked: str) -> None:
    if not words.strip():
        raise NotAllowed(asked)


@transaction.atomic
def alert_acknowledge(*, alert: Alert, by: User, note: str = "") -> AlertTransition:
    """Somebody has it. Raises NotAllowed when somebody else was first."""
    alert = alert_locked(alert)
    _answer(alert, by, "acknowledge")
    return _done(move(alert, "acknowledged", by=by, at=timezone.now(), note=note), by)


@transaction.atomic
def alert_contact(*, alert: Alert, by: User, note: str) -> AlertTransition:
    """The patient was spoken to, or it was tried: the note says how it went."""
    _needs(note, _("Say in the note how the contact went."))
    alert = alert_locked(alert)
    _answer(alert, by, "record contact")
    return _done(move(alert, "contacted", by=by, at=timezone.now(), note=note), by)


@transaction.atomic
def alert_follow_up(*, alert: Alert, by: User, due_on: date, note: str = "") -> AlertTransition:
    """Look again on that day; the alert stays acknowledged until then."""
    alert, now = alert_locked(alert), timezone.now()
    _answer(alert, by, "set a follow-up")
    until, most = _begin_of(due_on, now), policy_of(alert).follow_up_at_most
    if until > now + most:
        raise NotAllowed(
            _(
                "Such an alert waits for a follow-up for at most %(days)d days: give an earlier "
                "day, or dismiss it and monitor."
            )
            % {"days": most.days}
        )
    made = move(alert, "follow_up_set", by=by, at=now, until=until, note=note)
    _promise(made, due_on, by)
    return _done(made, by, due_on=due_on.isoformat())


@transaction.atomic
def alert_snooze(*, alert: Alert, by: User, hours: float, note: str = "") -> AlertTransition:
    """Out of the way for so many hours, or until the tier rises."""
    alert, now = alert_locked(alert), timezone.now()
    _answer(alert, by, "snooze")
    most = policy_of(alert).snooze_at_most / timedelta(hours=1)
    if not 0 < hours <= most:
        said = _("Such an alert can be snoozed for at most %(hours)g hours.")
        raise NotAllowed(said % {"hours": most})
    until = now + timedelta(hours=hours)
    return _done(move(alert, "snoozed", by=by, at=now, until=until, note=note), by)


@transaction.atomic
def alert_resolve(*, alert: Alert, by: User, note: str = "") -> AlertTransition:
    """What it was about is dealt with. It must have been taken on before."""
    alert = alert_locked(alert)
    _answer(alert, by, "resolve")
    made = move(alert, "resolved", by=by, at=timezone.now(), note=note)
    _promises_end(made)
    return _done(made, by)


@transaction.atomic
def alert_dismiss(
    *, alert: Alert, by: User, reason: str, note: str = "", due_on: date | None = None
) -> AlertTransition:
    """Close it for a reason, or ask a psychiatrist to where the role may only ask.

    Raises NotAllowed without a known reason, without words for “other”, without a date for
    “will monitor”, or when it is closed.
    """
    if reason not in DismissReason.values:
        raise NotAllowed(_("Choose one of the reasons to dismiss an alert."))
    if reason == DismissReason.OTHER:
        _needs(note, _("Say in the note what the other reason is."))
    alert, now = alert_locked(alert), timezone.now()
    if reason == DismissReason.WILL_MONITOR:
        if due_on is None:
            raise NotAllowed(_("Say until when you will monitor: give the day of the follow-up."))
        _begin_of(due_on, now)
    is_request = _answer(alert, by, "dismiss") == REQUEST
    event = "dismissal_requested" if is_request else "dismissed"
    made = move(alert, event, by=by, at=now, reason=reason, note=note)
    if not is_request:
        _promises_end(made)
    if due_on and reason == DismissReason.WILL_MONITOR:
        _promise(made, due_on, by)
    return _done(made, by, reason=reason)


@transaction.atomic
def alert_retier(*, alert: Alert, by: User, tier: str, note: str) -> AlertTransition:
    """Put the alert at High or Moderate, with the reason in words; a coordinator asks to lower."""
    _needs(note, _("Say in the note why the tier changes."))
    if tier not in ("High", "Moderate"):
        raise NotAllowed(_("Choose High or Moderate."))
    alert, now = alert_locked(alert), timezone.now()
    action = "upgrade" if tier == "High" else "downgrade"
    if alert.tier == tier:
        last = alert.transitions.filter(tier=tier).exclude(event="escalated").last()
        who = last.actor if last else _("somebody")
        raise NotAllowed(
            _("This alert is already %(tier)s, by %(who)s.") % {"tier": tier, "who": who}
        )
    if _answer(alert, by, action) == REQUEST:
        return _done(move(alert, "downgrade_requested", by=by, at=now, note=note), by)
    return _done(_retiered(alert, f"{action}d", by, now, tier, note), by, tier=tier)


def _retiered(
    alert: Alert, event: str, by: User, now: datetime, tier: str, note: str
) -> AlertTransition:
    """The tier changes, and what to consider with it."""
    if alert.track and alert.score:
        alert.recommendation = recommendation_for(alert.patient, alert.track, tier, alert.score)
    return move(alert, event, by=by, at=now, tier=tier, note=note)


@transaction.atomic
def request_decide(
    *, alert: Alert, by: User, confirm: bool, request: int | None = None, note: str = ""
) -> AlertTransition:
    """Confirm or decline what a coordinator asked for; declining needs words.

    ``request`` is the transition that was looked at: another one is not decided by mistake.
    """
    alert, now = alert_locked(alert), timezone.now()
    _answer(alert, by, "decide a request")
    if not alert.requested:
        last = alert.transitions.exclude(event__in=BY_SYSTEM_ONLY).last()
        if last is None:
            raise NotAllowed(_("No request waits on this alert any more."))
        said = _("No request waits on this alert any more: %(who)s has been here.")
        raise NotAllowed(said % {"who": last.actor})
    asked = alert.transitions.filter(event=alert.requested).latest("at", "id")
    if request is not None and request != asked.pk:
        raise NotAllowed(_("The request has changed since you saw it: look at it again."))
    if not confirm:
        _needs(note, _("Say in the note why the request is declined."))
        made = move(alert, "request_declined", by=by, at=now, note=note)
        _cancel(FollowUp.objects.filter(transition=asked), made)
        return _done(made, by)
    words = note or asked.note
    if alert.requested == "downgrade_requested":
        made = _retiered(alert, "downgraded", by, now, "Moderate", words)
    else:
        made = move(alert, "dismissed", by=by, at=now, reason=asked.reason, note=words)
        _promises_end(made, but=asked)
    return _done(made, by, asked_by=asked.actor)


@transaction.atomic
def alert_undo(*, alert: Alert, by: User) -> AlertTransition:
    """Take back one's own last act within ten minutes: the alert stands as it stood before."""
    alert, now = alert_locked(alert), timezone.now()
    last = alert.transitions.last()
    if last is None or last.actor != by.username or last.event not in UNDOABLE:
        raise NotAllowed(_("Only your own last act on an alert can be taken back."))
    if now - last.at > UNDO_WITHIN:
        raise NotAllowed(_("Ten minutes have passed: this can no longer be taken back."))
    others = Alert.objects.filter(
        patient=alert.patient, kind=alert.kind, state__in=OPEN_STATES
    ).exclude(pk=alert.pk)
    if alert.state in CLOSED and others.exists():
        raise NotAllowed(_("Another alert of this kind has been raised since: act on that one."))
    made = move(
        alert, "undone", by=by, at=now, back_to=Life.of(last.before), reason=last.event,
        policy_to=last.before.get("policy"),
    )  # fmt: skip
    FollowUp.objects.filter(transition=last).update(state=FollowUp.State.CANCELLED)
    State = FollowUp.State
    alert.follow_ups.filter(state=State.CANCELLED, done_at=last.at).exclude(transition=last).update(
        state=State.OPEN, done_by="", done_at=None
    )
    return _done(made, by, undone=last.event)


@transaction.atomic
def concern_raise(*, patient: Patient, tier: str, note: str, by: User) -> Alert:
    """A clinician is concerned, whatever the models say."""
    _needs(note, _("Say in the note what your concern is."))
    if tier not in ("High", "Moderate"):
        raise NotAllowed(_("Choose High or Moderate."))
    if answer(by.role, "raise a concern", tier) == NO:
        raise NotAllowed(NOT_YOURS)
    alert, is_new = alert_raise(
        patient=patient, kind=AlertKind.CONCERN, tier=tier, by=by, now=timezone.now(),
        why="concern", note=note,
    )  # fmt: skip
    if not is_new:
        raise NotAllowed(_("A concern about this patient is open already: act on that one."))
    audit_record(by=by, action="concern raised", patient=patient, alert=alert.pk, tier=tier)
    return alert


@transaction.atomic
def follow_up_done(*, follow_up: FollowUp, by: User, note: str) -> None:
    """The promise was kept; the note says what was found. Raises NotAllowed if it was before."""
    _needs(note, _("Say in the note what was found."))
    locked = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
    if locked.state != FollowUp.State.OPEN:
        state = {"state": locked.get_state_display().lower(), "who": locked.done_by}
        if not locked.done_by:
            raise NotAllowed(_("This follow-up is already %(state)s.") % state)
        raise NotAllowed(_("This follow-up is already %(state)s by %(who)s.") % state)
    locked.state, locked.note = FollowUp.State.DONE, note
    locked.done_by, locked.done_at = by.username, timezone.now()
    locked.save()
    audit_record(by=by, action="follow-up done", patient=locked.patient, alert=locked.alert_id)


@transaction.atomic
def follow_up_reopen(*, follow_up: FollowUp, by: User) -> None:
    """Take back that a promise was kept, within ten minutes, by whoever said so."""
    locked = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
    if locked.state != FollowUp.State.DONE or locked.done_by != by.username:
        raise NotAllowed(_("Only your own last act on a follow-up can be taken back."))
    if locked.done_at is None or timezone.now() - locked.done_at > UNDO_WITHIN:
        raise NotAllowed(_("Ten minutes have passed: this can no longer be taken back."))
    locked.state, locked.note, locked.done_by = FollowUp.State.OPEN, "", ""
    locked.done_at = None
    locked.save()
    audit_record(by=by, action="follow-up reopened", patient=locked.patient, alert=locked.alert_id)


def _promise(transition: AlertTransition, due_on: date, by: User) -> FollowUp:
    return FollowUp.objects.create(
        patient=transition.alert.patient,
        alert=transition.alert,
        transition=transition,
        due_on=due_on,
        promised_by=by,
    )


def _promises_end(closing: AlertTransition, but: AlertTransition | None = None) -> None:
    """What was promised about an alert that is closed need not be kept, but for the request's."""
    others = FollowUp.objects.filter(alert=closing.alert, state=FollowUp.State.OPEN)
    _cancel(others.exclude(transition=but) if but else others, closing)


def _cancel(follow_ups: QuerySet[FollowUp], because: AlertTransition) -> None:
    """With whom and when, so that undoing the act gives them back."""
    follow_ups.update(state=FollowUp.State.CANCELLED, done_by=because.actor, done_at=because.at)


def _begin_of(day: date, now: datetime) -> datetime:
    """The first moment of that day of the clinic. Raises NotAllowed unless it lies ahead."""
    moment = timezone.make_aware(datetime.combine(day, time.min))
    if not now < moment < now + timedelta(days=366):
        raise NotAllowed(_("Give a day after today and within a year."))
    return moment


__all__ = [
    "NotAllowed", "alert_acknowledge", "alert_contact", "alert_dismiss", "alert_follow_up",
    "alert_raise", "alert_resolve", "alert_retier", "alert_snooze", "alert_undo",
    "alerts_consider", "concern_raise", "follow_up_done", "follow_up_reopen",
    "message_resend", "request_decide",
]  # fmt: skip
