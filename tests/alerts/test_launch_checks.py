"""Nonsense in the settings of the launch and of frames is said at start-up."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from alerts.ehr_tokens import key_make
from alerts.launch_checks import launch_settings
from tests.conftest import ROOT

SHOWN = """import django; django.setup()
from django.conf import settings; from django.test import Client
answer = Client().get("/health/live")
print(answer["Content-Security-Policy"]); print(answer.headers.get("X-Frame-Options"))
print(settings.SESSION_COOKIE_SAMESITE, settings.CSRF_COOKIE_SAMESITE)"""


def ids() -> list[str | None]:
    return [found.id for found in launch_settings()]


def test_nothing_set_is_fine() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"EHR_LAUNCH_CLIENT_ID": "clarity"}, ["clarity.E021"]),
        ({"EHR_LAUNCH_CLIENT_ID": "a b", "EHR_BASE_URL": "https://e.example"}, ["clarity.E020"]),
        ({"EHR_LAUNCH_CLIENT_ID": "clarity", "EHR_BASE_URL": "https://e.example"}, []),
        ({"FRAME_ANCESTORS": ["https://ehr.example"]}, ["clarity.E023"]),
        ({"FRAME_ANCESTORS": ["https://ehr.example:8443", "https://*.ehr.example"],
          "BEHIND_HTTPS": True}, []),
        *(
            ({"FRAME_ANCESTORS": [bad], "BEHIND_HTTPS": True}, ["clarity.E022"])
            for bad in ("*", "https:", "http://ehr.example", "'self'", "https://a.b/path", "a;b")
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(
    settings: Any, given: dict[str, Any], expected: list[str]
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    assert ids() == expected


@pytest.mark.django_db
def test_a_client_that_signs_needs_a_key(settings: Any, tmp_path: Path) -> None:
    settings.EHR_BASE_URL, settings.EHR_LAUNCH_CLIENT_ID = "https://e.example", "clarity"
    settings.EHR_LAUNCH_SIGNED, settings.EHR_KEYS_DIR = True, tmp_path / "keys"
    assert ids() == ["clarity.W020"]
    key_make(algorithm="ES384", by="boss", now=timezone.now())
    assert ids() == []


@pytest.mark.parametrize("sites", ["", "https://ehr.example,https://*.other.example"])
def test_no_site_may_frame_a_page_unless_it_is_named(sites: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("EHR_FRAME_ANCESTORS", sites)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "clarity_site.settings")
    monkeypatch.setenv("ALLOWED_HOSTS", "testserver")
    run = subprocess.run(
        [sys.executable, "-c", SHOWN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    policy, frame_options, cookies = run.stdout.strip().splitlines()
    named = " ".join(sites.split(",")) or "'none'"
    assert f"frame-ancestors {named};" in f"{policy};"
    assert frame_options == ("None" if sites else "DENY")
    assert cookies == ("None None" if sites else "Lax Lax")
