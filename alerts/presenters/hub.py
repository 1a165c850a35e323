"""What an administrator should look at now, and where everything of administration is."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from alerts.context_models import ContextConflict
from alerts.outbox import FAILED
from alerts.rule_files import reviews_overdue
from alerts.selectors import messages_visible_to
from patients.freshness import silent, sources
from patients.models import User
from patients.people import people, without_team
from patients.permissions import Permission, may
from patients.presenters import STALE_DAYS
from patients.selectors import patients_visible_to
from scoring.models import Baseline, ModelVersion
from scoring.selectors import model_failures, run_notice

Links = tuple[tuple[str, Promise, Promise, Permission | None], ...]
GROUPS: tuple[tuple[Promise, Links], ...] = (
    (gettext_lazy("Patients and their data"), (
        ("baselines", gettext_lazy("Baselines"),
         gettext_lazy("what is usual for each person: compare, preview, approve"),
         Permission.MANAGE_BASELINES),
        ("medications", gettext_lazy("Medications"),
         gettext_lazy("what each patient takes, and since when"), Permission.MANAGE_MEDICATIONS),
        ("freshness", gettext_lazy("Data freshness"),
         gettext_lazy("every source, the longest without data first"), Permission.RUN_CLINIC),
        ("devices", gettext_lazy("Devices and tokens"),
         gettext_lazy("what records, and what may send"), Permission.RUN_CLINIC),
    )),
    (gettext_lazy("People"), (
        ("people", gettext_lazy("People"),
         gettext_lazy("log-ins, roles, passwords, handing patients over"),
         Permission.MANAGE_PEOPLE),
        ("teams", gettext_lazy("Care teams"),
         gettext_lazy("who sees which patient"), Permission.MANAGE_PEOPLE),
        ("on-call", gettext_lazy("On call"),
         gettext_lazy("who is told when nobody takes an alert on"), None),
    )),
    (gettext_lazy("Alerts and messages"), (
        ("messages", gettext_lazy("Messages to the EHR"),
         gettext_lazy("what arrived, what did not and why, sending again"),
         Permission.MANAGE_MESSAGES),
        ("systems", gettext_lazy("Other systems"),
         gettext_lazy("EHRs that may call, systems that may read, Clarity’s own keys"),
         Permission.MANAGE_SYSTEMS),
        ("context", gettext_lazy("Context from the EHR"),
         gettext_lazy("what was read, what contradicts us, what a code means"),
         Permission.MANAGE_CONTEXT),
        ("rules", gettext_lazy("Rules"),
         gettext_lazy("every number that decides, its source and its review"), None),
        ("rules-performance", gettext_lazy("Rule performance"),
         gettext_lazy("what came of the alerts of each rule"), None),
    )),
    (gettext_lazy("Models and nights"), (
        ("models", gettext_lazy("Models"),
         gettext_lazy("what they are, what they are not for, those in shadow"), None),
        ("runs", gettext_lazy("Nightly runs"),
         gettext_lazy("how far each night is, and why somebody was not scored"),
         Permission.SEE_RUNS),
        ("drift", gettext_lazy("Drift"),
         gettext_lazy("how far data have moved from what the models were made from"),
         Permission.SEE_RUNS),
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Need:
    """Something to look at: how many, of what, and where. ``level``: bad, warn or plain."""

    count: int
    words: str
    address: str
    level: str = "warn"


def groups_for(user: User) -> list[tuple[Promise, list[tuple[str, Promise, Promise]]]]:
    """The pages of administration that the user may open, grouped."""
    return [
        (title, [link[:3] for link in links if link[3] is None or may(user, link[3])])
        for title, links in GROUPS
    ]


def needs(user: User, now: datetime) -> list[Need]:
    """Everything that may ask for somebody, in a fixed order, what is worst first."""
    return [
        _run(now),
        _model_failures(),
        *_messages(user),
        _conflicts(user),
        _silent(user, now),
        _alone(user),
        _proposals(user),
        *_accounts(now),
        _reviews(),
        _shadows(),
    ]


def _run(now: datetime) -> Need:
    late = 1 if run_notice(now) else 0
    words = _("last night’s run did not finish") if late else _("nights that did not finish")
    return Need(late, words, reverse("runs"), "bad")


def _model_failures() -> Need:
    n = sum(model_failures().values())
    words = ngettext(
        "day on which a model failed since the last run began",
        "days on which a model failed since the last run began",
        n,
    )
    return Need(n, words, reverse("runs"), "bad")


def _messages(user: User) -> list[Need]:
    rows, address = messages_visible_to(user), reverse("messages")
    failed = rows.filter(state__in=FAILED).count()
    retrying = rows.filter(Q(state="pending", attempts__gt=0)).count()
    held = rows.filter(state="held").count()
    return [
        Need(
            failed,
            ngettext("message refused or given up", "messages refused or given up", failed),
            f"{address}?state=failed",
            "bad",
        ),
        Need(
            retrying,
            ngettext("message that is tried again", "messages that are tried again", retrying),
            f"{address}?state=retrying",
        ),
        Need(held, ngettext("message held", "messages held", held), f"{address}?state=held"),
    ]


def _conflicts(user: User) -> Need:
    rows = ContextConflict.objects.filter(patient__in=patients_visible_to(user), settled_at=None)
    n = rows.count()
    words = ngettext("contradiction by the EHR", "contradictions by the EHR", n)
    return Need(n, words, reverse("context"))


def _silent(user: User, now: datetime) -> Need:
    n = len(silent(sources(user, now), STALE_DAYS))
    words = ngettext(
        "patient without any data for over %(days)d days",
        "patients without any data for over %(days)d days",
        n,
    )
    return Need(n, words % {"days": STALE_DAYS}, f"{reverse('freshness')}?level=silent")


def _alone(user: User) -> Need:
    n = without_team(patients_visible_to(user)).count()
    words = ngettext(
        "patient without a care team that can log in",
        "patients without a care team that can log in",
        n,
    )
    return Need(n, words, f"{reverse('teams')}?only=nobody", "bad")


def _proposals(user: User) -> Need:
    rows = Baseline.objects.filter(
        patient__in=patients_visible_to(user), state=Baseline.State.PROPOSED
    )
    n = rows.count()
    words = ngettext("baseline proposed, to approve", "baselines proposed, to approve", n)
    return Need(n, words, f"{reverse('baselines')}?only=waiting")


def _accounts(now: datetime) -> list[Need]:
    states, address = Counter(person.state for person in people(now)), reverse("people")
    locked, unused = states["locked"], states["unused"]
    return [
        Need(
            locked,
            ngettext(
                "account locked by wrong passwords", "accounts locked by wrong passwords", locked
            ),
            f"{address}?state=locked",
        ),
        Need(
            unused,
            ngettext("account that nobody uses", "accounts that nobody uses", unused),
            f"{address}?state=unused",
        ),
    ]


def _reviews() -> Need:
    n = reviews_overdue(timezone.localdate())
    words = ngettext("rule past its review date", "rules past their review date", n)
    return Need(n, words, f"{reverse('rules')}?only=overdue")


def _shadows() -> Need:
    n = ModelVersion.objects.filter(state=ModelVersion.State.SHADOW).count()
    words = ngettext("model in shadow, to compare", "models in shadow, to compare", n)
    return Need(n, words, reverse("models"), "plain")
