"""The alert queue and the coordinator's day."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from alerts import selectors
from alerts.models import Alert, AlertKind, DismissReason
from alerts.presenters.cards import alert_cards
from alerts.presenters.queue import (
    CLOSED,
    PATIENTS_A_PAGE,
    TABS_LABEL,
    TIERS,
    Asked,
    budget_words,
    by_patient,
    change_lines,
    empty_words,
    groups,
    sorted_alerts,
    tabs,
)
from alerts.presenters.today import KINDS, day_of, sections_of, task_tabs, tasks_of
from alerts.presenters.today import TABS_LABEL as today_label
from alerts.presenters.undo import undo_offered
from alerts.queue import changes_since, names_of_actors, queue_rows, queue_visited
from patients.models import User
from patients.permissions import Permission, may
from patients.selectors import patients_visible_to
from patients.views import actor, page

CLOSED_DAYS = 7
TASKS_A_PAGE = 60
KEYS = (
    ("a", _("acknowledge")),
    ("d", _("dismiss, for a reason")),
    ("s", _("snooze, or a day to look again")),
    ("c", _("record a contact")),
    ("r", _("resolve what was taken on")),
)
KEYS_OF_TODAY = (("a", _("acknowledge, or write down what was done")),)


@page("GET")
def queue(request: HttpRequest) -> HttpResponse:
    """Open alerts of my patients by who holds them, or what was closed lately."""
    user, now, asked = actor(request), timezone.now(), Asked.of(request.GET.dict())
    since = queue_visited(user=user, now=now)
    rows = queue_rows(user)
    found = sorted_alerts(rows, user, asked)
    pages = _pages(by_patient(found.get(asked.tab, [])))
    shown = [alert.pk for of in pages[min(asked.page, len(pages)) - 1] for alert in of]
    whole = selectors.alerts_visible_to(user).in_bulk(shown)
    closed = []
    if asked.tab == CLOSED:
        closed = selectors.alerts_closed_since(user, now - timedelta(days=CLOSED_DAYS))
    changes = changes_since(user, since) if since else []
    context = {
        "asked": asked,
        "tabs": tabs(found, asked),
        "tabs_label": TABS_LABEL,
        "groups": groups(alert_cards([whole[key] for key in shown], user, now)),
        "pages": [(n, asked.address(page=n)) for n in range(1, len(pages) + 1)],
        "empty": "" if shown else empty_words(found, len(rows), asked, _patients(user)),
        "closed": alert_cards([a for a in closed if asked.takes(a)], user, now),
        "closed_days": CLOSED_DAYS,
        "kinds": AlertKind.choices,
        "tiers": TIERS,
        "since": since,
        "changes": change_lines(changes, names_of_actors(changes), now),
        "changes_more": len(changes),
        "due": selectors.follow_ups_due(user).count(),
        "budget": budget_words(user),
        "undo": undo_offered(user, now),
        "may_act": may(user, Permission.ACT_ON_ALERTS),
        "reasons": DismissReason.choices,
        "keys": KEYS,
        "next": request.get_full_path(),
    }
    return render(request, "alerts/queue.html", context)


def _pages(rows: list[list[Alert]]) -> list[list[list[Alert]]]:
    size = PATIENTS_A_PAGE
    return [rows[at : at + size] for at in range(0, len(rows), size)] or [[]]


def _patients(user: User) -> int:
    return patients_visible_to(user).count()


@page("GET")
def today(request: HttpRequest) -> HttpResponse:
    """What is to be done today, in one list: what is due first comes first."""
    user, now = actor(request), timezone.now()
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    dues = day_of(user, now)
    kept = [due for due in dues if not kind or due.kind == kind]
    context = {
        "tabs": task_tabs(dues, kind),
        "tabs_label": today_label,
        "sections": sections_of(tasks_of(kept[:TASKS_A_PAGE], user, now)),
        "more": max(len(kept) - TASKS_A_PAGE, 0),
        "kind": kind,
        "patients": _patients(user),
        "undo": undo_offered(user, now),
        "may_act": may(user, Permission.ACT_ON_ALERTS),
        "keys": KEYS_OF_TODAY,
        "next": request.get_full_path(),
    }
    return render(request, "alerts/today.html", context)
