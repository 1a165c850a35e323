"""An alert as a FHIR R4 CommunicationRequest, built with fhirclient's models.

fhirclient checks names, types and cardinality, but no required code binding:
`check_required_codes` does, and nothing is sent without it.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fhirclient.models.communicationrequest import CommunicationRequest
from fhirclient.models.fhirabstractbase import FHIRValidationError

from alerts.fhir.codes import (
    ALERT_SYSTEM,
    CATEGORY,
    CATEGORY_SYSTEM,
    IDENTIFIER_USE,
    PRIORITY_OF_TIER,
    RECIPIENT_TYPES,
    REQUEST_PRIORITY,
    REQUEST_STATUS,
    SOFTWARE_NAME,
    SOFTWARE_SYSTEM,
    TRACKS,
)
from scoring.domain.output import RESEARCH_USE

MAX_PAYLOAD_CHARS = 4000

_ID = r"[A-Za-z0-9\-.]{1,64}"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PATIENT = re.compile(rf"Patient/{_ID}")
_RECIPIENT = re.compile(rf"(?:{'|'.join(RECIPIENT_TYPES)})/{_ID}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class InvalidResource(ValueError):
    """The message cannot become a valid resource. Says which element, never a text of it."""


@dataclass(frozen=True, kw_only=True)
class AlertMessage:
    """What an alert tells the EHR; texts are worded by the caller, times are aware.

    `identifier` is the alert's UUID; the references are those of the EHR ("Patient/…");
    the follow-up window takes days or times; `note` names the model version.
    """

    identifier: str
    patient_reference: str
    tier: str
    track: str
    authored_on: datetime
    follow_up_start: date
    follow_up_end: date
    lines: tuple[str, ...] = field(repr=False)
    note: str
    recipient_references: tuple[str, ...] = ()
    status: str = "active"
    research_use: bool = True
    research_notice: str = RESEARCH_USE  # in the language of the lines


def communication_request(message: AlertMessage) -> dict[str, Any]:
    """The message as the JSON of an R4 CommunicationRequest. Raises InvalidResource."""
    _check(message)
    clarity = {
        "type": "Device",
        "identifier": {"system": SOFTWARE_SYSTEM, "value": SOFTWARE_NAME.lower()},
        "display": SOFTWARE_NAME,
    }
    content = {
        "resourceType": "CommunicationRequest",
        "identifier": [{"system": ALERT_SYSTEM, "value": message.identifier}],
        "status": message.status,
        "category": [{"coding": [{"system": CATEGORY_SYSTEM, "code": CATEGORY}]}],
        "priority": PRIORITY_OF_TIER[message.tier],
        "subject": {"reference": message.patient_reference},
        "occurrencePeriod": {
            "start": _time(message.follow_up_start, "follow_up_start"),
            "end": _time(message.follow_up_end, "follow_up_end"),
        },
        "authoredOn": _time(message.authored_on, "authored_on"),
        "requester": clarity,
        "recipient": [{"reference": it} for it in message.recipient_references] or None,
        "sender": clarity,
        "reasonCode": [{"text": f"Risk indicator: {message.track}"}],
        "payload": [{"contentString": _payload(message)}],
        "note": [{"text": message.note}] if message.note else None,
    }
    resource = _modelled(content)
    check_required_codes(resource)
    return resource


def check_required_codes(resource: dict[str, Any]) -> None:
    """Check the elements of a CommunicationRequest whose codes R4 binds as required.

    Raises InvalidResource naming the element. Source: hl7.org/fhir/R4/communicationrequest.
    """
    if resource.get("resourceType") != "CommunicationRequest":
        raise InvalidResource("resourceType must be CommunicationRequest.")
    _check_code("status", resource.get("status"), REQUEST_STATUS)
    _check_code("priority", resource.get("priority", "routine"), REQUEST_PRIORITY)
    for identifier in resource.get("identifier", []):
        _check_code("identifier.use", identifier.get("use", "usual"), IDENTIFIER_USE)


def _check_code(element: str, code: object, allowed: frozenset[str]) -> None:
    if code not in allowed:
        raise InvalidResource(f"{element} must be one of: {', '.join(sorted(allowed))}.")


def _check(message: AlertMessage) -> None:
    if message.tier not in PRIORITY_OF_TIER:
        raise InvalidResource("tier must be High or Moderate: other days send no message.")
    if message.track not in TRACKS:
        raise InvalidResource(f"track must be one of: {', '.join(TRACKS)}.")
    if not _PATIENT.fullmatch(message.patient_reference):
        raise InvalidResource("patient_reference must be Patient/ and the id in the EHR.")
    if not all(_RECIPIENT.fullmatch(it) for it in message.recipient_references):
        raise InvalidResource(f"recipient_references must be of: {', '.join(RECIPIENT_TYPES)}.")
    check_identifier(message.identifier)


def check_identifier(identifier: str) -> None:
    """Raise InvalidResource unless it is a UUID: it travels in a header and in a URL."""
    if not _UUID.fullmatch(identifier):
        raise InvalidResource("identifier must be the UUID of the alert, in lower case.")


def _payload(message: AlertMessage) -> str:
    text = "\n".join(message.lines).strip()
    if not text:
        raise InvalidResource("lines must hold a text.")
    if message.research_use and not text.startswith(message.research_notice):
        text = f"{RESEARCH_USE}\n{text}"
    if len(text) > MAX_PAYLOAD_CHARS or _CONTROL.search(text):
        raise InvalidResource(
            f"lines must have up to {MAX_PAYLOAD_CHARS} characters and no control character."
        )
    return text


def _time(value: date, name: str) -> str:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InvalidResource(f"{name} must have a UTC offset.")
        return value.isoformat(timespec="seconds")
    return value.isoformat()


def _modelled(content: dict[str, Any]) -> dict[str, Any]:
    """The content read and written by fhirclient, which drops what is None.

    Its error texts can hold values, so only the paths of its errors are passed on.
    """
    try:
        resource: dict[str, Any] = CommunicationRequest(content).as_json()
    except FHIRValidationError as error:
        paths = sorted({getattr(it, "path", None) or "resource" for it in error.errors})
        raise InvalidResource(f"fhirclient refuses: {', '.join(paths)}.") from None
    return resource
