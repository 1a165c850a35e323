"""The strict reader: what it takes, and how it says what is wrong, where, and the mend."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from patients.domain.rule_files import Maybe, RuleFileError, about, read_rule_file

TOP = """# What it is for.
# And for whom.
authored_by = "us"
checked_by = ""
date_reviewed = 2026-11-20
next_review = 2027-05-20
source = "a paper"
"""
SHAPE = {
    "days": int,
    "share": float,
    "on": bool,
    "begun": date,
    "names": [str],
    "edges": {"low": float, "high": float, "note": Maybe(str)},
    "of": {str: {"hours": float}},
}
BODY = """days = 3
share = 1
on = true
begun = 2026-01-01
names = ["a", "b"]
[edges]
low = 0.1
high = 0.2
[of.anything]
hours = 2.5
"""


def read(tmp_path: Path, body: str, top: str = TOP) -> dict[str, Any]:
    path = tmp_path / "some.toml"
    path.write_text(top + body)
    return read_rule_file(path, SHAPE)[0]


def refused(tmp_path: Path, old: str, new: str) -> str:
    assert old in TOP + BODY
    with pytest.raises(RuleFileError) as refusal:
        read(tmp_path, BODY.replace(old, new, 1), TOP.replace(old, new, 1))
    return str(refusal.value)


def test_a_file_of_the_shape_is_read(tmp_path: Path) -> None:
    table = read(tmp_path, BODY)
    assert (table["days"], table["share"], table["of"]) == (3, 1, {"anything": {"hours": 2.5}})
    assert read(tmp_path, BODY.replace("high", 'note = "so"\nhigh'))["edges"]["note"] == "so"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("high = 0.2", "hihg = 0.2", "edges.hihg is an unknown field: did you mean high?"),
        ("days = 3", "days = 3\nweeks = 1", "weeks is an unknown field: correct or remove it"),
        ("hours = 2.5", "hours = 2.5\nx = 1", "of.anything.x is an unknown field"),
        ("low = 0.1\n", "", "the field edges.low is missing: add it"),
        ("days = 3", "days = 3.5", "days must be a whole number, not 3.5: correct it"),
        ("days = 3", "days = true", "days must be a whole number"),
        ("share = 1", 'share = "1"', "share must be a number, not '1'"),
        ("share = 1", "share = nan", "share must be a number"),
        ("on = true", "on = 1", "on must be true or false"),
        ("begun = 2026-01-01", 'begun = "2026-01-01"', "begun must be a date such as"),
        ("begun = 2026-01-01", "begun = 2026-01-01T08:00:00", "begun must be a date such as"),
        ('names = ["a", "b"]', 'names = "a"', "names must be a list in square brackets"),
        ('"b"]', "2]", "names, item 2 must be a text in quotes"),
        ("[edges]\nlow = 0.1\nhigh = 0.2\n", "edges = 1\n", "edges must be a table"),
        ("next_review = 2027-05-20", 'next_review = "2027"', "next_review must be a date"),
        ('authored_by = "us"', "", "does not say authored_by: add it at the top"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_mend(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    sentence = refused(tmp_path, old, new)
    assert sentence.startswith("some.toml") and says in sentence


def test_a_typo_in_the_toml_names_the_line(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "share = 1", "share = 1 2")
    assert "some.toml is not valid TOML" in sentence and "at line 9" in sentence
    assert "Correct it there, or restore the file." in sentence


def test_a_file_says_what_it_is_for(tmp_path: Path) -> None:
    read(tmp_path, BODY)
    assert about(tmp_path / "some.toml") == "What it is for. And for whom."
