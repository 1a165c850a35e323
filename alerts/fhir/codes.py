"""Code systems, codes and identifiers of what Clarity sends to an EHR (FHIR R4, 4.0.1)."""

from typing import Any

ALERT_SYSTEM = "urn:clarity:alert"
"""System of the identifier by which an EHR recognises a message it already has."""

GROUP_SYSTEM = "urn:clarity:alert-group"
"""System of the identifier that all messages of one alert share."""

SCORE_SYSTEM = "urn:clarity:score"
"""System of the identifiers of what a score says: Observations and RiskAssessment."""

CODE_SYSTEM = "urn:clarity:code"
"""Clarity's own codes: no LOINC is confirmed for a risk indicator."""

SOFTWARE_SYSTEM = "urn:clarity:software"
SOFTWARE_NAME = "Clarity"

CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/communication-category"
CATEGORY = "notification"
"""Not `alert`: Clarity gives a risk indicator to review, nothing time-critical."""

PRIORITY_OF_TIER = {"High": "urgent", "Moderate": "routine"}
"""`stat` is never automatic, and a Low or Indeterminate day sends nothing."""

TRACKS = ("depression", "mania")

RECIPIENT_TYPES = ("Practitioner", "PractitionerRole", "CareTeam", "Group", "Organization")
"""R4 allows more; a risk indicator goes to clinicians and never to the patient."""


def clarity_device() -> dict[str, Any]:
    """Clarity as the device that says it."""
    return {
        "type": "Device",
        "identifier": {"system": SOFTWARE_SYSTEM, "value": SOFTWARE_NAME.lower()},
        "display": SOFTWARE_NAME,
    }
