"""How alerts look. Here: what every page carries."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from alerts.connection import SAID_AFTER, ehr
from alerts.mail import notices_of
from alerts.models import EhrConnection
from clarity_site.languages import zone_of
from patients.models import User
from patients.templatetags.clarity import moment


def unseen_notices(request: HttpRequest) -> dict[str, Any]:
    """How many notices the user has not looked at, and since when the EHR gets nothing.

    Lazy, for pages that have no navigation, and one question to the database for both.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    found = SimpleLazyObject(lambda: _asked(user))
    return {
        "unseen_notices": SimpleLazyObject(lambda: found["unseen"]),
        "delivery_failing": SimpleLazyObject(lambda: _failing(found["failing_since"], user)),
    }


def _asked(user: User) -> dict[str, Any]:
    rows = notices_of(user).filter(seen_at=None).prefetch_related(None).order_by()
    unseen = rows.values("user").annotate(n=Count("pk")).values("n")
    asked = EhrConnection.objects.annotate(unseen=Coalesce(Subquery(unseen), 0))
    found = asked.values_list("unseen", "failures", "failing_since").first()
    if found is None:
        ehr()
        return _asked(user)
    unseen_now, failures, since = found
    return {"unseen": unseen_now, "failing_since": since if failures >= SAID_AFTER else None}


def _failing(since: datetime | None, user: User) -> str:
    """A sentence for the top of every page; nothing while messages arrive."""
    if since is None:
        return ""
    words = _(
        "Delivery to the EHR has been failing since %(at)s: what is new stands here, not there."
    )
    return words % {"at": moment(since, zone_of(user))}
