"""The connection to the EHR: what it takes, whether it answers, and how fast it may be asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from alerts.ehr_tokens import token_source
from alerts.fhir.answers import Refused, TemporaryFailure
from alerts.fhir.capability import FOLDER, REQUEST, NotFhir, capability, choose
from alerts.fhir.client import EhrClient, Tokens
from alerts.fhir.fetching import Unreadable, json_at
from alerts.fhir.transport import Bearer, is_loopback
from alerts.models import EhrConnection
from clarity_site.logs import log
from patients.models import User
from patients.services import audit_record

NO_EHR = "No EHR is connected: set EHR_BASE_URL."
NO_FOLDER = "Messages go as files in a folder, but EHR_FOLDER is not set."
NO_WAY = "The EHR takes no message: set EHR_FOLDER, or choose another way."
DELIVERY_OFF = "Delivery beyond this machine is off: an administrator can turn it on."
READ_AGAIN_AFTER = timedelta(days=1)
RESTS_AFTER = 5  # failures in a row
REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=15)
SAID_AFTER = 3  # failures in a row, before a page says that delivery fails


def ehr() -> EhrConnection:
    """The one connection, as it stands."""
    return EhrConnection.objects.get_or_create(pk=1)[0]


def held_reason(connection: EhrConnection) -> str | None:
    """Why nothing may be sent now, or None."""
    url = settings.EHR_BASE_URL
    if not url and not settings.EHR_FOLDER:
        return NO_EHR
    if not connection.deliver_beyond_this_machine and not (url and is_loopback(url)):
        return DELIVERY_OFF
    if connection.way == FOLDER and not settings.EHR_FOLDER:
        return NO_FOLDER
    read = connection.read_at is not None and connection.base_url == url
    return NO_WAY if read and not connection.way else None


@contextmanager
def ehr_client() -> Iterator[EhrClient]:
    """A client that keeps to the rate limit, with the token that is configured."""
    url, tokens = settings.EHR_BASE_URL, configured_tokens()
    with EhrClient(url, tokens=tokens, before_each=_wait_for_turn) as client:
        yield client


def configured_tokens() -> Tokens | None:
    """Clarity's own by SMART Backend Services, else those of a file, else none."""
    path = settings.EHR_TOKEN_FILE
    return token_source() or (FileToken(Path(path)) if path else None)


class FileToken:
    """A bearer token that something else keeps fresh in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def token(self) -> str:
        """What the file holds now. Raises TemporaryFailure where that is no token."""
        try:
            found = self.path.read_text().strip()
            Bearer(found)
        except OSError:
            raise TemporaryFailure("EHR_TOKEN_FILE cannot be read.") from None
        except ValueError:  # a half-written file is one that is read again
            raise TemporaryFailure("EHR_TOKEN_FILE holds no token.") from None
        return found

    renew = token


def capability_current(client: EhrClient, now: datetime) -> EhrConnection:
    """The connection with what the EHR takes, read where it is not known or a day old.

    Where an old reading cannot be renewed it goes on. Raises TemporaryFailure and Refused.
    """
    found = ehr()
    known = found.read_at is not None and found.base_url == settings.EHR_BASE_URL
    if known and found.read_at and now - found.read_at < READ_AGAIN_AFTER:
        return found
    try:
        return capability_read(client=client, now=now)
    except (TemporaryFailure, Refused):
        if known or found.override:
            return found
        raise


def capability_read(*, client: EhrClient, now: datetime, by: User | None = None) -> EhrConnection:
    """Ask the EHR what it takes and choose the way. Raises TemporaryFailure and Refused."""
    try:
        found = capability(client.read("metadata"))
    except NotFhir as error:
        raise Refused(str(error)) from None
    choice = choose(found, settings.EHR_FOLDER)
    way = ehr().override or choice.target or REQUEST
    EhrConnection.objects.filter(pk=ehr().pk).update(
        base_url=settings.EHR_BASE_URL, read_at=now, software=found.software,
        target=choice.target, why=choice.why, results=list(found.results),
        searchable=way in found.by_identifier, smart=_smart(settings.EHR_BASE_URL),
        updates=found.takes(REQUEST, "update"),
    )  # fmt: skip
    if by is not None:
        audit_record(by=by, action="EHR's capability read", target=choice.target)
    log.info("ehr's capability read", extra={"target": choice.target or "none"})
    return ehr()


def _smart(base_url: str) -> dict[str, object]:
    """Where the EHR's tokens are from and how one asks for them; empty where it does not say."""
    try:
        told = json_at(f"{base_url.rstrip('/')}/.well-known/smart-configuration")
    except Unreadable:
        return {}
    algorithms = told.get("token_endpoint_auth_signing_alg_values_supported")
    return {
        "token_endpoint": str(told.get("token_endpoint") or "")[:300],
        "algorithms": [str(it)[:20] for it in algorithms] if isinstance(algorithms, list) else [],
    }


