"""What an EHR's answer means: delivered, to be tried again, or refused.

Neither failure carries a token, a text of the message, or the text of a library's exception.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

MAX_OUTCOME_CHARS = 300
MAX_RETRY_AFTER_S = 24 * 3600.0

# What a server says that did not take the request at all: of another 5xx nobody knows.
_NOT_TAKEN = (401, 408, 429, 501, 503)
# What a server says that has no such search, or lets nobody use it.
_NO_SEARCH = (400, 403, 404, 405, 501)


Names = Mapping[str, str]
"""What names a resource: an identifier's system and value, or the reference of a target."""


@dataclass(frozen=True)
class Delivered:
    """The EHR has the message. `id` and `location` are None where it did not say them."""

    id: str | None
    location: str | None
    duplicate: bool


class TemporaryFailure(Exception):
    """The same request may succeed later; not before `retry_after_s` seconds where given.

    `may_have_arrived`: the EHR may have done what was asked, and only its answer is missing.
    """

    def __init__(
        self, reason: str, retry_after_s: float | None = None, *, may_have_arrived: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.may_have_arrived = may_have_arrived


class NotSearchable(Exception):
    """The server cannot be asked for a resource by what names it."""


class Refused(Exception):
    """The EHR will not take this request. `outcome_text`: what its OperationOutcome says.

    `may_have_arrived` as above: what was refused may be a question that followed.
    """

    def __init__(
        self,
        reason: str,
        outcome_text: str = "",
        status: int | None = None,
        *,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_arrived = may_have_arrived
        self.outcome_text = outcome_text
        self.status = status


def raise_for_failure(response: requests.Response, sent: Mapping[str, Any]) -> None:
    """Raise TemporaryFailure for 401, 408, 429 and 5xx, Refused for all else that is not 2xx.

    A 401 here is one that a fresh token did not end: somebody has to look at the credentials, and
    the message is none the worse for it.
    `sent` is the resource of the request: a server may quote it, and no quote is passed on.
    """
    status = response.status_code
    if status == 401:
        raise TemporaryFailure("The EHR did not accept Clarity's token (401).")
    if status in (408, 429) or status >= 500:
        raise TemporaryFailure(
            f"The EHR answered {status}.",
            _retry_after_s(response),
            may_have_arrived=status not in _NOT_TAKEN,
        )
    if status >= 400:
        text = outcome_text(json_object(response), sent)
        raise Refused(f"The EHR refused the message ({status}).", text, status)
    if not 200 <= status < 300:
        raise Refused(f"The EHR answered {status}: redirects are not followed.", "", status)


def delivered(response: requests.Response, kind: str, *, duplicate: bool) -> Delivered:
    """The id read from the Location header or from the resource in the answer."""
    location = response.headers.get("Location")
    named = re.search(rf"{kind}/([A-Za-z0-9\-.]{{1,64}})(?:/|$)", location or "")
    if named:
        return Delivered(named.group(1), location, duplicate)
    body = json_object(response)
    known_as = body.get("id") if body.get("resourceType") == kind else None
    return Delivered(known_as, location, duplicate)


def found_id(response: requests.Response, kind: str, names: Names) -> str | None:
    """The id of the resource so named in the answer to a search, if any.

    Raises NotSearchable, and TemporaryFailure when the answer is no FHIR Bundle.
    """
    if response.status_code in _NO_SEARCH:
        raise NotSearchable
    raise_for_failure(response, {})
    bundle = json_object(response)
    if bundle.get("resourceType") != "Bundle":
        raise TemporaryFailure("The EHR answered a search with something else than FHIR.")
    for entry in _objects(bundle, "entry"):
        resource = entry.get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") != kind:
            continue
        # A server that ignores the search parameter lists every message.
        if is_named(resource, names):
            return str(resource.get("id"))
    return None


def is_named(resource: Mapping[str, Any], names: Names) -> bool:
    """Whether this is among what names the resource."""
    return any(names.items() <= it.items() for it in _objects(resource, names_in(names)))


def names_in(names: Names) -> str:
    """The element that holds what names it: an identifier, or a Provenance's target."""
    return "target" if "reference" in names else "identifier"


def json_object(response: requests.Response) -> dict[str, Any]:
    """The body as a JSON object; empty when it is something else."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _objects(parent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = parent.get(name)
    return [it for it in values if isinstance(it, dict)] if isinstance(values, list) else []


def _retry_after_s(response: requests.Response) -> float | None:
    """Retry-After as seconds from now, from 0 to a day; None when absent or unreadable."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def outcome_text(outcome: Mapping[str, Any], sent: Mapping[str, Any]) -> str:
    """What the issues of an OperationOutcome say, cut short, without any line we sent."""
    text = "; ".join(filter(None, map(_issue_text, _objects(outcome, "issue"))))
    for part in _objects(sent, "payload"):
        for line in filter(str.strip, _said(part).splitlines()):
            text = text.replace(line.strip(), "[message]")
    return text[:MAX_OUTCOME_CHARS]


def _said(payload: Mapping[str, Any]) -> str:
    """What a payload says, plain and as it is sent."""
    data = payload.get("contentAttachment", {}).get("data", "")
    plain = b64decode(data).decode(errors="replace") if data else ""
    return "\n".join((payload.get("contentString", ""), data, plain))


def _issue_text(issue: Mapping[str, Any]) -> str:
    details = issue.get("details")
    where = issue.get("expression") or issue.get("location")
    said = [
        issue.get("diagnostics"),
        details.get("text") if isinstance(details, dict) else None,
        ", ".join(map(str, where)) if isinstance(where, list) else None,
    ]
    return " - ".join(str(it) for it in said if it) or str(issue.get("code", ""))
