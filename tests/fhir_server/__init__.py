"""A small real FHIR R4 server (Node) for tests and for the demo's stand-in EHR."""

from tests.fhir_server.server import (
    FhirServer,
    Unavailable,
    install,
    installed,
    unavailable_reason,
)

__all__ = ["FhirServer", "Unavailable", "install", "installed", "unavailable_reason"]
