"""What is done about alerts and promises: by plain forms, or in place by htmx."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.serializers import Serializer

from alerts import absence, selectors, services
from alerts.actions import ACTIONS, Act, ConcernRequest, NoteRequest, UndoRequest
from alerts.models import Alert, AlertTransition, DismissReason, FollowUp
from alerts.presenters.cards import alert_cards
from alerts.presenters.queue import TABS_LABEL, Asked, sorted_alerts, tabs
from alerts.presenters.today import TABS_LABEL as today_label
from alerts.presenters.today import day_of, task_of_alert, task_of_follow_up, task_tabs
from alerts.presenters.undo import Undo, undo_of, undo_of_promise
from alerts.queue import queue_rows
from clarity_site.said import said_again
from patients.models import Patient, User
from patients.permissions import Permission
from patients.views import View, actor, back, page, patient_for

TASK = "task-"  # elements of the page Today; those of the queue are cards


def alert_for(user: User, alert_id: int) -> Alert:
    """The alert, if it is of one of the user's patients; else 404."""
    return get_object_or_404(selectors.alerts_visible_to(user), pk=alert_id)


def follow_up_for(user: User, follow_up_id: int) -> FollowUp:
    """The follow-up, if it is of one of the user's patients; else 404."""
    return get_object_or_404(selectors.follow_ups_visible_to(user), pk=follow_up_id)


def target_of(request: HttpRequest) -> str | None:
    """The id of the element that htmx swaps; None for a plain form."""
    details = getattr(request, "htmx", None)
    return (details.target or "") if details else None


@dataclass(frozen=True)
class Outcome:
    """What came of a form: what was done, or why it was refused, in words."""

    said: str = ""
    refused: str = ""


def _outcome(asked: Serializer, do: Callable[..., Any], words: Callable[[Any], str]) -> Outcome:
    """Check what was asked and do it."""
    if not asked.is_valid():
        return Outcome(refused=" ".join(str(found[0]) for found in asked.errors.values()))
    try:
        return Outcome(said=words(do(**asked.validated_data)))
    except services.NotAllowed as refusal:
        return Outcome(refused=said_again(refusal))


def _tell(request: HttpRequest, outcome: Outcome) -> None:
    """On the next page."""
    if outcome.refused:
        messages.error(request, outcome.refused)
    else:
        messages.success(request, outcome.said)


def _acting(act: Act) -> View:
    """The view of one action: what was asked is checked, done, and said."""

    @page("POST", Permission.ACT_ON_ALERTS, find=alert_for)
    def view(request: HttpRequest, alert: Alert) -> HttpResponse:
        def do(**values: Any) -> AlertTransition:
            made: AlertTransition = act.service(alert=alert, by=actor(request), **values)
            return made

        outcome = _outcome(
            act.request(data=request.POST), do, lambda made: _done_words(alert, act, made)
        )
        if (target := target_of(request)) is not None:
            return _alert_in_place(request, alert.pk, act.name, outcome, target)
        _tell(request, outcome)
        return back(request, "alerts")

    return view


acting = {name: _acting(act) for name, act in ACTIONS.items()}


def _done_words(alert: Alert, act: Act, made: AlertTransition) -> str:
    named = {"kind": alert.get_kind_display(), "patient": alert.patient}
    if made.event.endswith("_requested"):
        asked = _("%(kind)s alert of %(patient)s: a psychiatrist is asked to confirm this.")
        return asked % named
    return str(act.done) % named


def _alert_in_place(
    request: HttpRequest, alert_id: int, name: str, outcome: Outcome, target: str
) -> HttpResponse:
    """The card, or the line of Today, as it is now, and what was said."""
    user, now = actor(request), timezone.now()
    [card] = alert_cards([alert_for(user, alert_id)], user, now)
    is_task = target.startswith(TASK)
    undo = undo_of(card.alert, card.undo_until, now, target)
    is_todo = is_task and name == "undo" and not outcome.refused
    context = {
        "card": card,
        "patient": card.alert.patient,
        "task": task_of_alert(card, user, now) if is_todo else None,
        "target": target,
    }
    template = "alerts/parts/task_now.html" if is_task else "alerts/parts/card_now.html"
    # What was typed stays where it can be put right; what somebody else has changed does not.
    keeps = bool(outcome.refused) and name in (*card.acts, "retier")
    return _in_place(request, template, context, outcome, undo, keeps)


