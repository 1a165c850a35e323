"""How decisions look. Here: what every page carries."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from patients.models import User
from patients.permissions import Permission, may
from scoring import selectors

Link = tuple[str, Promise, Permission | None]  # address, words, who may
# What is opened every day comes first; the rest is one press away.
FIRST = (
    ("panel", _("Patients"), None),
    ("today", _("Today"), None),
    ("alerts", _("Alerts"), None),
    ("notices", _("Notices"), None),
    ("clinic", _("Clinic"), Permission.RUN_CLINIC),
)
MORE = (
    ("baselines", _("Baselines"), Permission.MANAGE_BASELINES),
    ("medications", _("Medications"), Permission.MANAGE_MEDICATIONS),
    ("people", _("People"), Permission.MANAGE_PEOPLE),
    ("ehr-accounts", _("EHR accounts"), Permission.MANAGE_PEOPLE),
    ("devices", _("Devices"), Permission.RUN_CLINIC),
    ("freshness", _("Freshness"), Permission.RUN_CLINIC),
    ("messages", _("Messages"), Permission.MANAGE_MESSAGES),
    ("context", _("Context"), Permission.MANAGE_CONTEXT),
    ("on-call", _("On call"), None),
    ("runs", _("Runs"), Permission.SEE_RUNS),
    ("drift", _("Drift"), Permission.SEE_RUNS),
    ("rules-performance", _("Rule performance"), None),
    ("models", _("Models"), None),
    ("rules", _("Rules"), None),
)


def page_notices(request: HttpRequest) -> dict[str, Any]:
    """What every page says: notices, the research-use banner, navigation by role.

    Lazy, so that an error page asks the database nothing.
    """
    user = getattr(request, "user", None)
    base = {"version": settings.VERSION, "notices": [], "research_use": False}
    if user is None or not user.is_authenticated:
        return base
    return base | {
        "notices": SimpleLazyObject(_notices),
        "research_use": SimpleLazyObject(selectors.research_use),
        "navigation": {"first": _allowed(user, FIRST), "more": _allowed(user, MORE)},
    }


def _allowed(user: User, links: Sequence[Link]) -> list[tuple[str, Promise]]:
    return [(name, words) for name, words, needed in links if not needed or may(user, needed)]


def _notices() -> list[str]:
    notice = selectors.run_notice(timezone.now())
    return [notice] if notice else []
