"""Offers the FHIR server, and plain static files, to the tests of this folder."""

from tests.fhir_server.fixtures import fhir_server
from tests.integration.conftest import plain_static_files

__all__ = ["fhir_server", "plain_static_files"]
