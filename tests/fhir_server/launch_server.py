"""Starts and stops the SMART launch's authorization server of this folder, a Node program."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.node import Unavailable, node

FOLDER = Path(__file__).resolve().parent


class LaunchServer:
    """The server at a port of this machine; it knows the client “clarity”."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.origin}/fhir/R4"

    def control(self, **wanted: Any) -> list[dict[str, str]]:
        """What the next log-ins answer, as launch.mjs says it; returns what was asked since."""
        answer = requests.post(f"{self.origin}/control", json=wanted, timeout=10)
        found: list[dict[str, str]] = answer.json()["asked"]
        return found


@contextmanager
def launch_server_running() -> Iterator[LaunchServer]:
    """The server; it ends with the block, and with this process at the latest."""
    process = subprocess.Popen(
        [node(), "launch.mjs"],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        yield LaunchServer(int(json.loads(process.stdout.readline())["port"]))
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()


@pytest.fixture(scope="session")
def launch_server_of_session() -> Iterator[LaunchServer]:
    """One for all tests; without Node they skip, but in CI they fail."""
    try:
        node()
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    with launch_server_running() as server:
        yield server


@pytest.fixture
def launch_server(launch_server_of_session: LaunchServer) -> LaunchServer:
    """The server as it is without any wishes."""
    launch_server_of_session.control()
    return launch_server_of_session
