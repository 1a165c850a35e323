"""The report of a table of person-days, and files that cannot be written."""

import json
import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from patients.domain.errors import InputError
from scoring.learning import cohort
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
    for words in ("By sex", "Without heart", "Logistic regression", "Later", "20 of 20"):
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


def test_the_command_measures_the_cohort_that_is_simulated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = SimpleNamespace(seed=None, people=None)

    def simulated_table(seed: int, people: int) -> Any:
        asked.seed, asked.people = seed, people
        return many()

    monkeypatch.setattr(cohort, "simulated_table", simulated_table, raising=False)
    call_command("evaluate", "--dataset", "simulated", "--seed", "7", "--people", "9", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert (asked.seed, asked.people, answer["seed"]) == (7, 9, 7)
    assert answer["outcomes"]["mania"]["n"] == 1600 and "curves" not in answer["outcomes"]["mania"]
    assert all(model["trained_on"] for model in answer["models"].values())


def test_without_a_cohort_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cohort, "simulated_table", raising=False)
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate", "--dataset", "simulated", "--json", stderr=said)
    assert ended.value.code == 2 and "give --dataset folder" in said.getvalue()
