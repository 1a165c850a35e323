"""Web, workers and beat on one machine, as processes of one group."""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

import django
from django.core.management import call_command

from clarity_site.logs import log

STOP_WAIT_S = 15
MAX_DEATHS, DEATHS_WITHIN_S = 5, 60  # then something is wrong that a restart does not mend


def commands(port: int) -> list[list[str]]:
    """The command lines: the models have a worker of their own, which alone loads them.

    Of the two threads for uploads one at most reads a history file.
    """
    celery = [sys.executable, "-m", "celery", "-A", "clarity_site"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    web = [sys.executable, "-m", "gunicorn", "clarity_site.wsgi", "--log-level", "warning"]
    return [
        [*worker, "-Q", "models", "-P", "solo", "-n", "models@%h"],
        [*worker, "-Q", "uploads", "-P", "threads", "-c", "2", "-n", "uploads@%h"],
        [*worker, "-Q", "default,ehr", "-P", "threads", "-c", "2", "-n", "rest@%h"],
        [*celery, "beat", "--loglevel", "WARNING"],
        [*web, "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4"],
    ]


class ProcessGroup:
    """Starts the processes, starts again what dies, and ends them all when a signal comes."""

    def __init__(self, port: int) -> None:
        self._commands = commands(port)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._deaths: list[float] = []

    def start(self) -> None:
        """Start all; a SIGTERM to this process now ends them, as Ctrl-C does."""
        signal.signal(signal.SIGTERM, _as_interrupt)
        self._processes = [self._started(command) for command in self._commands]

    def _started(self, command: list[str]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "clarity_site.settings"}
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)

    def wait(self) -> int:
        """Block until a signal comes, or until something keeps dying; its exit code."""
        while True:
            time.sleep(1)
            for index, process in enumerate(self._processes):
                code = process.poll()
                if code is None:
                    continue
                log.error(
                    "process ended",
                    extra={"command": " ".join(self._commands[index][2:5]), "code": code},
                )
                if self._dies_too_often():
                    return code
                self._processes[index] = self._started(self._commands[index])

    def _dies_too_often(self) -> bool:
        now = time.monotonic()
        self._deaths = [*(t for t in self._deaths if now - t < DEATHS_WITHIN_S), now]
        return len(self._deaths) > MAX_DEATHS

    def stop(self) -> None:
        """End all, politely, then not."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Serve until one of them ends or a signal comes.

    What the system checks find stops it with one message, before anything is started.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarity_site.settings")
    django.setup()
    call_command("check")
    group = ProcessGroup(int(sys.argv[1]))
    group.start()
    try:
        return group.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        group.stop()


if __name__ == "__main__":
    sys.exit(main())
