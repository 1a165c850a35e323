"""The report of a table of person-days, and files that cannot be written."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from patients.domain.errors import InputError
from scoring.learning.evaluate import evaluated
from scoring.presenters.evaluation import simulated_report, written
from scoring.resources import router_rules
from tests.scoring.learning.test_evaluate import many


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return evaluated(many(), router_rules()) | {
        "models": {"mania-<b>": {"sha256": "0", "trained_on": "simulated"}}
    }


def test_every_part_of_the_table_is_on_the_page(found: dict[str, Any], tmp_path: Path) -> None:
    written(tmp_path / "new/report", simulated_report(found), found)
    page = (tmp_path / "new/report/report.html").read_text("utf-8")
    assert page.partition("<body>")[2].strip().startswith('<p class="notice">Research use: model')
    for words in (
        "By sex",
        "Without heart",
        "Logistic regression",
        "Later",
        "20 of 20",
        "Light enters neither",
        "Mania or hypomania",
        "Days with a probability from 0.1 on",
        "NPV of Low",
    ):
        assert words in page, words
    assert "mania-&lt;b&gt;" in page and "mania-<b>" not in page
    assert not re.search(r"\b(nan|inf|None)\b", page)
    numbers = json.loads((tmp_path / "new/report/report.json").read_text("utf-8"))
    assert numbers["outcomes"]["mania"]["auroc"] == found["outcomes"]["mania"]["auroc"]


def test_without_a_simulated_model_there_is_no_notice(found: dict[str, Any]) -> None:
    models = {"mania-1": {"sha256": "0", "trained_on": "a clinic"}}
    assert simulated_report(found | {"models": models}).notice is None


def test_a_report_that_cannot_be_written_is_one_sentence(
    found: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written .* another folder"):
        written(tmp_path / "file", simulated_report(found), found)


def test_the_command_measures_simulated_people(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("evaluate", "--dataset", "simulated", "--seed", "7", "--people", "6", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["seed"] == 7 and 1 <= answer["people"] <= 6
    depression, mania = (answer["outcomes"][name] for name in ("depression", "mania"))
    assert mania["n"] >= depression["n"] > 0 and "curves" not in mania
    nights = {f"{n}% of the nights" for n in (80, 60, 40, 20)}
    for outcome in ("mania", "hypomania"):
        less = answer["outcomes"][outcome]["ablations"]
        assert set(less) == {"36 features alone", "without heart", *nights}
        assert 0 < less["20% of the nights"]["n"] == less["80% of the nights"]["n"] < mania["n"]
    assert set(depression["ablations"]) == {f"{n}% of the week" for n in (80, 60, 40, 20)}
    assert set(mania["subgroups"]) == {"age", "sex", "diagnosis", "device", "life"}
    assert all(model["trained_on"] for model in answer["models"].values())


def test_of_one_person_the_command_says_nothing() -> None:
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate", "--dataset", "simulated", "--people", "1", "--json", stderr=said)
    assert ended.value.code == 2 and "--people more" in said.getvalue()
