"""SMART's system scopes, in their second form (system/Observation.rs) and their first (.read).

Source: hl7.org/fhir/smart-app-launch, scopes and launch context.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LETTERS = "cruds"
"""Create, read, update, delete, search, in the order in which a scope must give them."""

WORDS = {"read": "rs", "write": "cud", "*": LETTERS}

WANTED_SCOPES = " ".join(
    [
        *("system/CommunicationRequest.crus", "system/Communication.crs"),
        *("system/Observation.crus", "system/RiskAssessment.crus", "system/Provenance.crs"),
        *("system/Patient.rs", "system/Condition.rs", "system/QuestionnaireResponse.rs"),
        *("system/MedicationRequest.rs", "system/MedicationStatement.rs", "system/Medication.rs"),
        *("system/CareTeam.rs", "system/Practitioner.rs", "system/PractitionerRole.rs"),
        "system/Group.rs",
    ]
)
"""What Clarity does at an EHR: tells, looks whether it told already, and reads context."""

_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,60})\.(c?r?u?d?s?|read|write|\*)")


@dataclass(frozen=True)
class Scope:
    """What may be done with one type of resource (``*`` is every type)."""

    resource: str
    letters: str
    is_v1: bool = False

    def __str__(self) -> str:
        if self.is_v1:
            word = next((w for w, letters in WORDS.items() if letters == self.letters), None)
            if word:
                return f"system/{self.resource}.{word}"
        return f"system/{self.resource}.{self.letters}"

    def and_also(self, other: "Scope") -> "Scope | None":
        """What both allow, in this one's form; None where that is nothing."""
        if "*" not in (self.resource, other.resource) and self.resource != other.resource:
            return None
        resource = other.resource if self.resource == "*" else self.resource
        letters = "".join(it for it in self.letters if it in other.letters)
        return Scope(resource, letters, self.is_v1) if letters else None


def scopes_of(text: str) -> list[Scope]:
    """The system scopes among words separated by blanks; others are passed over.

    >>> [str(it) for it in scopes_of("openid system/Observation.rs system/Patient.read")]
    ['system/Observation.rs', 'system/Patient.read']
    """
    found = []
    for match in filter(None, map(_SCOPE.fullmatch, text.split())):
        resource, rights = match.groups()
        if letters := WORDS.get(rights, rights):
            found.append(Scope(resource, letters, rights in WORDS))
    return found


def unknown_words(text: str) -> list[str]:
    """The words that are no system scope."""
    return [word for word in text.split() if not scopes_of(word)]


def allows(scopes: Iterable[Scope], resource: str, letter: str) -> bool:
    """Whether one of the scopes allows this with resources of this type.

    >>> allows(scopes_of("system/*.read"), "Observation", "s")
    True
    """
    return any(it.resource in ("*", resource) and letter in it.letters for it in scopes)


def granted(asked: str, allowed: str) -> str:
    """What of the asked scopes is allowed, in the form in which it was asked.

    >>> granted("system/*.rs system/Patient.read", "system/Observation.r")
    'system/Observation.r'
    """
    both = [mine.and_also(its) for mine in scopes_of(asked) for its in scopes_of(allowed)]
    return " ".join(dict.fromkeys(str(it) for it in both if it))


def scopes_to_ask(wanted: str, configuration: Mapping[str, Any]) -> str:
    """The wanted scopes as a server's smart-configuration says it understands them.

    What it does not list is left out, unless that would be everything: some lists are partial.

    >>> scopes_to_ask("system/Patient.rs", {"capabilities": ["permission-v1"]})
    'system/Patient.read'
    """
    listed = " ".join(_words(configuration, "scopes_supported"))
    text = (granted(wanted, listed) or wanted) if scopes_of(listed) else wanted
    if not _speaks_v1_only(configuration, scopes_of(listed)):
        return text
    return " ".join(dict.fromkeys(word for it in scopes_of(text) for word in _first_form(it)))


def _speaks_v1_only(configuration: Mapping[str, Any], listed: list[Scope]) -> bool:
    capabilities = _words(configuration, "capabilities")
    if "permission-v2" in capabilities:
        return False
    return "permission-v1" in capabilities or bool(listed) and all(it.is_v1 for it in listed)


def _first_form(scope: Scope) -> list[str]:
    words = [word for word in ("read", "write") if set(WORDS[word]) & set(scope.letters)]
    return [f"system/{scope.resource}.{word}" for word in words]


def _words(configuration: Mapping[str, Any], name: str) -> list[str]:
    values = configuration.get(name)
    return [it for it in values if isinstance(it, str)] if isinstance(values, list) else []
