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
from alerts.presenters.words import span, within
from alerts.queue import queue_rows
from alerts.resources import policy_of
from alerts.selectors import alerts_visible_to, follow_ups_visible_to
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.selectors import zones_of
from patients.services import SYSTEM
from patients.templatetags.clarity import day as day_words

FOLLOW_UP, DATA, ALERT = "follow-ups", "data", "alerts"
KINDS: Mapping[str, Promise] = {
    ALERT: _("Alerts nobody has"),
    FOLLOW_UP: _("Follow-ups"),
    DATA: _("Data to chase"),
}
TABS_LABEL = _("What is to be done")
NOW, TODAY, LATER = 0, 1, 2
SECTIONS: Mapping[int, Promise] = {
    NOW: _("Now: past its time, or High"),
    TODAY: _("Today"),
    LATER: _("In the next seven days"),
}
AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class Due:
    """What is to be done and when, before anything more is read about it.

    ``rank`` orders what is due alike: safety, High, promises, the rest, data.
    """

    kind: str
    section: int
    rank: int
    at: datetime
    alert: Alert | None = None
    follow_up: FollowUp | None = None

    @property
    def order(self) -> tuple[int, int, datetime]:
        """What is due first comes first."""
        return self.section, self.rank, self.at


@dataclass(frozen=True)
class Task:
    """One thing to do, ready for the template."""

    due: Due
    key: str
    patient: Patient
    title: str | Promise
    due_words: str | SafeString
    lines: Sequence[str | SafeString] = ()
    note: str = ""
    card: AlertCard | None = None


def day_of(user: User, now: datetime) -> list[Due]:
    """What is due of the user's patients, that of the next seven days last."""
    last = timezone.localdate(now) + AHEAD
    promises = follow_ups_visible_to(user).filter(state=FollowUp.State.OPEN, due_on__lte=last)
    found = [_promise_due(follow_up, now) for follow_up in promises]
    found += [due for alert in queue_rows(user) if (due := _alert_due(alert, now))]
    return sorted(found, key=lambda due: due.order)


def _promise_due(follow_up: FollowUp, now: datetime) -> Due:
    """A promise is due until the end of its day at the clinic."""
    day, today = follow_up.due_on, timezone.localdate(now)
    section = NOW if day < today else TODAY if day == today else LATER
    end = timezone.make_aware(datetime.combine(day, time.max))
    return Due(FOLLOW_UP, section, 2, end, follow_up=follow_up)


def _alert_due(alert: Alert, now: datetime) -> Due | None:
    """An alert that nobody has; of data also one that comes back within the week."""
    is_new, since = alert.state == AlertState.NEW, alert.new_since or alert.raised_at
    if alert.kind == AlertKind.DATA:
        at = alert.raised_at if is_new or not alert.due_at else alert.due_at
        if at > now + AHEAD:
            return None
        is_later = timezone.localdate(at) > timezone.localdate(now)
        is_late = is_new and alert.level > 0
        return Due(DATA, NOW if is_late else LATER if is_later else TODAY, 4, at, alert)
    if not is_new:
        return None
    at = policy_of(alert.kind, alert.tier, alert.policy).due_after(0, since, since)
    urgent = alert.tier == "High" or alert.level > 0 or at <= now
    rank = 0 if alert.kind == AlertKind.SAFETY else 1 if alert.tier == "High" else 3
    return Due(ALERT, NOW if urgent else TODAY, rank, at, alert)


def tasks_of(dues: Sequence[Due], user: User, now: datetime) -> list[Task]:
    """What is due with all that the page shows, in that order."""
    keys = [due.alert.pk for due in dues if due.alert]
    cards = {c.alert.pk: c for c in alert_cards(_whole(user, keys), user, now)}
    absences = _absences([c.alert.patient_id for c in cards.values() if c.alert.kind == DATA])
    found = []
    for due in dues:
        if due.follow_up:
            found.append(_promise_task(due, due.follow_up, user, now))
        elif due.alert and (card := cards.get(due.alert.pk)):
            absence = absences.get(card.alert.patient_id)
            is_data = due.kind == DATA
            found.append(_data_task(due, card, absence, now) if is_data else _task(due, card, now))
    return found


