"""The same message as a FHIR R4 Communication, for an EHR that takes no CommunicationRequest.

The shape is the narrowest that is published: Oracle Health's POST Communication takes category
notification or reminder, priority routine or urgent, a base64 text/plain attachment in place of
``contentString``, and Practitioners or Groups as recipients; Epic's takes the same.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from alerts.fhir.capability import COMMUNICATION
from alerts.fhir.codes import RECIPIENT_TYPES
from alerts.fhir.modelled import InvalidResource, modelled
from alerts.fhir.resources import is_recipient

RECIPIENTS = ("Practitioner/", "Group/")
NO_RECIPIENT = "recipient must be a Practitioner or a Group: set EHR_RECIPIENT."


def communication(request: Mapping[str, Any]) -> dict[str, Any]:
    """A CommunicationRequest of ours as a Communication. Raises InvalidResource.

    What the request says in its note goes to the end of the text: a note may not be kept.
    """
    notes = [it["text"] for it in request.get("note", ())]
    text = "\n".join([*(it["contentString"] for it in request["payload"]), *notes])
    to = [it for it in request.get("recipient", ()) if it["reference"].startswith(RECIPIENTS)]
    if not to:
        raise InvalidResource(NO_RECIPIENT)
    return modelled(
        {
            "resourceType": "Communication",
            "identifier": request["identifier"],
            "status": "completed",
            "category": request["category"],
            "priority": "urgent" if request.get("priority") == "urgent" else "routine",
            "subject": request["subject"],
            "recipient": to,
            "sent": request["authoredOn"],
            "payload": [
                {
                    "contentAttachment": {
                        "contentType": "text/plain",
                        "data": b64encode(text.encode()).decode("ascii"),
                    }
                }
            ],
        }
    )


def recipient_trouble(recipient: str, way: str) -> str:
    """What keeps messages from going that way to that recipient; empty where nothing does.

    >>> recipient_trouble("CareTeam/1", "Communication")
    'recipient must be a Practitioner or a Group: set EHR_RECIPIENT.'
    """
    if recipient and not is_recipient(recipient):
        return f"EHR_RECIPIENT must be one of {', '.join(RECIPIENT_TYPES)}, a slash and its id."
    if way == COMMUNICATION and not recipient.startswith(RECIPIENTS):
        return NO_RECIPIENT
    return ""
