"""What an EHR says it takes, and by which way a message reaches it.

From `/metadata`, the CapabilityStatement; facts of vendors in docs/ehr.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REQUEST, COMMUNICATION, FOLDER, NOWHERE = "CommunicationRequest", "Communication", "folder", ""
TARGETS = (REQUEST, COMMUNICATION, FOLDER)
RESULTS = ("Observation", "RiskAssessment", "Provenance")
READ = (*RESULTS, REQUEST, COMMUNICATION)
# Their Observation create is for vital signs and flow sheets, no place for a risk indicator.
NO_RESULTS = {"epic": "Epic", "oracle": "Oracle Health", "cerner": "Oracle Health"}


R4 = ("4.0.", "4.3.")  # and R4B; what lies between and after are drafts of R5


class NotFhir(ValueError):
    """The answer is no CapabilityStatement of FHIR R4; says what was found instead."""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """What matters here of a CapabilityStatement.

    `interactions` by resource type; `by_identifier`: the types that list that search, or list
    no search at all, so that it may be tried.
    """

    software: str
    vendor: str
    interactions: Mapping[str, tuple[str, ...]]
    by_identifier: frozenset[str]

    def takes(self, kind: str, interaction: str = "create") -> bool:
        """Whether the server offers it."""
        return interaction in self.interactions.get(kind, ())

    @property
    def results(self) -> tuple[str, ...]:
        """What of a score it takes beside the message."""
        return () if self.vendor else tuple(it for it in RESULTS if self.takes(it))


@dataclass(frozen=True)
class Choice:
    """The way that was chosen, and why, in a sentence for an administrator."""

    target: str
    why: str


def capability(statement: Mapping[str, Any]) -> Capability:
    """Read a CapabilityStatement. Raises NotFhir."""
    try:
        return _capability(statement)
    except (AttributeError, TypeError):  # null or a text where FHIR has a list or an object
        raise NotFhir("The EHR's /metadata is not as FHIR R4 has it.") from None


def _capability(statement: Mapping[str, Any]) -> Capability:
    if statement.get("resourceType") != "CapabilityStatement":
        raise NotFhir("The EHR's /metadata is no CapabilityStatement: is EHR_BASE_URL its base?")
    version = str(statement.get("fhirVersion", ""))
    if not version.startswith(R4):
        raise NotFhir(f"The EHR speaks FHIR {version or 'of an unknown version'}: R4 is needed.")
    software = statement.get("software") or {}
    told = [software.get("name"), software.get("version"), statement.get("publisher")]
    words = " ".join(str(it) for it in told if it)[:200]
    rows = {str(row.get("type")): row for row in _resources(statement)}
    return Capability(
        software=words,
        vendor=next((name for key, name in NO_RESULTS.items() if key in words.lower()), ""),
        interactions={
            kind: tuple(str(it.get("code")) for it in row.get("interaction", ()))
            for kind, row in rows.items()
            if kind in READ
        },
        by_identifier=frozenset(kind for kind, row in rows.items() if _by_identifier(row)),
    )


def choose(found: Capability, folder: str) -> Choice:
    """CommunicationRequest, else Communication, else the folder of files, else nowhere.

    >>> nothing = Capability(software="", vendor="", interactions={}, by_identifier=frozenset())
    >>> choose(nothing, "/srv/ehr").target
    'folder'
    """
    if found.takes(REQUEST):
        return Choice(REQUEST, "The EHR lists create for CommunicationRequest.")
    if found.takes(COMMUNICATION):
        return Choice(
            COMMUNICATION,
            "The EHR lists no create for CommunicationRequest, and one for Communication.",
        )
    neither = "The EHR lists create for neither CommunicationRequest nor Communication"
    if folder:
        return Choice(FOLDER, f"{neither}: messages are files for an integration engine.")
    return Choice(NOWHERE, f"{neither}: set EHR_FOLDER to hand files to an integration engine.")


def _resources(statement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for rest in statement.get("rest") or ():
        if rest.get("mode", "server") == "server":
            yield from rest.get("resource") or ()


def _by_identifier(row: Mapping[str, Any]) -> bool:
    searches = any(it.get("code") == "search-type" for it in row.get("interaction", ()))
    parameters = row.get("searchParam")
    return searches and (not parameters or any(p.get("name") == "identifier" for p in parameters))
