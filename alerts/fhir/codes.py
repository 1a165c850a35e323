"""Code systems, codes and identifiers of what Clarity sends to an EHR (FHIR R4, 4.0.1)."""

ALERT_SYSTEM = "urn:clarity:alert"
"""System of the identifier by which an EHR recognises a message it already has."""

SOFTWARE_SYSTEM = "urn:clarity:software"
SOFTWARE_NAME = "Clarity"

CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/communication-category"
CATEGORY = "notification"
"""Not `alert`: Clarity gives a risk indicator to review, nothing time-critical."""

PRIORITY_OF_TIER = {"High": "urgent", "Moderate": "routine"}
"""`stat` is never automatic, and a Low or Indeterminate day sends nothing."""

TRACKS = ("depression", "mania")

REQUEST_STATUS = frozenset(
    {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
)
REQUEST_PRIORITY = frozenset({"routine", "urgent", "asap", "stat"})
IDENTIFIER_USE = frozenset({"usual", "official", "temp", "secondary", "old"})

RECIPIENT_TYPES = ("Practitioner", "PractitionerRole", "CareTeam", "Group", "Organization")
"""R4 allows more; a risk indicator goes to clinicians and never to the patient."""
