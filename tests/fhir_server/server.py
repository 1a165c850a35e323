"""Starts and stops the FHIR server of this folder, a Node program, and installs its packages."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.node import Packages, Unavailable, node

FOLDER = Path(__file__).resolve().parent
START_TIMEOUT_S = 60


PACKAGES = Packages(FOLDER, "the FHIR server's packages")
LOCK_FILE = PACKAGES.lock_file
install, installed, unavailable_reason = (
    PACKAGES.install,
    PACKAGES.installed,
    PACKAGES.unavailable_reason,
)


class FhirServer:
    """A FHIR R4 server in a process of its own; ends with this process at the latest.

    `port` 0 takes any free port at the first start and keeps it for every later one.
    `data` is a file that keeps the resources between starts; without it a stop forgets them.
    `log` receives one JSON line for each CommunicationRequest created (no payload).
    """

    def __init__(
        self, port: int = 0, data: Path | None = None, log: IO[str] | int = subprocess.DEVNULL
    ) -> None:
        self.port = port
        self._data = data
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def base_url(self) -> str:
        """The FHIR base, without a final slash."""
        return f"http://127.0.0.1:{self.port}/fhir/R4"

    def start(self) -> Self:
        """Start and wait until ready. Raises Unavailable when it is not ready in time."""
        if self._process is not None:
            return self
        self._process = subprocess.Popen(
            [node(), *self._program(), "--port", str(self.port), "--exit-with-stdin"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        try:
            self.port = self._announced_port(self._process)
        except Unavailable:
            self.stop()
            raise
        return self

    def _program(self) -> list[str]:
        """The program of this folder, with what only it is told."""
        data = ["--data", str(self._data)] if self._data is not None else []
        return ["server.mjs", *data]

    @staticmethod
    def _announced_port(process: subprocess.Popen[str]) -> int:
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        read = process.stdout.readline
        threading.Thread(target=lambda: lines.put(read()), daemon=True).start()
        try:
            return int(json.loads(lines.get(timeout=START_TIMEOUT_S))["port"])
        except queue.Empty:
            reason = f"The FHIR server was not ready in {START_TIMEOUT_S} s."
        except ValueError:
            reason = "The FHIR server ended at its start (is its port taken?)."
        raise Unavailable(reason)

    def stop(self) -> None:
        """Stop the process and wait for its end; a later `start()` takes the same port."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def restart(self) -> Self:
        """Stop, then start again on the same port."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
