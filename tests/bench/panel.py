"""The panel over HTTP as clinicians get it: server times, queries and size by number of patients.

Everything is real and on this machine: PostgreSQL, two web workers, clinics of 100, 1,000 and 5,000
patients with two years of scores. The user cares for all of them, which nobody does.

python -m tests.bench panel [--quick]     (--quick leaves the 5,000 out)
"""

import http.client
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

import django

from tests.bench.api import free_port, processes, wait_for_web
from tests.bench.big_clinic import PASSWORD

SIZES = (100, 1_000, 5_000)
RECORDED = 1_000  # patients with minutes: the panel reads none
WARM_UP, TIMES, CLIENTS = 20, 200, 2
MOST_P95_MS, MOST_QUERIES = 150, 8
ADDRESSES = {
    "panel": "/",
    "filtered": "/?alert=waiting&drug=antidepressant",
    "the next rows": "/panel/rows/?start=100",
    "what changed": "/panel/changes/?version={version}",
}
ONE = "import sys; from tests.bench.panel import one; one(int(sys.argv[1]))"


def main() -> None:
    """A database of its own for each size, so that none stands on another's pages."""
    for size in SIZES[: 2 if "--quick" in sys.argv else 3]:
        state = Path(os.environ["CLARITY_STATE_DIR"]) / str(size)
        environment = os.environ | {"CLARITY_STATE_DIR": str(state)}
        subprocess.run([sys.executable, "-c", ONE, str(size)], check=True, env=environment)
        print(f"  at most {MOST_P95_MS} ms and {MOST_QUERIES} queries", flush=True)


def one(size: int) -> None:
    """Make the clinic and print what its pages cost."""
    django.setup()
    from django.core.management import call_command

    from tests.bench.big_clinic import build_big_clinic

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    began = time.monotonic()
    build_big_clinic(size, recorded=min(size, RECORDED))
    print(f"{size:,} patients, 730 days of scores each (made in {time.monotonic() - began:.0f} s)")
    pages()


def pages() -> None:
    """What the pages of the clinic that is there cost."""
    asked = queries()
    port = free_port()
    log = Path(os.environ["CLARITY_STATE_DIR"]) / "log"
    with log.open("wb") as out, processes(port, {"LOG_LEVEL": "WARNING"}, out) as started:
        wait_for_web(port)
        cookie = logged_in(port)
        version = re.search(rb'data-version="(\w+)"', get(port, cookie, "/")[1])
        assert version
        for name, address in ADDRESSES.items():
            path = address.format(version=version[1].decode())
            get(port, cookie, path)
            before = spent_ms(started)
            times, length = measure(port, cookie, path)
            worked = spent_since_ms(started, before) / (WARM_UP + TIMES)
            p50, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95) - 1]
            print(
                f"  {name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms ({worked:.0f} ms of a core a "
                f"request), {asked[name]} queries, {length / 1024:.0f} KiB"
            )


def queries() -> dict[str, int]:
    """How often each page asks the database, of the session on."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from patients.models import User

    settings.ALLOWED_HOSTS = ["*"]
    client, found = Client(), {}
    client.force_login(User.objects.get(username="dr.whole"))
    for name, address in ADDRESSES.items():
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        found[name] = len(captured)
    return found


def spent_ms(started: Sequence[subprocess.Popen[bytes]]) -> dict[int, float]:
    """Processor time of each web worker and database connection until now, by its process.

    What else the machine does changes it little, unlike the times that a request takes.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        pids = [pid for (pid,) in cursor.fetchall()]
    for process in started:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        pids += [process.pid, *map(int, children.split())]
    return {pid: cpu_ms(pid) for pid in pids}


def spent_since_ms(
    started: Sequence[subprocess.Popen[bytes]], before: Mapping[int, float]
) -> float:
    """Processor time since then of what is still there: the database ends idle connections."""
    return sum(ms - before.get(pid, 0) for pid, ms in spent_ms(started).items())


def cpu_ms(pid: int) -> float:
    """Processor time of a process until now."""
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def logged_in(port: int) -> str:
    """The cookies of ``dr.whole``, through the door."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/login/")
    answer = connection.getresponse()
    page, cookies = answer.read().decode(), [cookie_of(answer)]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"username": "dr.whole", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": cookies[0],
        "Referer": f"http://127.0.0.1:{port}/login/",
    }
    connection.request("POST", "/login/", urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 302, answer.status
    return cookie_of(answer)


def cookie_of(answer: http.client.HTTPResponse) -> str:
    """What it sets, as a request sends it."""
    return "; ".join(c.split(";")[0] for c in answer.headers.get_all("Set-Cookie") or ())


def get(port: int, cookie: str, path: str) -> tuple[float, bytes]:
    """Milliseconds until the answer is here, and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read()
    spent = (time.perf_counter() - began) * 1000
    connection.close()
    assert answer.status in (200, 204), (path, answer.status)
    return spent, body


def measure(port: int, cookie: str, path: str) -> tuple[list[float], int]:
    """Times of two who ask at once, after both workers are warm; and the size of an answer."""
    for _ in range(WARM_UP):
        _, body = get(port, cookie, path)
    times: list[float] = []

    def client() -> None:
        times.extend(get(port, cookie, path)[0] for _ in range(TIMES // CLIENTS))

    together([client] * CLIENTS)
    return times, len(body)


def together(work: Sequence[Callable[[], None]]) -> None:
    """All at once, until the last is done."""
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
