"""Lighthouse on the main pages: `make check-lighthouse` prints accessibility and best practices.

Chromium is Playwright's child with a debugging port; Lighthouse joins it there with the cookie of
a session, so nothing is logged in through the door.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.bench.api import free_port
from tests.browser.chromium import ARGUMENTS, path
from tests.browser.looking import MAIN, session_cookie
from tests.browser.packages import PACKAGES
from tests.browser.served import served
from tests.node import node

WANTED = {"accessibility": 1.0, "best-practices": 0.95}
COMMAND = PACKAGES.modules / "lighthouse" / "cli" / "index.js"


def main_pages(main: str) -> dict[str, tuple[str, ...]]:
    """The pages opened most, by role, of those that there are."""
    from tests.browser.pages import route_of

    wanted = {
        "psychiatrist": ("/", f"/patients/{main}/", "/alerts/", "/notices/", "/today/"),
        "administrator": ("/baselines/", "/medications/", "/messages/", "/clinic/"),
        "": ("/login/",),
    }
    return {
        role: tuple(a for a in found if a == "/" or route_of(a)) for role, found in wanted.items()
    }


def scores(url: str, cookie: str, port: int) -> tuple[dict[str, float], list[str]]:
    """Each category's score, and the audits that are not full marks. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}))
        command = [
            *(node(), str(COMMAND), url, "--quiet", f"--port={port}", "--output=json"),
            *(f"--output-path={out}", f"--extra-headers={headers}", "--preset=desktop"),
            f"--only-categories={','.join(WANTED)}",
        ]
        environment = os.environ | {"CHROME_PATH": path() or ""}
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment)
        if done.returncode or not out.exists():
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "no report")
        report = json.loads(out.read_text())
    if error := report.get("runtimeError"):
        raise RuntimeError(error["message"])
    return {name: report["categories"][name]["score"] for name in WANTED}, _short(report)


def _short(report: dict[str, Any]) -> list[str]:
    return [
        f"{audit['id']}: {audit['title']}"
        for name in WANTED
        for ref in report["categories"][name]["auditRefs"]
        if ref["weight"] and (audit := report["audits"][ref["id"]])["score"] not in (None, 1)
    ]


def main() -> int:
    """Print the scores; 1 where one is too low."""
    if reason := PACKAGES.unavailable_reason():
        print(reason)
        return 1
    port, low = free_port(), 0
    with served() as (url, clinic), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path(), args=[*ARGUMENTS, f"--remote-debugging-port={port}"]
        )
        for role, addresses in main_pages(MAIN).items():
            who = clinic["people"].get(role)
            cookie = f"sessionid={session_cookie(who, url)['value']}" if who else ""
            for address in addresses:
                try:
                    found, short = scores(url + address, cookie, port)
                except RuntimeError as trouble:
                    print(f"lighthouse: {address} could not be looked at: {trouble}", flush=True)
                    low += 1
                    continue
                low += sum(found[name] < WANTED[name] for name in WANTED)
                words = ", ".join(f"{name} {score * 100:.0f}" for name, score in found.items())
                print(f"lighthouse: {address} {words} {'; '.join(short)}", flush=True)
        browser.close()
    return bool(low)


if __name__ == "__main__":
    sys.exit(main())
