"""An alert as a FHIR R4 CommunicationRequest, built with fhirclient's models.

It holds the Observations of both tracks that it refers to, so it is whole wherever it is read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from alerts.fhir.codes import (
    ALERT_SYSTEM,
    CATEGORY,
    CATEGORY_SYSTEM,
    GROUP_SYSTEM,
    PRIORITY_OF_TIER,
    RECIPIENT_TYPES,
    TRACKS,
    clarity_device,
)
from alerts.fhir.modelled import InvalidResource, modelled
from scoring.domain.output import RESEARCH_USE

MAX_PAYLOAD_CHARS = 4000

_ID = r"[A-Za-z0-9\-.]{1,64}"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PATIENT = re.compile(rf"Patient/{_ID}")
_RECIPIENT = re.compile(rf"(?:{'|'.join(RECIPIENT_TYPES)})/{_ID}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, kw_only=True)
class AlertMessage:
    """What an alert tells the EHR; texts are worded by the caller, times are aware.

    `identifier` is the message's UUID, `group` the alert's; the references are those of the EHR
    ("Patient/…"); the follow-up window takes days or times; `note` names the model version;
    `observations` are of both tracks, to be contained.
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
    group: str = ""
    observations: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    research_use: bool = True
    research_notice: str = RESEARCH_USE  # in the language of the lines


def communication_request(message: AlertMessage) -> dict[str, Any]:
    """The message as the JSON of an R4 CommunicationRequest. Raises InvalidResource."""
    _check(message)
    clarity = clarity_device()
    content = {
        "resourceType": "CommunicationRequest",
        "contained": list(message.observations) or None,
        "identifier": [{"system": ALERT_SYSTEM, "value": message.identifier}],
        "groupIdentifier": (
            {"system": GROUP_SYSTEM, "value": message.group} if message.group else None
        ),
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
        "reasonReference": ([{"reference": f"#{it['id']}"} for it in message.observations] or None),
        "payload": [{"contentString": _payload(message)}],
        "note": [{"text": message.note}] if message.note else None,
    }
    return modelled(content)


def _check(message: AlertMessage) -> None:
    if message.tier not in PRIORITY_OF_TIER:
        raise InvalidResource("tier must be High or Moderate: other days send no message.")
    if message.track not in TRACKS:
        raise InvalidResource(f"track must be one of: {', '.join(TRACKS)}.")
    if not _PATIENT.fullmatch(message.patient_reference):
        raise InvalidResource("patient_reference must be Patient/ and the id in the EHR.")
    if not all(map(is_recipient, message.recipient_references)):
        raise InvalidResource(f"recipient_references must be of: {', '.join(RECIPIENT_TYPES)}.")
    _check_identifier(message.identifier)


def is_recipient(reference: str) -> bool:
    """Whether it is a type that can be told, a slash and an id."""
    return _RECIPIENT.fullmatch(reference) is not None


def _check_identifier(identifier: str) -> None:
    """Raise InvalidResource unless it is a UUID: it travels in a header and in a URL."""
    if not _UUID.fullmatch(identifier):
        raise InvalidResource("identifier must be the UUID of the alert, in lower case.")


def _payload(message: AlertMessage) -> str:
    text = "\n".join(message.lines).strip()
    if not text:
        raise InvalidResource("lines must hold a text.")
    if message.research_use and not text.startswith(message.research_notice):
        text = f"{message.research_notice}\n{text}"
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
