from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from alerts.fhir.modelled import InvalidResource, check_required_codes
from alerts.fhir.resources import RESEARCH_USE, communication_request
from tests.alerts.fhir.messages import TEXT, alert_message


def test_a_message_becomes_an_r4_communication_request() -> None:
    message = alert_message()
    clarity = {
        "type": "Device",
        "identifier": {"system": "urn:clarity:software", "value": "clarity"},
        "display": "Clarity",
    }
    assert communication_request(message) == {
        "resourceType": "CommunicationRequest",
        "identifier": [{"system": "urn:clarity:alert", "value": message.identifier}],
        "status": "active",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/communication-category",
                        "code": "notification",
                    }
                ]
            }
        ],
        "priority": "urgent",
        "subject": {"reference": "Patient/p-17"},
        "occurrencePeriod": {"start": "2026-11-20", "end": "2026-11-21"},
        "authoredOn": "2026-11-20T06:30:00+00:00",
        "requester": clarity,
        "recipient": [{"reference": "Practitioner/dr-1"}, {"reference": "CareTeam/team-2"}],
        "sender": clarity,
        "reasonCode": [{"text": "Risk indicator: mania"}],
        "payload": [{"contentString": f"{RESEARCH_USE}\n{TEXT}\nSleep 3.2 h, usually 7.1 h."}],
        "note": [{"text": "Model boosted-me 0.1 (simulated)"}],
    }


def test_a_message_without_recipient_and_note_has_no_empty_element() -> None:
    resource = communication_request(alert_message(recipient_references=(), note=""))
    assert not {"recipient", "note"} & resource.keys()


@pytest.mark.parametrize(("tier", "priority"), [("High", "urgent"), ("Moderate", "routine")])
def test_priority_follows_the_tier(tier: str, priority: str) -> None:
    assert communication_request(alert_message(tier=tier))["priority"] == priority


@pytest.mark.parametrize(
    ("lines", "research_use", "text"),
    [
        (("a",), True, f"{RESEARCH_USE}\na"),
        ((RESEARCH_USE, "a"), True, f"{RESEARCH_USE}\na"),
        (("a", RESEARCH_USE), True, f"{RESEARCH_USE}\na\n{RESEARCH_USE}"),
        (("a",), False, "a"),
    ],
)
def test_text_begins_with_the_research_label_once(
    lines: tuple[str, ...], research_use: bool, text: str
) -> None:
    resource = communication_request(alert_message(lines=lines, research_use=research_use))
    assert resource["payload"] == [{"contentString": text}]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tier": "Low"}, "tier"),
        ({"tier": "Indeterminate"}, "tier"),
        ({"track": "anxiety"}, "track"),
        ({"status": "requested"}, "status"),
        ({"identifier": "7"}, "identifier"),
        ({"identifier": f"{'a' * 36}\r\nX: 1"}, "identifier"),
        ({"patient_reference": "Practitioner/1"}, "patient_reference"),
        ({"patient_reference": "Patient/"}, "patient_reference"),
        ({"recipient_references": ("Patient/1",)}, "recipient_references"),
        ({"recipient_references": ("CareTeam/1 2",)}, "recipient_references"),
        ({"authored_on": datetime(2026, 11, 20)}, "authored_on"),
        ({"follow_up_end": datetime(2026, 11, 21)}, "follow_up_end"),
        ({"lines": ()}, "lines"),
        ({"lines": (" ", "")}, "lines"),
        ({"lines": ("a\0b",)}, "lines"),
        ({"lines": ("a" * 4000,)}, "lines"),
        ({"note": 7}, "note"),
    ],
)
def test_an_invalid_message_is_refused_naming_the_field(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidResource, match=named):
        communication_request(alert_message(**change))


def test_fhirclient_refuses_what_is_no_fhir_time() -> None:
    local_mean_time = timezone(timedelta(minutes=53, seconds=28))
    with pytest.raises(InvalidResource, match="fhirclient refuses: authoredOn"):
        communication_request(
            alert_message(authored_on=datetime(2026, 1, 1, tzinfo=local_mean_time))
        )


def test_the_text_is_in_no_error_and_no_repr() -> None:
    message = alert_message(lines=("SECRET",), note=7)
    with pytest.raises(InvalidResource) as caught:
        communication_request(message)
    assert "SECRET" not in str(caught.value) + repr(message)


@pytest.mark.parametrize(
    "change",
    [
        {"resourceType": "Device"},
        {"status": None},
        {"status": "sent"},
        {"priority": "high"},
        {"identifier": [{"use": "main"}]},
    ],
)
def test_required_codes_are_checked(change: dict[str, Any]) -> None:
    resource = communication_request(alert_message())
    check_required_codes(resource)
    with pytest.raises(InvalidResource):
        check_required_codes(resource | change)


def test_missing_status_is_refused() -> None:
    resource = communication_request(alert_message())
    del resource["status"]
    with pytest.raises(InvalidResource, match="status"):
        check_required_codes(resource)
