"""Every number in a table, or beside a term, carries its unit: there, in a heading or a caption."""

import re
from collections.abc import Iterator

import pytest
from lxml import html

from patients.models import Role
from tests import factories
from tests.browser.looking import MAIN
from tests.browser.pages import Shown, walk
from tests.browser.states import build_withheld
from tests.integration.reading import browser, yesterday

pytestmark = pytest.mark.django_db

NUMBER = re.compile(r"[≈<>≤≥+−-]?\s?\d[\d.,\s]*")
UNITS = re.compile(
    r"\b(days?|nights?|weeks?|months?|hours?|minutes?|h|min|ms|bpm|steps?|points?|SD|people|"
    r"patients?|alerts?|scores?|episodes?|messages?|attempts|rows|records|percent)\b|%",
    re.IGNORECASE,
)
# Measures that have no unit, ranks, codes and shares from 0 to 1.
UNITLESS = re.compile(
    r"\b(AUROC|AUPRC|Brier|ECE|Interdaily stability|Mean per minute|Rxnorm|Place|Weigh|among)\b"
)


def bare_numbers(page: html.HtmlElement) -> Iterator[tuple[str, str]]:
    """Cells and descriptions that hold nothing but a number, each with all that names it."""
    for cell in page.iter("td"):
        if NUMBER.fullmatch(words(cell)):
            yield words(cell), " | ".join(headings(cell))
    for told in page.iter("dd"):
        term = told.getprevious()
        if NUMBER.fullmatch(words(told)):
            yield words(told), words(term) if term is not None else ""


def words(element: html.HtmlElement) -> str:
    """Its text, with what is only read aloud."""
    return " ".join(str(element.text_content()).split())


def headings(cell: html.HtmlElement) -> Iterator[str]:
    """Of its column and row, the note beside it, the table's caption, the heading above it."""
    row, table = cell.getparent(), next(cell.iterancestors("table"))
    place = sum(int(c.get("colspan") or 1) for c in cell.itersiblings(preceding=True))
    for heads in table.xpath("./thead/tr"):
        at = 0
        for head in heads.iterchildren("th", "td"):
            span = int(head.get("colspan") or 1)
            if at <= place < at + span:
                yield words(head)
            at += span
    yield from map(words, row.xpath("./th | ./td[@class='note']"))
    yield from map(words, table.iterchildren("caption"))
    yield from map(words, cell.xpath("(./preceding::h2 | ./preceding::h3)[last()]"))


def without_unit(pages: list[Shown]) -> set[tuple[str, str, str]]:
    """Route, number and names of each that has no unit."""
    return {
        (one.route, number, named)
        for one in pages
        if one.media == "text/html"
        for number, named in bare_numbers(html.fromstring(one.body))
        if not UNITS.search(named) and not UNITLESS.search(named)
    }


def test_a_number_without_a_unit_is_found() -> None:
    table = (
        b"<table><caption>Sleep</caption><thead><tr><th>Day</th><th>Asleep</th></tr></thead>"
        b"<tr><th>Monday</th><td>7.3</td></tr></table>"
    )
    page = Shown("/", "", "text/html", table)
    assert without_unit([page]) == {("", "7.3", "Asleep | Monday | Sleep")}
    told = Shown("/", "", "text/html", table.replace(b"Asleep", b"Asleep, h"))
    assert without_unit([told]) == set()


def test_minutes_and_days_of_the_data_page_carry_their_units_themselves() -> None:
    client, me = browser()
    patient = factories.patient("P-1", [me])
    factories.recording(patient, yesterday(), 3)
    page = html.fromstring(client.get("/patients/P-1/data/").content)
    cells = [words(c) for c in page.xpath("//table[not(contains(@class, 'zones'))]//td")]
    assert any(re.match(r"1,440 min", cell) for cell in cells)
    assert any(re.fullmatch(r"\d+ days?", cell) for cell in cells)
    places = [words(c) for c in page.xpath("//td[@class='place']")]
    assert [c for c in cells if NUMBER.fullmatch(c) and c not in places] == []


def test_every_number_of_a_rule_has_a_unit_or_is_told_to_have_none() -> None:
    client, _ = browser()
    units = {
        "families": "counts a minute", "drift": "without a unit", "flags": "without a unit",
        "triage": "the probability, 0 to 1",
    }  # fmt: skip
    for rule, unit in units.items():
        told = words(html.fromstring(client.get(f"/rules/{rule}/").content))
        assert unit in told, rule
        assert "Probabilities, shares and weights are from 0 to 1" in told


@pytest.mark.parametrize("role", Role.values)
def test_each_number_of_a_table_carries_its_unit(role: str) -> None:
    clinic = build_withheld(assessed=True)
    pages = list(walk(clinic["people"][role], MAIN, each=5))
    assert sum(len(list(bare_numbers(html.fromstring(p.body)))) for p in pages if p.is_page) > 5
    assert without_unit(pages) == set()
