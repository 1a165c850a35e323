"""`manage.py fit_references`: a folder of recordings becomes a reference with its manifest."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patients.domain.recording import Family
from scoring.engines.artifacts import load_manifest
from scoring.engines.models import Models
from scoring.resources import DATA
from tests.scoring.test_analyse import Ran, run

PEOPLE = 20


def a_person(seed: int, days: int = 9, start: datetime = datetime(2003, 5, 7, 12)) -> str:
    """The rows of a regular sleeper, from noon on."""
    rng = np.random.default_rng(seed)
    minutes = [start + timedelta(minutes=i) for i in range(days * 1440)]
    asleep = np.array([t.hour >= 23 or t.hour < 7 for t in minutes])
    counts = np.where(asleep, rng.poisson(3, len(minutes)), rng.poisson(200, len(minutes)))
    rows = (f"{t},{t:%Y-%m-%d},{c}" for t, c in zip(minutes, counts, strict=True))
    return "timestamp,date,activity\n" + "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups as `evaluate` reads them, beside a table that is no recording."""
    folder = tmp_path_factory.mktemp("cohort")
    for n in range(PEOPLE):
        group = folder / ("condition" if n % 2 else "control")
        group.mkdir(exist_ok=True)
        (group / f"person_{n}.csv").write_text(a_person(n))
    (folder / "scores.csv").write_text("number,days,madrs1\nperson_1,11,19\n")
    return folder


def fit(folder: Path, cohort: Path, *more: str) -> Ran:
    unit = () if "--unit" in more else ("--unit", "actiwatch_counts")
    return run(
        folder, "fit_references", str(cohort), *unit, "--out", str(folder / "out"), "--json", *more
    )


def test_a_folder_of_people_becomes_a_reference(cohort: Path, tmp_path: Path) -> None:
    ran = fit(tmp_path, cohort, "--name", "two groups")
    assert ran.code == 0, ran.err
    answer: dict[str, Any] = json.loads(ran.out)
    [reference] = answer["references"]
    assert (reference["unit"], reference["people"]) == ("actiwatch_counts", PEOPLE)
    assert [left["name"] for left in answer["left_out"]] == ["scores.csv"]
    artifact = load_manifest(tmp_path / "out")["references"]
    assert artifact.sha256 == answer["sha256"] and artifact.trained_on == "two groups"
    source = artifact.training["sources"]["actiwatch_counts"]
    assert source["people"] == PEOPLE and len(source["inputs_sha256"]) == 64
    assert str(cohort) not in (tmp_path / "out/manifest.json").read_text()
    mean = Models(tmp_path / "out").references[Family.ACTIWATCH_COUNTS].mean.reshape(7, 1440)
    assert mean[:, 600:660].mean() == pytest.approx(200, rel=0.01)  # 10:00, from midnight on
    assert mean[:, 120:180].mean() == pytest.approx(3, rel=0.05)
    assert not (ran.state / "postgres").exists()


def test_other_families_of_the_folder_stay(cohort: Path, tmp_path: Path) -> None:
    assert run(tmp_path, "fit_references", "--out", str(tmp_path / "out")).code == 0
    before = Models(tmp_path / "out").references
    assert fit(tmp_path, cohort).code == 0
    after = Models(tmp_path / "out").references
    assert after.keys() == before.keys()
    same = {f for f in before if np.array_equal(before[f].mean, after[f].mean)}
    assert same == set(before) - {Family.ACTIWATCH_COUNTS}
    assert load_manifest(tmp_path / "out")["references"].trained_on == "simulated"
    assert load_manifest(tmp_path / "out")["references"].training["sources"].keys() == {
        str(family) for family in before
    }


def test_any_recording_that_ingest_reads_counts(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(PEOPLE):
        text = a_person(n, days=8).replace("activity", "activity:mims")
        (folder / f"{n}.csv").write_text(text)
    (folder / "short.csv").write_text(a_person(1, days=2).replace("activity", "activity:mims"))
    (folder / "steps.csv").write_text(a_person(1, days=8).replace("activity", "steps"))
    ran = fit(tmp_path, folder, "--unit", "mims", "--timezone", "Europe/Oslo")
    answer = json.loads(ran.out)
    assert (ran.code, answer["references"][0]["people"]) == (0, PEOPLE), ran.err
    reasons = {left["name"]: left["reason"] for left in answer["left_out"]}
    assert reasons["short.csv"].startswith("The sensor was worn 21 % of its first week, 30 %")
    assert reasons["steps.csv"] == "Its activity is steps, not mims."


def test_too_few_people_are_refused_and_nothing_is_written(cohort: Path, tmp_path: Path) -> None:
    ran = fit(tmp_path, cohort / "control")
    assert (ran.code, ran.out) == (2, "")
    assert "10 people" in ran.err and "at least 20" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--unit", "mims"], "Give a folder of recordings and their --unit"),
        (["nowhere", "--unit", "mims"], "no file or folder nowhere"),
        ([str(DATA / "families.toml"), "--unit", "mims"], "families.toml is a file"),
        ([str(DATA), "--unit", "mims", "--timezone", "Mars"], "time zone 'Mars'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: list[str], says: str) -> None:
    ran = run(tmp_path, "fit_references", *arguments, "--out", str(tmp_path / "out"), "--json")
    assert (ran.code, ran.out) == (2, "") and says in ran.err
