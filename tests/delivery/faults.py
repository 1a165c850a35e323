"""What goes wrong on the way to the EHR, at random from a seed."""

import random
import socket
import struct
import threading
import time
from collections import Counter

from tests.alerts.ehr import Handler, outcome

STALL_S = 30
# Of a hundred requests each; the rest goes through.
SHARES = {
    "reset before": 2,
    "reset mid-body": 2,
    "503 with Retry-After": 2,
    "429": 1,
    "stall before": 0.3,
    "stall after": 0.3,
    "answer lost": 4,
    "expired token": 2,
}
MOST_RETRY_AFTER_S = 2


class Faults:
    """The gateway's fault: counts what it did; ``calm`` ends it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.calm = threading.Event()
        self.lock = threading.Lock()

    def __call__(self, handler: Handler) -> bool:
        """Whether it answered in the server's place, or kept the answer."""
        if self.calm.is_set():
            return False
        with self.lock:
            [name] = self.rng.choices([*SHARES, ""], [*SHARES.values(), 100 - sum(SHARES.values())])
            if name:
                self.done[name] += 1
        return bool(name) and self._do(name, handler)

    def _do(self, name: str, handler: Handler) -> bool:
        wait = {"Retry-After": str(self.rng.randint(1, MOST_RETRY_AFTER_S))}
        if name in ("reset mid-body", "answer lost", "stall after"):
            status, headers, body = handler.passed_on()  # it has arrived
        if name.startswith("stall"):
            time.sleep(STALL_S)
        if name == "reset mid-body":
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(body) + 100))
            handler.end_headers()
            handler.wfile.write(body[: len(body) // 2])
        if name == "503 with Retry-After":
            handler.reply(503, wait, outcome("transient"))
        elif name == "429":
            handler.reply(429, wait, outcome("throttled"))
        elif name == "expired token":
            handler.reply(401, {}, outcome("expired"))
        else:
            _reset(handler)
        return True


def _reset(handler: Handler) -> None:
    """RST instead of an end."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.connection.close()
