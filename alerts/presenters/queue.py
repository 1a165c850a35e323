"""The queue: tabs with counts, filters, groups by patient, why it is empty, what others did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from alerts.models import Alert, AlertKind, AlertTransition
from alerts.presenters.cards import AlertCard, transition_words
from alerts.presenters.words import when
from alerts.queue import MINE, NOBODY, TEAM, place_of, queue_order
from alerts.resources import triage_rules
from alerts.selectors import alerts_raised_lately
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.presenters import zone_now
from scoring.models import Tier

EVERY, CLOSED = "", "closed"
TABS: tuple[tuple[str, Promise], ...] = (
    (EVERY, _("All open")),
    (MINE, _("Mine")),
    (TEAM, _("My team’s")),
    (NOBODY, _("Nobody’s")),
    (CLOSED, _("Closed lately")),
)
TIERS = (Tier.HIGH, Tier.MODERATE, Tier.INDETERMINATE)
TABS_LABEL = _("Whose alerts")
PATIENTS_A_PAGE = 20
CHANGES_SHOWN = 12


@dataclass(frozen=True)
class Asked:
    """What is looked for; each empty for everything."""

    tab: str = EVERY
    kind: str = ""
    tier: str = ""
    code: str = ""
    page: int = 1

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Asked":
        """Of an address; what means nothing is left out."""
        page = given.get("page", "")
        return cls(
            tab=given.get("tab", "") if given.get("tab") in dict(TABS) else EVERY,
            kind=given.get("kind", "") if given.get("kind") in AlertKind.values else "",
            tier=given.get("tier", "") if given.get("tier") in TIERS else "",
            code=given.get("code", "").strip()[:40],
            page=max(int(page), 1) if page.isdecimal() and len(page) < 6 else 1,
        )

    @property
    def is_narrow(self) -> bool:
        """Whether something is filtered out."""
        return bool(self.kind or self.tier or self.code)

    def address(self, **other: Any) -> str:
        """The query of the same page with something else."""
        values = vars(replace(self, **{"page": 1, **other}))
        return "?" + urlencode({k: v for k, v in values.items() if v and (k, v) != ("page", 1)})

    def takes(self, alert: Alert) -> bool:
        """Whether the filter lets the alert through."""
        return (
            (not self.kind or alert.kind == self.kind)
            and (not self.tier or alert.tier == self.tier)
            and self.code.lower() in alert.patient.code.lower()
        )


@dataclass(frozen=True)
class Tab:
    """One of the places, with how many alerts are in it under the filter."""

    words: Promise
    address: str
    count: int | None
    is_shown: bool


@dataclass(frozen=True)
class Group:
    """One patient's alerts, the most urgent first."""

    patient: Patient
    cards: list[AlertCard]


def sorted_alerts(alerts: Sequence[Alert], user: User, asked: Asked) -> dict[str, list[Alert]]:
    """The open alerts that the filter lets through, by tab, in the order of the queue."""
    kept = sorted((a for a in alerts if asked.takes(a)), key=queue_order)
    found: dict[str, list[Alert]] = {EVERY: kept, MINE: [], TEAM: [], NOBODY: []}
    for alert in kept:
        found[place_of(alert, user)].append(alert)
    return found


def tabs(found: Mapping[str, Sequence[Alert]], asked: Asked) -> list[Tab]:
    """Every tab; how many were closed is only counted where they are shown."""
    return [
        Tab(
            words,
            asked.address(tab=name),
            len(found[name]) if name in found else None,
            name == asked.tab,
        )
        for name, words in TABS
    ]


def by_patient(alerts: Sequence[Alert]) -> list[list[Alert]]:
    """Alerts in their order, those of one patient together where the first of them stands."""
    first: dict[int, int] = {}
    for place, alert in enumerate(alerts):
        first.setdefault(alert.patient_id, place)
    ordered = sorted(alerts, key=lambda alert: first[alert.patient_id])
    return [list(rows) for _key, rows in groupby(ordered, key=lambda alert: alert.patient_id)]


def groups(cards: Sequence[AlertCard]) -> list[Group]:
    """The cards by patient."""
    by_key = {card.alert.pk: card for card in cards}
    return [
        Group(rows[0].patient, [by_key[alert.pk] for alert in rows])
        for rows in by_patient([card.alert for card in cards])
    ]


def empty_words(
    found: Mapping[str, Sequence[Alert]], unfiltered: int, asked: Asked, patients: int
) -> str:
    """Why the list is empty, and where to look instead."""
    if not patients:
        return gettext(
            "No patient is in your care yet, so no alert can reach you. An administrator adds you "
            "to care teams."
        )
    if asked.is_narrow:
        return (
            ngettext(
                "The one open alert does not match the filter.",
                "None of the %(n)d open alerts matches the filter and the tab.",
                unfiltered,
            )
            % {"n": unfiltered}
            if unfiltered
            else gettext("No alert of your patients is open.")
        )
    if asked.tab == MINE:
        return gettext("You hold no alert, and none waits for you in particular.")
    if asked.tab == TEAM:
        return gettext("None of your colleagues holds an alert of your patients.")
    if asked.tab == NOBODY and found[EVERY]:
        return gettext("Somebody has taken on every open alert.")
    return ngettext(
        "No alert of your patient is open: nothing waits for anybody.",
        "No alert of your %(n)d patients is open: nothing waits for anybody.",
        patients,
    ) % {"n": patients}


@dataclass(frozen=True)
class ChangeLine:
    """What somebody else did about an alert."""

    patient: Patient
    at: SafeString
    words: str


def change_lines(
    changes: Sequence[AlertTransition], names: Mapping[str, str], now: datetime
) -> list[ChangeLine]:
    """The newest changes in words."""
    return [
        ChangeLine(
            change.alert.patient,
            when(change.at, zone_now(change.alert.patient), now),
            gettext("%(kind)s: %(what)s by %(who)s")
            % {
                "kind": change.alert.get_kind_display(),
                "what": transition_words(change).lower(),
                "who": names.get(change.actor, change.actor),
            },
        )
        for change in changes[:CHANGES_SHOWN]
    ]


def budget_words(user: User) -> str:
    """A warning where more alerts came in a week than somebody can look at; else empty."""
    if not may(user, Permission.ACT_ON_ALERTS):
        return ""
    seen, most = alerts_raised_lately(user), triage_rules().alerts_a_week
    if seen <= most:
        return ""
    return gettext(
        "%(seen)d alerts of your patients in seven days, more than the %(most)d that a clinician "
        "is meant to get. High ones come first; an administrator can look at which rules raise "
        "most."
    ) % {"seen": seen, "most": most}
