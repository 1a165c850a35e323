"""The day of whoever looks after patients: everything that is due, in one list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from alerts.absence import open_notices
from alerts.models import AbsenceNotice, Alert, AlertKind, AlertState, FollowUp
from alerts.presenters.cards import TITLES, AlertCard, alert_cards, transition_words
from alerts.presenters.words import span
from alerts.resources import policy_of
from alerts.selectors import follow_ups_visible_to, open_alerts
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.selectors import patients_visible_to, zones_of
from patients.services import SYSTEM
from patients.templatetags.clarity import day as day_words

FOLLOW_UP, DATA, ALERT = "follow-ups", "data", "alerts"
KINDS: Mapping[str, Promise] = {
    ALERT: _("Alerts nobody has"),
    FOLLOW_UP: _("Follow-ups"),
    DATA: _("Data to chase"),
}
NOW, TODAY, LATER = 0, 1, 2
SECTIONS: Mapping[int, Promise] = {
    NOW: _("Now: past its time, or High"),
    TODAY: _("Today"),
    LATER: _("In the next seven days"),
}
AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class Task:
    """One thing to do. ``rank`` orders what is due alike: safety, High, promises, the rest."""

    key: str
    kind: str
    patient: Patient
    section: int
    rank: int
    due: datetime
    title: str | Promise
    due_words: str | SafeString
    lines: Sequence[str | SafeString] = ()
    note: str = ""
    card: AlertCard | None = None
    follow_up: FollowUp | None = None

    @property
    def order(self) -> tuple[int, int, datetime]:
        """What is due first comes first."""
        return self.section, self.rank, self.due


def day_of(user: User, now: datetime) -> list[Task]:
    """All tasks of the user's patients, those of the next seven days last."""
    last = timezone.localdate(now) + AHEAD
    promises = follow_ups_visible_to(user).filter(state=FollowUp.State.OPEN, due_on__lte=last)
    tasks = [task_of_follow_up(f, user, now) for f in promises]
    absences = {n.patient_id: n for n in _absences(user)}
    for card in alert_cards(_alerts_of_the_day(user, now), user, now):
        tasks.append(_task(card, absences.get(card.alert.patient_id), now))
    return sorted(tasks, key=lambda task: task.order)


def _alerts_of_the_day(user: User, now: datetime) -> list[Alert]:
    """Alerts that nobody has, and data that come back within the week."""
    return [
        alert
        for alert in open_alerts(user)
        if alert.state == AlertState.NEW
        or (alert.kind == AlertKind.DATA and alert.due_at and alert.due_at < now + AHEAD)
    ]


def _absences(user: User) -> list[AbsenceNotice]:
    rows = open_notices().filter(patient__in=patients_visible_to(user))
    return list(rows.prefetch_related("patient__devices"))


def task_of_alert(card: AlertCard, user: User, now: datetime) -> Task:
    """The task of one alert, as it stands now."""
    absences = [n for n in _absences(user) if n.patient_id == card.alert.patient_id]
    return _task(card, absences[0] if absences else None, now)


def _task(card: AlertCard, absence: AbsenceNotice | None, now: datetime) -> Task:
    if card.alert.kind == AlertKind.DATA:
        return _data_task(card, absence, now)
    alert = card.alert
    policy = policy_of(alert.kind, alert.tier, alert.policy)
    since = alert.new_since or alert.raised_at
    due = policy.due_after(0, since, since)
    urgent = alert.tier == "High" or card.is_late or due <= now
    return Task(
        key=f"alert-{alert.pk}",
        kind=ALERT,
        patient=alert.patient,
        section=NOW if urgent else TODAY,
        rank=0 if alert.kind == AlertKind.SAFETY else 1 if alert.tier == "High" else 3,
        due=due,
        title=card.title,
        due_words=_due_words(due, now),
        lines=[line for line in (card.why, card.waiting, *card.remarks) if line],
        note=card.concern.note if card.concern and alert.kind == AlertKind.CONCERN else "",
        card=card,
    )


def _due_words(due: datetime, now: datetime) -> str:
    if due <= now:
        return gettext("past its time by %(span)s") % {"span": span(now - due)}
    return gettext("due within %(span)s") % {"span": span(due - now)}


