"""What stands around the panel's rows: views with counts, filters, sorting, the next page."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.domain.panel import PAGE_SIZE, Wanted
from alerts.panel import Asker, Counts, panel_counts, panel_page
from alerts.presenters.panel import panel_lines
from patients.models import User
from patients.permissions import Permission, may

MOST_SHOWN = 1_000  # rows that are drawn again at once when something has changed
VIEWS: tuple[tuple[Promise, Wanted], ...] = (
    (gettext_lazy("Nobody has it"), Wanted(alert="waiting")),
    (gettext_lazy("Changed since my last visit"), Wanted(changed="yes")),
    (gettext_lazy("Held by me"), Wanted(alert="mine")),
    (gettext_lazy("Follow-up due"), Wanted(alert="follow-up")),
    (gettext_lazy("Data stopped"), Wanted(data="stopped")),
    (gettext_lazy("Mania risen, antidepressant"), Wanted(track="mania", drug="antidepressant")),
)
CHOICE_WORDS: dict[str, tuple[Promise, dict[str, Promise]]] = {
    "track": (
        gettext_lazy("Track"),
        {
            "depression": gettext_lazy("Depression Moderate or High"),
            "mania": gettext_lazy("Mania Moderate or High"),
            "rising": gettext_lazy("Either rising over 7 days"),
            "unassessed": gettext_lazy("One or both not assessed"),
        },
    ),
    "alert": (
        gettext_lazy("Alerts"),
        {
            "waiting": gettext_lazy("Nobody has it"),
            "mine": gettext_lazy("Held by me"),
            "others": gettext_lazy("Held by a colleague"),
            "snoozed": gettext_lazy("Snoozed"),
            "follow-up": gettext_lazy("Follow-up due"),
            "none": gettext_lazy("None open"),
        },
    ),
    "drug": (
        gettext_lazy("Medication"),
        {
            "antidepressant": gettext_lazy("Antidepressant"),
            "lithium": gettext_lazy("Lithium"),
            "stabiliser": gettext_lazy("Any mood stabiliser"),
            "antipsychotic": gettext_lazy("Antipsychotic"),
            "none": gettext_lazy("Nothing recorded"),
            "unavailable": gettext_lazy("List unavailable"),
        },
    ),
    "data": (
        gettext_lazy("Data"),
        {
            "stopped": gettext_lazy("Stopped (notice open)"),
            "2": gettext_lazy("Older than 2 days"),
            "7": gettext_lazy("Older than 7 days"),
            "30": gettext_lazy("Older than 30 days"),
            "never": gettext_lazy("None yet"),
        },
    ),
    "diagnosis": (
        gettext_lazy("Diagnosis"),
        {
            "mdd": gettext_lazy("Major depressive disorder"),
            "bipolar_1": gettext_lazy("Bipolar I disorder"),
            "bipolar_2": gettext_lazy("Bipolar II disorder"),
            "unknown": gettext_lazy("Not recorded"),
        },
    ),
    "sort": (
        gettext_lazy("Order"),
        {
            "urgency": gettext_lazy("Whom to call first"),
            "depression": gettext_lazy("Depression, highest first"),
            "mania": gettext_lazy("Mania, highest first"),
            "data": gettext_lazy("Oldest data first"),
            "follow-up": gettext_lazy("Next follow-up first"),
            "code": gettext_lazy("Code"),
        },
    ),
}
TEAM_WORDS = {
    "me": gettext_lazy("I am on the team"),
    "no:coordinator": gettext_lazy("No coordinator on the team"),
    "no:psychiatrist": gettext_lazy("No psychiatrist on the team"),
}


@dataclass(frozen=True)
class ViewLink:
    """A view as a link with its count. ``own`` is its name where the user saved it."""

    words: str
    query: str
    count: int
    is_current: bool
    own: str = ""


@dataclass(frozen=True)
class Choice:
    """One filter: its name, label and options as (value, words, chosen)."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]


def panel_context(user: User, asker: Asker, wanted: Wanted, shown: int = 0) -> dict[str, Any]:
    """Everything of the page. ``shown``: so many rows at least, as far as there are."""
    own = [(name, Wanted.of(_parsed(query))) for name, query in user.panel_views]
    known = [*((str(words), view) for words, view in VIEWS), *own]
    counts = panel_counts(asker, wanted, [view for _name, view in known])
    return {
        "counts": counts,
        "tiers": _tier_links(counts, wanted),
        "everybody": _link(_("All"), Wanted(), counts.total, wanted),
        "views": [
            _link(words, view, counts.views[at], wanted, words if at >= len(VIEWS) else "")
            for at, (words, view) in enumerate(known)
        ],
        "choices": _choices(counts, wanted),
        "asked": wanted,
        "query": wanted.address(),
        "since": asker.before,
        "panel_version": counts.version,
        "may_export": may(user, Permission.EXPORT_PANEL),
        "may_act": may(user, Permission.ACT_ON_ALERTS),
        **rows_context(asker, wanted, counts, shown),
    }


def rows_context(asker: Asker, wanted: Wanted, counts: Counts, shown: int = 0) -> dict[str, Any]:
    """A page of rows and where the next begins."""
    size = max(PAGE_SIZE, min(shown, MOST_SHOWN))
    end = wanted.start + size
    patients = list(panel_page(asker, wanted)[wanted.start : end])
    return {
        "lines": panel_lines(patients, asker, counts.scores_day),
        "matching": counts.matching,
        "next": wanted.address(end) if end < counts.matching else "",
        "is_later": wanted.start > 0,
        "left": counts.matching - end,
    }


def _parsed(query: str) -> dict[str, str]:
    return dict(parse_qsl(query))


def _link(words: str, view: Wanted, count: int, wanted: Wanted, own: str = "") -> ViewLink:
    is_current = dict(view.filters()) == dict(wanted.filters())
    return ViewLink(words, view.address(), count, is_current, own)


def _tier_links(counts: Counts, wanted: Wanted) -> list[tuple[str, str, int, bool]]:
    """(tier, query, count, whether it is chosen); a second press takes the filter off."""
    return [
        (
            tier,
            wanted.with_(tier="" if wanted.tier == tier else tier).address(),
            count,
            wanted.tier == tier,
        )
        for tier, count in counts.tiers.items()
    ]


def _choices(counts: Counts, wanted: Wanted) -> list[Choice]:
    team = {**TEAM_WORDS, **counts.colleagues}
    found = [
        Choice(name, str(label), _options(words, getattr(wanted, name), name != "sort"))
        for name, (label, words) in CHOICE_WORDS.items()
    ]
    found.insert(3, Choice("team", _("Care team"), _options(team, wanted.team, True)))
    return found


def _options(words: Any, chosen: str, with_any: bool) -> list[tuple[str, str, bool]]:
    every = [("", _("Any"), not chosen)] if with_any else []
    return [
        *every,
        *((value, str(said) or value, value == chosen) for value, said in words.items()),
    ]
