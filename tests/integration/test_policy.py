"""No page runs a script of its own or asks another host, and every answer says so in its header."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.views.defaults import bad_request, permission_denied, server_error

from patients.models import Role
from tests import factories
from tests.browser.looking import MAIN
from tests.browser.pages import Shown, walk
from tests.browser.states import build_every_state

pytestmark = pytest.mark.django_db

LOADS = {"src", "href", "action", "formaction", "srcset", "poster", "data", "hx-get", "hx-post"}
# Inert: data for a script, as the policy sees it too.
DATA = {"application/json"}


class Trouble(HTMLParser):
    """Collects what the policy forbids, or what leaves the host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given and given.get("type") not in DATA:
            self.found.append("an inline script")
        if tag == "style":
            self.found.append("an inline style sheet")
        for name, value in attrs:
            if name.startswith(("on", "hx-on", "js:")) or name == "style":
                self.found.append(f"<{tag} {name}={value!r}>")
            if name in LOADS and re.match(
                r"\s*(?:[a-z]+:)?//|\s*(?:javascript|data):", value or ""
            ):
                self.found.append(f"<{tag} {name}={value!r}>")


def trouble_of(body: bytes) -> list[str]:
    parser = Trouble()
    parser.feed(body.decode())
    return parser.found


@pytest.fixture
def clinic(settings: Any) -> dict[str, Any]:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    return build_every_state()


def strict(headers: Any) -> bool:
    """Whether scripts come from here alone, and nothing from elsewhere."""
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in headers.get("Content-Security-Policy", "").split(";")
    )
    return (
        policy.get("script-src") == "'self'"
        and policy.get("default-src") == "'self'"
        and policy.get("object-src") == "'none'"
        and policy.get("base-uri") == "'none'"
        and policy.get("frame-ancestors") == "'none'"
        and policy.get("form-action") == "'self'"
        and "http" not in headers["Content-Security-Policy"]
    )


def check(one: Shown) -> list[str]:
    found = [] if strict(one.headers) else ["no strict Content-Security-Policy"]
    if one.headers.get("X-Content-Type-Options") != "nosniff":
        found.append("may be sniffed")
    if one.headers.get("X-Frame-Options") != "DENY":
        found.append("may be framed")
    return found + (trouble_of(one.body) if one.media == "text/html" else [])


@pytest.mark.parametrize("role", [*Role.values, "nobody"])
def test_every_answer_keeps_the_policy(role: str, clinic: dict[str, Any]) -> None:
    answers = walk(clinic["people"].get(role), MAIN)
    assert len(answers) > (3 if role == "nobody" else 25)
    assert {one.address: found for one in answers if (found := check(one))} == {}


@pytest.mark.parametrize(
    "address", ["/nowhere/", "/patients/CL-404/", "/api/v1/patients/CL-404/", "/api/v1/scores/"]
)
def test_refusals_keep_the_policy(address: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(factories.user())
    answer = client.get(address)
    assert answer.status_code in (400, 404)
    assert strict(answer.headers) and not trouble_of(answer.content)


def test_error_pages_keep_the_policy(rf: Any, client: Client) -> None:
    for view in (bad_request, permission_denied):
        assert not trouble_of(view(rf.get("/"), Exception()).content)
    assert not trouble_of(server_error(rf.get("/")).content)
    refused = Client(enforce_csrf_checks=True).post("/login/", {"username": "x"})
    assert refused.status_code == 403 and strict(refused.headers)
    assert not trouble_of(refused.content)


def test_what_is_forbidden_is_found() -> None:
    body = b"""<script>1</script><script type="application/json">{}</script><p style="x">
    <a href="https://elsewhere.example">x</a><button onclick="y"></button><img src="//cdn.example">
    <script src="/static/x.js"></script><a href="javascript:1">z</a><style>p {}</style>"""
    assert len(trouble_of(body)) == 7