def _in_place(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    outcome: Outcome,
    undo: Undo | None,
    keeps: bool,
) -> HttpResponse:
    shown = (
        context
        | _counts(request, context["target"])
        | {
            "outcome": outcome,
            "undo": None if outcome.refused else undo,
            "keeps": keeps,
            "may_act": True,
            "live": True,
            "next": request.POST.get("next", ""),
            "reasons": DismissReason.choices,
        }
    )
    answer = render(request, template, shown)
    answer["HX-Push-Url"] = "false"
    if keeps:
        answer["HX-Reswap"] = "none"
    return answer


def _counts(request: HttpRequest, target: str) -> dict[str, Any]:
    """The tabs of the page that the form stood on, as they are now."""
    user = actor(request)
    given = QueryDict(urlsplit(request.POST.get("next", "")).query).dict()
    if target.startswith(TASK):
        dues = day_of(user, timezone.now())
        return {"tabs": task_tabs(dues, given.get("kind", "")), "tabs_label": today_label}
    asked = Asked.of(given)
    found = sorted_alerts(queue_rows(user), user, asked)
    return {"tabs": tabs(found, asked), "tabs_label": TABS_LABEL}


@page("POST", Permission.ACT_ON_ALERTS, find=patient_for)
def concern(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Raise a concern by hand."""

    def do(**values: Any) -> Alert:
        return services.concern_raise(patient=patient, by=actor(request), **values)

    said = _("Your concern about %(patient)s is in the queue.") % {"patient": patient}
    _tell(request, _outcome(ConcernRequest(data=request.POST), do, lambda _made: said))
    return back(request, "patient", patient.code)


@page("POST", Permission.ACT_ON_ALERTS, find=follow_up_for)
def follow_up_done(request: HttpRequest, follow_up: FollowUp) -> HttpResponse:
    """A promise was kept."""

    def do(**values: Any) -> None:
        services.follow_up_done(follow_up=follow_up, by=actor(request), **values)

    said = _("Follow-up of %(patient)s done.") % {"patient": follow_up.patient}
    outcome = _outcome(NoteRequest(data=request.POST), do, lambda _made: said)
    return _follow_up_answer(request, follow_up, outcome)


@page("POST", Permission.ACT_ON_ALERTS, find=follow_up_for)
def follow_up_reopen(request: HttpRequest, follow_up: FollowUp) -> HttpResponse:
    """It was not kept after all."""

    def do() -> None:
        services.follow_up_reopen(follow_up=follow_up, by=actor(request))

    said = _("Follow-up of %(patient)s: undone.") % {"patient": follow_up.patient}
    return _follow_up_answer(
        request, follow_up, _outcome(UndoRequest(data={}), do, lambda _m: said)
    )


def _follow_up_answer(request: HttpRequest, follow_up: FollowUp, outcome: Outcome) -> HttpResponse:
    target = target_of(request)
    if target is None:
        _tell(request, outcome)
        return back(request, "today")
    user, now = actor(request), timezone.now()
    follow_up.refresh_from_db()
    is_open = follow_up.state == FollowUp.State.OPEN
    undo = None if is_open else undo_of_promise(follow_up, now, target)
    context = {
        "task": task_of_follow_up(follow_up, user, now) if is_open else None,
        "patient": follow_up.patient,
        "target": target,
    }
    keeps = bool(outcome.refused) and is_open
    return _in_place(request, "alerts/parts/task_now.html", context, outcome, undo, keeps)


@page("POST", Permission.ACT_ON_ALERTS, find=patient_for)
def absence_acknowledge(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Somebody looks after data that have stopped."""
    notice = patient.absences.filter(closed_at=None).first()

    def do(**values: Any) -> None:
        by = actor(request)
        if not (notice and absence.absence_acknowledge(notice=notice, by=by, **values)):
            over = _("Data of %(patient)s have come again: there is nothing to note.")
            raise services.NotAllowed(over % {"patient": patient})

    said = _("Noted that you look after the data of %(patient)s.") % {"patient": patient}
    _tell(request, _outcome(NoteRequest(data=request.POST), do, lambda _made: said))
    return back(request, "patient-data", patient.code)
