"""A worker that delivers for ever, in a process that may be killed at any point.

python -m tests.delivery.worker N: N workers, forked; one that dies is replaced. Only the waits
are shorter than at a clinic: a lease stays longer than all requests of a message can take, and
what may be under way is waited for as long as a request takes.
"""

import os
import signal
import sys
import time
from datetime import timedelta

FASTER = 30  # waits after a failure


def main() -> None:
    """Fork the workers and replace the dead until this process is ended."""
    import django

    django.setup()
    _shorten()
    signal.signal(signal.SIGTERM, lambda *_: _end(workers))
    workers: set[int] = set()
    while True:
        while len(workers) < int(sys.argv[1]):
            workers.add(_forked())
        dead, _status = os.wait()
        workers.discard(dead)


def _end(workers: set[int]) -> None:
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


def _shorten() -> None:
    from alerts import closing, connection, delivering, outbox, results
    from alerts.fhir import retry

    retry.FIRST_DELAY_S /= FASTER
    retry.MAX_DELAY_S /= FASTER
    connection.REST /= FASTER
    connection.LONGEST_REST /= FASTER
    delivering.LEASE = timedelta(seconds=45)
    closing.SETTLING = timedelta(seconds=12)
    for module in (outbox, closing, delivering, results):
        module.IN_FLIGHT = timedelta(seconds=2)


def _forked() -> int:
    from django.db import connections

    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from alerts.delivering import outbox_deliver

    while True:
        try:
            outbox_deliver(limit=50)
        except Exception as error:  # the database may be gone at the very end
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(1)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
