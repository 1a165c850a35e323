"""Fifty clinicians at once for three minutes, each thinking 5 s between clicks.

A round: the panel, a patient with what the page asks for beside, the queue, an alert acknowledged
(or that taken back), and the day's list. Everybody logs in before the clock runs, one after
another over the first seconds: a password's hash is slow on purpose, and a morning's log-ins are
not all of one second. The clients share the machine's cores with the server.
"""

import http.client
import random
import re
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from tests.bench.big_clinic import BigClinic
from tests.bench.web import FULL, QUICK, at, served

CLINICIANS, MINUTES, THINK_S = 50, 3.0, 5.0
WANTED_MS = 500
PATIENCE_S = 60
LOG_IN_APART_S = 0.3
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
RECORDS = re.compile(r'href="(/patients/[\w-]+/)"')
ACTS = re.compile(r'action="(/alerts/\d+/(?:acknowledge|undo)/)"')
BESIDE = re.compile(r'(?:hx-get|data-(?:[\w-]+-)?(?:url|src))="(/[^"#]+)"')


@dataclass
class Told:
    """Seconds of each step of all clinicians, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: bool = False

    def took(self, step: str, seconds: float, error: str = "") -> None:
        """Write a step down; only log-ins count before the clock runs."""
        with self.lock:
            if self.running or step == "log in":
                self.seconds[step].append(seconds)
                if error:
                    self.errors.append(f"{step}: {error}")


class Clinician(threading.Thread):
    """Somebody with a browser: cookies, the forms' tokens, and no patience over a minute."""

    def __init__(self, port: int, name: str, password: str, told: Told, until: "Clock") -> None:
        super().__init__(daemon=True)
        self.port, self.user, self.password, self.told, self.until = (
            port,
            name,
            password,
            told,
            until,
        )
        self.cookies: SimpleCookie = SimpleCookie()
        self.chance = random.Random(name)

    def ask(self, address: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, text and where it leads, on a connection of its own: thinking outlasts one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        headers = {"Cookie": "; ".join(f"{k}={v.value}" for k, v in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if form is None else urlencode(form)
        connection.request("GET" if form is None else "POST", address, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        connection.close()
        return answer.status, text, answer.headers.get("Location", "")

    def step(self, name: str, address: str, form: dict[str, str] | None = None) -> str:
        """One click: the answer with where it leads, and what the page asks for beside."""
        began, error, text = time.monotonic(), "", ""
        try:
            status, text, leads = self.ask(address, form)
            if status in (301, 302):
                status, text, _ = self.ask(urlsplit(leads).path or "/")
            if status != 200 or (name != "log in" and 'id="main"' not in text):
                error = f"{status} at {address}"
        except (OSError, http.client.HTTPException) as trouble:
            error = f"{trouble!r} at {address}"
        self.told.took(name, time.monotonic() - began, error)
        if name == "patient":
            for beside in dict.fromkeys(BESIDE.findall(text)):
                self.part(beside.replace("&amp;", "&"))
        return text

    def part(self, address: str) -> None:
        """What a page asks for by itself."""
        began, error = time.monotonic(), ""
        try:
            status, _, _ = self.ask(address)
            error = "" if status in (200, 204, 304) else f"{status} at {address}"
        except (OSError, http.client.HTTPException) as trouble:
            error = f"{trouble!r} at {address}"
        self.told.took("patient's data", time.monotonic() - began, error)

    def think(self) -> None:
        """Five seconds, a little more or less."""
        time.sleep(self.chance.uniform(0.8, 1.2) * THINK_S)

    def run(self) -> None:
        """Log in, wait for the clock, and go round until it stops."""
        token = TOKEN.search(self.ask("/login/")[1])
        form = {"username": self.user, "password": self.password}
        self.step("log in", "/login/", form | {"csrfmiddlewaretoken": token[1] if token else ""})
        self.until.ready.wait()
        time.sleep(self.chance.uniform(0, THINK_S))
        while self.until.runs():
            self.round()

    def round(self) -> None:
        """The morning's clicks."""
        panel = self.step("panel", "/")
        self.think()
        records = list(dict.fromkeys(RECORDS.findall(panel)))
        if records:
            self.step("patient", self.chance.choice(records))
            self.think()
        queue = self.step("queue", "/alerts/")
        self.think()
        act, token = ACTS.search(queue), TOKEN.search(queue)
        if act and token:
            form = {"csrfmiddlewaretoken": token[1], "next": "/alerts/", "note": ""}
            self.step("acknowledge", act[1], form)
            self.think()
        if self.until.has_today:
            self.step("today", "/today/")
            self.think()


@dataclass
class Clock:
    """When the journey begins and ends."""

    ends: float = 0.0
    has_today: bool = False
    ready: threading.Event = field(default_factory=threading.Event)

    def runs(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.ends

    def start(self, minutes: float) -> None:
        """Let everybody go."""
        self.ends = time.monotonic() + minutes * 60
        self.ready.set()


def journey(port: int, clinic: BigClinic, count: int, minutes: float) -> Told:
    """So many clinicians at once for so many minutes."""
    from django.urls import NoReverseMatch, reverse

    told, clock = Told(), Clock()
    try:
        clock.has_today = bool(reverse("today"))
    except NoReverseMatch:
        print("journey: there is no list of the day here; it is left out")
    everybody = [
        Clinician(port, name, clinic.password, told, clock) for name in clinic.clinicians[:count]
    ]
    for one in everybody:
        one.start()
        time.sleep(LOG_IN_APART_S)
    time.sleep(THINK_S)
    told.running = True
    clock.start(minutes)
    for one in everybody:
        one.join()
    return told


def main() -> None:
    """Print what each step took, the errors and the whole."""
    is_quick = "--quick" in sys.argv
    count, minutes = (10, 0.5) if is_quick else (CLINICIANS, MINUTES)
    with served(QUICK if is_quick else FULL, clinicians=count) as (port, clinic):
        told = journey(port, clinic, count, minutes)
    print(f"journey: {count} clinicians, {minutes:g} min, {THINK_S:g} s between clicks")
    for step, seconds in told.seconds.items():
        print(
            f"journey: {step:15} {len(seconds):5} times, median {at(seconds, 0.5) * 1000:4.0f} ms, "
            f"p95 {at(seconds, 0.95) * 1000:4.0f} ms"
        )
    clicks = [s for step, all_of in told.seconds.items() if step != "log in" for s in all_of]
    print(
        f"journey: {len(told.errors)} errors (none wanted) in {len(clicks)} answers, "
        f"{len(clicks) / minutes / 60:.1f} a second; "
        f"p95 {at(clicks, 0.95) * 1000:.0f} ms (under {WANTED_MS} wanted)"
    )
    for error in told.errors[:10]:
        print(f"journey: {error}")


if __name__ == "__main__":
    main()
