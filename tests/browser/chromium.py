"""Starts Chromium, wherever it comes from."""

import os
import shutil

from playwright.sync_api import Browser, Playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def path() -> str | None:
    """Where Chromium is: named by CHROMIUM, else the system's; None for Playwright's own."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


def launch(playwright: Playwright) -> Browser:
    """Chromium: named by CHROMIUM, else the system's, else Playwright's own."""
    return playwright.chromium.launch(executable_path=path(), args=ARGUMENTS)
