"""Web, workers and beat on one machine, as processes of one group."""

import os
import signal
import subprocess
import sys
from types import FrameType

STOP_WAIT_S = 15


def commands(port: int) -> list[list[str]]:
    """The command lines: the models have a worker of their own, which alone loads them."""
    celery = [sys.executable, "-m", "celery", "-A", "clarity_site"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    web = [sys.executable, "-m", "gunicorn", "clarity_site.wsgi", "--log-level", "warning"]
    return [
        [*worker, "-Q", "models", "-P", "solo", "-n", "models@%h"],
        [*worker, "-Q", "default,ehr", "-P", "threads", "-c", "2", "-n", "rest@%h"],
        [*celery, "beat", "--loglevel", "WARNING"],
        [*web, "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4"],
    ]


class ProcessGroup:
    """Starts the processes and ends them all when one ends or a signal comes."""

    def __init__(self, port: int) -> None:
        self._commands = commands(port)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all; a SIGTERM to this process now ends them, as Ctrl-C does."""
        signal.signal(signal.SIGTERM, _as_interrupt)
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "clarity_site.settings"}
        for command in self._commands:
            self._processes.append(
                subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
            )

    def wait(self) -> int:
        """Block until one of them ends; returns its exit code."""
        while True:
            pid, status = os.wait()
            for process in self._processes:
                if process.pid == pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    return process.returncode

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
    """Serve until one of them ends or a signal comes."""
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
