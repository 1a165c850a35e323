"""The page of a patient with two years of minutes and scores, and its charts.

Everything is real and on this machine: PostgreSQL, two web workers, HTTP, and Chromium with an
empty cache. Times of the server are of whole answers over HTTP, two at a time; the processor
time is of the web workers and the database, and changes little with what else the machine does.
"""

import http.client
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import django
import numpy as np

from tests.bench.api import free_port, processes, wait_for_web
from tests.bench.panel import spent_ms, spent_since_ms

PATIENTS, DAYS, REQUESTS, WARM_UP = 100, 730, 120, 6
SERVER_MS, DRAWN_MS = 200, 1500  # at most: p95 of the page; all charts in a browser, cold
CODE = "BC-00000"  # the first patient of the big clinic: it has minutes of all days
PARTS = {
    "page": f"/patients/{CODE}/",
    "time line, 90 days": f"/patients/{CODE}/timeline.json?days=90",
    "time line, 2 years": f"/patients/{CODE}/timeline.json?days=730",
    "table, 2 years": f"/patients/{CODE}/timeline/?days=730",
    "actogram": f"/patients/{CODE}/actogram/",
    "sleep raster, 90 nights": f"/patients/{CODE}/sleep/?days=90",
    "sleep raster, 365 nights": f"/patients/{CODE}/sleep/?days=365",
    "visit summary": f"/patients/{CODE}/summary/",
    "visit summary, PDF": f"/patients/{CODE}/summary.pdf",
}
CHARTS = ("#timeline[data-drawn]", "#actogram svg.actogram", "#raster svg.raster")
WATCH = """window.drawn = {};
new MutationObserver(() => {
  for (const chart of %s) {
    if (document.querySelector(chart)) window.drawn[chart] ??= performance.now();
  }
}).observe(document, { childList: true, subtree: true, attributes: true });"""


def main() -> None:
    """Print p50 and p95 of each part, the page's queries, and when its charts are drawn."""
    django.setup()
    from django.core.management import call_command

    from tests.bench.big_clinic import build_big_clinic

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    quick = "--quick" in sys.argv
    clinic = build_big_clinic(10 if quick else PATIENTS, DAYS, recorded=1, clinicians=2)
    cookie = session_of(clinic.whole[0])
    print(f"record: {queries(clinic.whole[0])} queries of the page, {DAYS} days of scores")
    port = free_port()
    os.environ["LOG_LEVEL"] = "ERROR"
    with processes(port) as started:
        wait_for_web(port)
        for name, address in PARTS.items():
            answers(port, cookie, address, WARM_UP)
            before, count = spent_ms(started), 20 if quick else REQUESTS
            times = answers(port, cookie, address, count)
            worked = spent_since_ms(started, before) / count
            p50, p95 = np.percentile(times, (50, 95))
            wanted = f" (under {SERVER_MS})" if name == "page" else ""
            print(f"record: {name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms{wanted}; "
                  f"{worked:.0f} ms of a core a request", flush=True)  # fmt: skip
        for height, what in ((900, "time line"), (7000, "all three charts")):
            drawn = sorted(browser_ms(port, cookie, height) for _ in range(5))
            print(f"record: {what} drawn, cold: median {drawn[2]:.0f} ms, "
                  f"worst of 5 {drawn[-1]:.0f} ms (under {DRAWN_MS})")  # fmt: skip


def session_of(username: str) -> str:
    """The cookie of somebody who has logged in."""
    from django.conf import settings
    from django.test import Client

    from patients.models import User

    client = Client()
    client.force_login(User.objects.get(username=username))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def queries(username: str) -> int:
    """How often the page asks the database."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from patients.models import User

    client = Client()
    client.force_login(User.objects.get(username=username))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(PARTS["page"], headers={"host": "localhost"}).status_code == 200
    return len(asked)


def answers(port: int, cookie: str, address: str, count: int) -> Sequence[float]:
    """Milliseconds of each answer, two clients at once."""

    def client(asked: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        times = []
        for _ in range(asked):
            began = time.perf_counter()
            connection.request("GET", address, headers={"Cookie": cookie, "HX-Request": "true"})
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, answer.status
        return times

    with ThreadPoolExecutor(2) as clients:
        return [ms for times in clients.map(client, [count // 2] * 2) for ms in times]


def browser_ms(port: int, cookie: str, height: int) -> float:
    """From the navigation to the moment at which the charts in the window are drawn."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import launch

    name, value = cookie.split("=", 1)
    charts = CHARTS[: 1 if height < 2000 else 3]
    with sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(viewport={"width": 1360, "height": height})
        context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
        context.add_init_script(WATCH % list(charts))
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}{PARTS['page']}")
        for chart in charts:
            page.locator(chart).first.wait_for()
        drawn: dict[str, float] = page.evaluate("window.drawn")
        browser.close()
    return max(drawn.values())