def _whole(user: User, keys: Sequence[int]) -> list[Alert]:
    return list(alerts_visible_to(user).filter(pk__in=keys)) if keys else []


def _absences(patients: Sequence[int]) -> dict[int, AbsenceNotice]:
    rows = open_notices().filter(patient__in=patients).prefetch_related("patient__devices")
    return {notice.patient_id: notice for notice in rows} if patients else {}


def task_of_alert(card: AlertCard, user: User, now: datetime) -> Task | None:
    """The task of one alert as it stands now, if it is one."""
    due = _alert_due(card.alert, now)
    found = tasks_of([due], user, now) if due else []
    return found[0] if found else None


def task_of_follow_up(follow_up: FollowUp, user: User, now: datetime) -> Task:
    """The task of one promise."""
    return _promise_task(_promise_due(follow_up, now), follow_up, user, now)


def _task(due: Due, card: AlertCard, now: datetime) -> Task:
    concern = card.concern if card.alert.kind == AlertKind.CONCERN else None
    return Task(
        due=due,
        key=f"alert-{card.alert.pk}",
        patient=card.alert.patient,
        title=card.title,
        due_words=_due_words(due.at, now),
        lines=[line for line in (card.why, card.waiting, *card.remarks) if line],
        note=concern.note if concern else "",
        card=card,
    )


def _due_words(due: datetime, now: datetime) -> str:
    if due <= now:
        return gettext("past its time by %(span)s") % {"span": span(now - due)}
    return gettext("due within %(span)s") % {"span": within(due - now)}


def _data_task(due: Due, card: AlertCard, absence: AbsenceNotice | None, now: datetime) -> Task:
    """Chased again when nothing came of it; until then it lies in the days ahead."""
    begun = absence.since if absence else card.alert.raised_at
    return Task(
        due=due,
        key=f"alert-{card.alert.pk}",
        patient=card.alert.patient,
        title=card.title,
        due_words=_data_due_words(card, begun, due.at, now),
        lines=_data_lines(card, absence, begun),
        card=card,
    )


def _data_due_words(
    card: AlertCard, begun: datetime, due: datetime, now: datetime
) -> str | SafeString:
    if card.alert.state == AlertState.NEW:
        zones = zones_of(card.alert.patient)  # in days of the patient's clock, as everywhere else
        days = (zones.local_day(now) - zones.local_day(begun)).days
        return ngettext("no data for %(n)d day", "no data for %(n)d days", days) % {"n": days}
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


def _promise_task(due: Due, follow_up: FollowUp, user: User, now: datetime) -> Task:
    by = follow_up.promised_by or follow_up.transition.actor
    return Task(
        due=due,
        key=f"follow-up-{follow_up.pk}",
        patient=follow_up.patient,
        title=gettext("Follow-up: %(what)s") % {"what": TITLES[AlertKind(follow_up.alert.kind)]},
        due_words=_day_due_words(follow_up.due_on, timezone.localdate(now)),
        lines=[gettext("Promised by %(who)s.") % {"who": by}],
        note=follow_up.transition.note if may(user, Permission.ACT_ON_ALERTS) else "",
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


def sections_of(tasks: Sequence[Task]) -> list[Section]:
    """The tasks by when they are due; no empty section."""
    found = [
        Section(title, at == LATER, [task for task in tasks if task.due.section == at])
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


def task_tabs(dues: Sequence[Due], kind: str) -> list[TaskTab]:
    """Everything, then each kind."""
    due = [due.kind for due in dues if due.section != LATER]
    rest = [TaskTab(w, f"?kind={key}", due.count(key), key == kind) for key, w in KINDS.items()]
    return [TaskTab(_("All"), "?", len(due), not kind), *rest]