@transaction.atomic
def way_set(*, way: str, by: User) -> None:
    """Send by that way whatever the EHR says; empty: by the way that was chosen.

    The EHR is asked again before it is used. Raises ValueError for a way there is not.
    """
    if way and way not in EhrConnection.Target.values:
        raise ValueError("There is no such way.")
    if way == FOLDER and not settings.EHR_FOLDER:
        raise ValueError(NO_FOLDER)
    EhrConnection.objects.filter(pk=ehr().pk).update(override=way, read_at=None)
    audit_record(by=by, action="way to the EHR", way=way or "as chosen")


@transaction.atomic
def delivery_set(*, on: bool, by: User) -> None:
    """Turn delivery beyond this machine on or off."""
    found = EhrConnection.objects.select_for_update().get(pk=ehr().pk)
    found.deliver_beyond_this_machine = on
    found.changed_by, found.changed_at = by.username, timezone.now()
    found.save(update_fields=["deliver_beyond_this_machine", "changed_by", "changed_at"])
    audit_record(by=by, action="delivery beyond this machine", on=on)


def is_resting(connection: EhrConnection, now: datetime) -> bool:
    """Whether the EHR is left alone: it asked for it, or it failed several times in a row."""
    return connection.rest_until is not None and now < connection.rest_until


def answered() -> None:
    """The EHR works. Writes only where it had failed; a rest that it asked for goes on."""
    EhrConnection.objects.filter(failures__gt=0).update(
        failures=0, failing_since=None, last_failure=""
    )


def failed(reason: str, now: datetime, retry_after_s: float | None = None) -> None:
    """Count a failure; after several in a row, or when the EHR asks for it, let it rest."""
    rows = EhrConnection.objects.filter(pk=ehr().pk)
    rows.update(
        failures=F("failures") + 1,
        failing_since=Coalesce("failing_since", now),
        last_failure=reason[:300],
    )
    in_a_row = rows.values_list("failures", flat=True)[0]
    rest = timedelta(seconds=retry_after_s or 0)
    if in_a_row >= RESTS_AFTER:
        rest = max(rest, min(REST * 2 ** min(in_a_row - RESTS_AFTER, 10), LONGEST_REST))
    if rest:
        rows.update(rest_until=Greatest("rest_until", Value(now + rest)))


def failing_since(connection: EhrConnection) -> datetime | None:
    """Since when delivery fails, once it is more than a stumble."""
    return connection.failing_since if connection.failures >= SAID_AFTER else None


def _wait_for_turn() -> None:
    """Take the next place of the rate limit, which all workers share, and wait for it."""
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE alerts_ehrconnection SET next_request_at = greatest(next_request_at,"
            " clock_timestamp()) + make_interval(secs => %s) WHERE id = 1"
            " RETURNING extract(epoch FROM next_request_at - clock_timestamp())",
            [1 / settings.EHR_REQUESTS_PER_SECOND],
        )
        row = cursor.fetchone()
    ahead_s = float(row[0]) - 1 / settings.EHR_REQUESTS_PER_SECOND if row else 0.0
    if ahead_s > 0:
        time.sleep(ahead_s)