def _data_task(card: AlertCard, absence: AbsenceNotice | None, now: datetime) -> Task:
    """Chased again when nothing came of it; until then it lies in the days ahead."""
    alert, is_new = card.alert, card.alert.state == AlertState.NEW
    begun = absence.since if absence else alert.raised_at
    due = alert.raised_at if is_new or not alert.due_at else alert.due_at
    section = LATER if timezone.localdate(due) > timezone.localdate(now) else TODAY
    return Task(
        key=f"alert-{alert.pk}",
        kind=DATA,
        patient=alert.patient,
        section=NOW if card.is_late else section,
        rank=4,
        due=due,
        title=card.title,
        due_words=_data_due_words(card, begun, due, now),
        lines=_data_lines(card, absence, begun),
        card=card,
    )


def _data_due_words(
    card: AlertCard, begun: datetime, due: datetime, now: datetime
) -> str | SafeString:
    if card.alert.state == AlertState.NEW:
        return gettext("no data for %(span)s") % {"span": span(now - begun)}
    return format_html(gettext("to be looked at again {at}"), at=card.at(due))


def _data_lines(
    card: AlertCard, absence: AbsenceNotice | None, since: datetime
) -> list[str | SafeString]:
    """Since when, which source was last heard of, and what was done last."""
    first = zones_of(card.alert.patient).local_day(since)
    words = gettext("Nothing since %(day)s. This does not say how the person is.")
    said: list[str | SafeString] = [words % {"day": day_words(first)}]
    if absence and (sources := _sources(absence)):
        said.append(gettext("Last heard of: %(sources)s.") % {"sources": sources})
    acts = [t for t in card.history if t.actor != SYSTEM]
    if not acts:
        return [*said, gettext("Nothing was done about it yet.")]
    last = acts[-1]
    done = format_html(
        gettext("Last: {what} by {who}, {at}"),
        what=transition_words(last).lower(),
        who=card.name(last.actor),
        at=card.at(last.at),
    )
    words = last.note if card.may_read_notes else ""
    return [*said, format_html("{}: “{}”", done, words) if words else format_html("{}.", done)]


def _sources(absence: AbsenceNotice) -> str:
    """“Fitbit 17 Nov 2026, Phone never”, the latest first."""
    zones, never = zones_of(absence.patient), gettext("never")
    seen = sorted(
        absence.patient.devices.all(),
        key=lambda d: (d.last_data_at is None, -(d.last_data_at or absence.since).timestamp()),
    )
    return ", ".join(
        f"{d.name} {day_words(zones.local_day(d.last_data_at)) if d.last_data_at else never}"
        for d in seen
    )


def task_of_follow_up(follow_up: FollowUp, user: User, now: datetime) -> Task:
    """A promise; it is due until the end of its day at the clinic."""
    day, today = follow_up.due_on, timezone.localdate(now)
    by = follow_up.transition.actor
    promised = gettext("Promised by %(who)s.") % {"who": follow_up.promised_by or by}
    return Task(
        key=f"follow-up-{follow_up.pk}",
        kind=FOLLOW_UP,
        patient=follow_up.patient,
        section=NOW if day < today else TODAY if day == today else LATER,
        rank=2,
        due=timezone.make_aware(datetime.combine(day, time.max)),
        title=gettext("Follow-up: %(what)s") % {"what": TITLES[AlertKind(follow_up.alert.kind)]},
        due_words=_day_due_words(day, today),
        lines=[promised],
        note=follow_up.transition.note if may(user, Permission.ACT_ON_ALERTS) else "",
        follow_up=follow_up,
    )


def _day_due_words(day: date, today: date) -> str:
    late = (today - day).days
    if late > 0:
        return ngettext("overdue by %(n)d day", "overdue by %(n)d days", late) % {"n": late}
    return gettext("due today") if not late else gettext("due %(day)s") % {"day": day_words(day)}


@dataclass(frozen=True)
class Section:
    """Tasks that are due alike."""

    title: Promise
    is_later: bool
    tasks: list[Task]


def shown_tasks(tasks: Sequence[Task], kind: str) -> list[Section]:
    """The tasks of that kind by when they are due; no empty section."""
    kept = [task for task in tasks if not kind or task.kind == kind]
    found = [
        Section(title, at == LATER, [task for task in kept if task.section == at])
        for at, title in SECTIONS.items()
    ]
    return [section for section in found if section.tasks]


@dataclass(frozen=True)
class TaskTab:
    """A filter with how many tasks are to be done today."""

    words: Promise
    address: str
    count: int
    is_shown: bool


def task_tabs(tasks: Sequence[Task], kind: str) -> list[TaskTab]:
    """Everything, then each kind."""
    due = [task.kind for task in tasks if task.section != LATER]
    rest = [TaskTab(w, f"?kind={key}", due.count(key), key == kind) for key, w in KINDS.items()]
    return [TaskTab(_("All"), "?", len(due), not kind), *rest]
