"""Pytest fixtures of the FHIR server; a conftest.py imports the ones it offers."""

import os
from collections.abc import Iterator

import pytest

from tests.fhir_server.server import FhirServer, unavailable_reason


def require_fhir_server() -> None:
    """Skip with the reason where the server cannot run; in CI, fail instead."""
    reason = unavailable_reason()
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def fhir_server() -> Iterator[FhirServer]:
    """A running R4 server on a free port of this machine, shared by the session's tests."""
    require_fhir_server()
    with FhirServer() as server:
        yield server
