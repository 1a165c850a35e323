"""How alerts look. Here: what every page carries."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from alerts.mail import notices_of
from patients.models import User


def unseen_notices(request: HttpRequest) -> dict[str, Any]:
    """How many notices the user has not looked at; lazy, for pages that have no navigation."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {
        "unseen_notices": SimpleLazyObject(lambda: notices_of(user).filter(seen_at=None).count())
    }
