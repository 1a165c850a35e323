"""How decisions look. Here: what every page carries."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from patients.permissions import Permission, may
from scoring import selectors

NAVIGATION = (
    ("panel", "Patients", None),
    ("alerts", "Alerts", None),
    ("notices", "Notices", None),
    ("baselines", "Baselines", Permission.MANAGE_BASELINES),
    ("medications", "Medications", Permission.MANAGE_MEDICATIONS),
    ("messages", "Messages", Permission.MANAGE_MESSAGES),
    ("on-call", "On call", None),
    ("runs", "Runs", Permission.SEE_RUNS),
    ("drift", "Drift", Permission.SEE_RUNS),
    ("rules-performance", "Rule performance", None),
    ("models", "Models", None),
    ("rules", "Rules", None),
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
        "navigation": [
            (name, words) for name, words, needed in NAVIGATION if not needed or may(user, needed)
        ],
    }


def _notices() -> list[str]:
    notice = selectors.run_notice(timezone.now())
    return [notice] if notice else []
