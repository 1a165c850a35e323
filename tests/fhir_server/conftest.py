"""Offers the FHIR server to the tests of this folder."""

from tests.fhir_server.fixtures import fhir_server

__all__ = ["fhir_server"]
