"""What Clarity answers as a FHIR R4 server: bundles, outcomes, and what it can do."""

from collections.abc import Sequence
from typing import Any

from alerts.fhir.codes import SOFTWARE_NAME
from alerts.fhir.modelled import modelled
from alerts.fhir.searching import DATE_NAMES

MEDIA_TYPE = "application/fhir+json"
SERVED = tuple(sorted(DATE_NAMES))
MADE_ON = "2026-11-26"
"""When this server's abilities last changed."""

_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def operation_outcome(code: str, text: str) -> dict[str, Any]:
    """An error: ``code`` of R4's issue types, and one sentence."""
    issue = {"severity": "error", "code": code, "details": {"text": text}}
    return modelled({"resourceType": "OperationOutcome", "issue": [issue]})


def searchset(
    base: str, resources: Sequence[dict[str, Any]], total: int | None, links: dict[str, str]
) -> dict[str, Any]:
    """A page of a search. ``links``: self, and next where there is more."""
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": name, "url": url} for name, url in links.items()],
    }
    if total is not None:
        bundle["total"] = total
    if resources:  # FHIR has no empty lists
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/{it['resourceType']}/{it['id']}",
                "resource": it,
                "search": {"mode": "match"},
            }
            for it in resources
        ]
    return bundle


def capability_statement(base: str, token_url: str, version: str) -> dict[str, Any]:
    """What can be read and how it is searched. Raises InvalidResource."""
    return modelled(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": MADE_ON,
            "kind": "instance",
            "software": {"name": SOFTWARE_NAME, "version": version},
            "implementation": {
                "description": "What Clarity made: risk indicators and their messages, to read",
                "url": base,
            },
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [
                {
                    "mode": "server",
                    "security": {
                        "extension": [
                            {"url": _OAUTH, "extension": [{"url": "token", "valueUri": token_url}]}
                        ],
                        "service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}],
                    },
                    "resource": [_ability(name) for name in SERVED],
                }
            ],
        }
    )


def _ability(resource: str) -> dict[str, Any]:
    params = [("_id", "token"), ("_lastUpdated", "date"), ("patient", "reference")]
    params.append((DATE_NAMES[resource], "date"))
    if resource != "Provenance":
        params += [("identifier", "token"), ("subject", "reference")]
    if resource == "Observation":
        params.append(("code", "token"))
    return {
        "type": resource,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "searchParam": [{"name": name, "type": kind} for name, kind in sorted(params)],
    }


def smart_configuration(token_url: str) -> dict[str, Any]:
    """How a system gets a token here (SMART Backend Services)."""
    return {
        "token_endpoint": token_url,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": [f"system/{name}.rs" for name in SERVED],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }
