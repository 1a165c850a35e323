"""Checks a resource before it leaves: fhirclient's R4 models, then the required code bindings.

fhirclient checks names, types and cardinality, but no required binding; nothing is sent without
both. Source of the codes: the value sets of hl7.org/fhir/R4 (4.0.1), bindings of strength required.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from fhirclient.models.fhirabstractbase import FHIRValidationError

_EVENT_STATUS = frozenset(
    {"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed",
     "entered-in-error", "unknown"}
)  # fmt: skip
_REQUEST_STATUS = frozenset(
    {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
)
_PRIORITY = frozenset({"routine", "urgent", "asap", "stat"})
_OBSERVATION_STATUS = frozenset(
    {"registered", "preliminary", "final", "amended", "corrected", "cancelled",
     "entered-in-error", "unknown"}
)  # fmt: skip
_IDENTIFIER_USE = frozenset({"usual", "official", "temp", "secondary", "old"})
_NARRATIVE = frozenset({"generated", "extensions", "additional", "empty"})
_ISSUE = frozenset(
    {"invalid", "structure", "required", "value", "invariant", "security", "login", "unknown",
     "expired", "forbidden", "suppressed", "processing", "not-supported", "duplicate",
     "multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension",
     "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
     "exception", "timeout", "incomplete", "throttled", "informational"}
)  # fmt: skip
_PUBLICATION = frozenset({"draft", "active", "retired", "unknown"})
_INTERACTION = frozenset(
    {"read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create",
     "search-type"}
)  # fmt: skip

# Resource type -> element -> codes. A further point goes one element deeper.
REQUIRED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "CommunicationRequest": {"status": _REQUEST_STATUS, "priority": _PRIORITY},
    "Communication": {
        "status": _EVENT_STATUS,
        "priority": _PRIORITY,
        "payload.contentAttachment.contentType": frozenset({"text/plain"}),  # all that is sent
    },
    "Observation": {
        "status": _OBSERVATION_STATUS,
        "valueQuantity.comparator": frozenset({"<", "<=", ">=", ">"}),
    },
    "RiskAssessment": {"status": _OBSERVATION_STATUS},
    "Provenance": {
        "entity.role": frozenset({"derivation", "revision", "quotation", "source", "removal"})
    },
    "CapabilityStatement": {
        "status": _PUBLICATION,
        "kind": frozenset({"instance", "capability", "requirements"}),
        "fhirVersion": frozenset({"4.0.1"}),
        "rest.mode": frozenset({"client", "server"}),
        "rest.resource.type": frozenset(
            {"CommunicationRequest", "Observation", "Provenance", "RiskAssessment"}
        ),  # all that is served
        "rest.resource.interaction.code": _INTERACTION,
        "rest.resource.searchParam.type": frozenset(
            {"number", "date", "string", "token", "reference", "composite", "quantity", "uri",
             "special"}
        ),
    },
    "OperationOutcome": {
        "issue.severity": frozenset({"fatal", "error", "warning", "information"}),
        "issue.code": _ISSUE,
    },
    "Bundle": {
        "type": frozenset(
            {"document", "message", "transaction", "transaction-response", "batch",
             "batch-response", "history", "searchset", "collection"}
        ),
        "entry.search.mode": frozenset({"match", "include", "outcome"}),
    },
}  # fmt: skip
ALWAYS = {  # elements that R4 wants and whose code is bound
    "CommunicationRequest": ("status",),
    "Communication": ("status",),
    "Observation": ("status",),
    "RiskAssessment": ("status",),
    "CapabilityStatement": ("status", "kind", "fhirVersion"),
    "Bundle": ("type",),
}


class InvalidResource(ValueError):
    """It cannot become a valid resource. Says which element, never a text of it."""


def modelled(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content read and written by fhirclient, which drops what is None, and its codes checked.

    Raises InvalidResource: fhirclient's own texts can hold values, so only paths are passed on.
    """
    name = str(content.get("resourceType"))
    if name not in REQUIRED:
        raise InvalidResource(f"resourceType must be one of: {', '.join(sorted(REQUIRED))}.")
    model = getattr(import_module(f"fhirclient.models.{name.lower()}"), name)
    try:
        resource: dict[str, Any] = model(dict(content)).as_json()
    except FHIRValidationError as error:
        paths = sorted({getattr(it, "path", None) or "resource" for it in error.errors})
        raise InvalidResource(f"fhirclient refuses: {', '.join(paths)}.") from None
    check_required_codes(resource)
    return resource


def check_required_codes(resource: Mapping[str, Any]) -> None:
    """Check the elements whose codes R4 binds as required, also of what is contained.

    Raises InvalidResource naming the element.
    """
    name = str(resource.get("resourceType"))
    if name not in REQUIRED:
        raise InvalidResource(f"resourceType must be one of: {', '.join(sorted(REQUIRED))}.")
    for element in ALWAYS.get(name, ()):
        _check(element, resource.get(element), REQUIRED[name][element])
    for element, codes in REQUIRED[name].items():
        for code in _values(resource, element.split(".")):
            _check(element, code, codes)
    for code in _values(resource, ["identifier", "use"]):
        _check("identifier.use", code, _IDENTIFIER_USE)
    for code in _values(resource, ["text", "status"]):
        _check("text.status", code, _NARRATIVE)
    for inner in resource.get("contained", ()):
        check_required_codes(inner)


def _values(within: Any, path: list[str]) -> Iterator[object]:
    """What stands at the path, through lists."""
    if isinstance(within, list):
        for item in within:
            yield from _values(item, path)
    elif not path:
        yield within
    elif isinstance(within, Mapping) and path[0] in within:
        yield from _values(within[path[0]], path[1:])


def _check(element: str, code: object, allowed: frozenset[str]) -> None:
    if code not in allowed:
        raise InvalidResource(f"{element} must be one of: {', '.join(sorted(allowed))}.")
