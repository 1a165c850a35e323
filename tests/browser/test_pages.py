"""The walk of pages finds what there is."""

from typing import Any

import pytest
from django.urls import get_resolver

from patients.models import Role
from tests.browser.looking import MAIN
from tests.browser.pages import LEFT_OUT, links_of, parameters, patterns, value_of, walk
from tests.browser.states import build_every_state

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic(settings: Any) -> dict[str, Any]:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    return build_every_state()


# Only programs with a token of theirs come there: tests/integration/fhir, test_cds.py.
PROGRAMS = ("cds-services/", "fhir/")


def test_every_parameter_has_a_value_or_is_reached_by_a_link(clinic: dict[str, Any]) -> None:
    reached = {one.route for who in clinic["people"].values() for one in walk(who, MAIN)}
    for route, _ in patterns(get_resolver()):
        unknown = [name for name in parameters(route) if value_of(name, MAIN) is None]
        if unknown and not route.startswith((*LEFT_OUT, *PROGRAMS)) and route not in reached:
            pytest.fail(f"{route}: let states.py make a {unknown} of {MAIN}")


def test_the_walk_reaches_pages_tables_and_what_is_asked_for(clinic: dict[str, Any]) -> None:
    found = {one.address: one for one in walk(clinic["people"][Role.ADMINISTRATOR], MAIN)}
    assert {"/", f"/patients/{MAIN}/", "/runs/", "/rules/performance.csv"} <= set(found)
    assert not found["/rules/performance.csv"].is_page and found["/runs/"].is_page
    assert any("?" in address and one.is_page for address, one in found.items())
    assert len({address for address in found if address.startswith("/patients/")}) >= 4


def test_nobody_walks_into_the_doors_only(clinic: dict[str, Any]) -> None:
    shown = {one.route for one in walk(None, MAIN)}
    doors = {"login/", "password/<uidb64>/<token>/"}
    told = {"cds-services", "fhir/R4/metadata", "fhir/R4/.well-known/smart-configuration"}
    keys = {".well-known/jwks.json"}  # public by nature, as what the machine says of itself
    assert shown == doors | told | keys | {"health/live", "health/ready", "metrics"}


def test_links_are_those_that_only_ask() -> None:
    body = b"""<a href="?day=1">1</a> <a href="https://elsewhere.example/x">2</a>
    <form method="post" action="/do/"></form> <form action="/find/"></form>
    <div hx-get="/part/"></div> <div data-trend-url="/chart/"></div>"""
    assert list(links_of(body, "/patients/X/")) == [
        "/patients/X/?day=1", "/find/", "/part/", "/chart/",
    ]  # fmt: skip
