"""A day that could not be assessed shows no probability anywhere, though numbers are stored.

Every address that somebody can open is read: pages, their charts' data, JSON, CSV, PDF and the
API. The same numbers on days that were assessed are found, so the search can find them.
"""

import io
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader

from patients.models import Role
from tests.browser.looking import MAIN
from tests.browser.pages import Shown, walk
from tests.browser.states import DAYS_HIDDEN, HIDDEN, build_withheld

pytestmark = pytest.mark.django_db

BLANK = r"[\s\u00a0\u202f]*"


def forms(share: float) -> Iterator[str]:
    """How a share may be written: 0.7341, 0.734, 0.73; 73.41, 73.4; 73 %; with a comma too."""
    for digits in (4, 3, 2):
        yield rf"0[.,]{f'{share:.{digits}f}'[2:]}"
    for digits in (2, 1):
        yield f"{share * 100:.{digits}f}".replace(".", "[.,]")
    yield rf"{share * 100:.0f}{BLANK}(?:%|percent|pour cent|points?\b|pts\b)"


SOUGHT = re.compile(
    "|".join(
        rf"(?<![\d.,])(?:{form})(?![\d])" for share in HIDDEN.values() for form in forms(share)
    )
)


def words_of(one: Shown) -> str:
    """What the answer says; of a PDF its text."""
    if one.media == "application/pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(one.body)).pages)
    return one.body.decode(errors="replace")


def found_in(answers: list[Shown]) -> dict[str, list[str]]:
    """Each address that shows one of the numbers, with what it shows and what stands around it."""
    found = {}
    for one in answers:
        text = words_of(one)
        if hits := [text[max(m.start() - 60, 0) : m.end() + 20] for m in SOUGHT.finditer(text)]:
            found[one.address] = hits
    return found


def read_all(clinic: dict[str, Any], role: str, language: str = "en") -> list[Shown]:
    """Everything about the patient, and everything else, as that role is shown it."""
    return walk(clinic["people"][role], MAIN, each=5, language=language)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("role", Role.values)
def test_no_address_shows_a_number_of_an_indeterminate_day(role: str, language: str) -> None:
    answers = read_all(build_withheld(), role, language)
    assert {"text/html", "application/json", "text/csv"} <= {one.media for one in answers}
    assert any(f"/patients/{MAIN}/" in one.address for one in answers)
    assert found_in(answers) == {}


def test_the_same_numbers_are_found_on_days_that_were_assessed() -> None:
    found = found_in(read_all(build_withheld(assessed=True), Role.PSYCHIATRIST))
    shown = {"/", f"/patients/{MAIN}/", f"/api/v1/scores/?patient={MAIN}", "/api/v1/patients/"}
    assert shown <= set(found), found.keys()


def trends(answers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The data of charts by day of the record: in a page for its script, or by themselves."""
    for address, body in answers.items():
        if not address.startswith(f"/patients/{MAIN}/"):
            continue
        given = re.findall(r"<script[^>]*application/json[^>]*>(.*?)</script>", body, re.S)
        for text in given if "<html" in body[:500] else [body] * body.startswith("{"):
            data = json.loads(text)
            if isinstance(data, dict) and "tracks" in data:
                yield data


def test_the_gap_is_seen_and_earlier_days_stay() -> None:
    clinic = build_withheld()
    answers = {o.address: words_of(o) for o in read_all(clinic, Role.PSYCHIATRIST)}
    drawn = list(trends(answers))
    assert drawn
    for trend in drawn:
        scored = (clinic["day"] - date.fromisoformat(trend["first"])).days + 1
        for track in trend["tracks"]:
            percent = track["percent"][:scored]  # today is not scored yet
            assert percent[-DAYS_HIDDEN:] == [None] * DAYS_HIDDEN
            assert (percent[-DAYS_HIDDEN - 1] is None) == (track["name"] == "mania")
            earlier = percent[-30 : -DAYS_HIDDEN - 1]
            assert earlier and None not in earlier
    scores = json.loads(answers[f"/api/v1/scores/?patient={MAIN}"])["results"]
    assert [it["probability"] for it in scores[:DAYS_HIDDEN]] == [None] * DAYS_HIDDEN
    assert [it["depression"]["probability"] for it in scores[:DAYS_HIDDEN]] == [None] * DAYS_HIDDEN
    assert all(it["probability"] is not None for it in scores[DAYS_HIDDEN:30])
