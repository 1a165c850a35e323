"""`manage.py evaluate`: a hostile folder of two groups, and everything that is refused."""

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from sklearn.metrics import roc_auc_score

from patients.domain.recording import Family
from scoring.datasets.folder import groups_in, mean_activity, members_in
from scoring.domain.pat_window import of_a_week, standardised
from scoring.engines.models import load_models
from scoring.evaluation import evaluate_folder, folder_cohort
from scoring.learning.references import fitted
from scoring.management.commands import evaluate
from scoring.resources import ARTIFACTS, router_rules
from tests.model_folders import copied, leaning, manifest_edited
from tests.scoring.labelled import minutes, table, write_folder
from tests.scoring.test_analyse import Ran, run

PEOPLE = 11
CALL = ("--positive", "condition", "--unit", "actiwatch_counts")
BAD = {
    "short": table(minutes(np.random.default_rng(0), days=1)),
    "still": table(np.full(9 * 1440, 5.0)),
    "semicolons": table(np.ones(9)).replace(",", ";"),
    "words": "timestamp,date,activity\n2003-05-07 12:00:00,2003-05-07,none\n",
}
REASONS = {
    "short": "worn 7 %",
    "still": "worn 0 %",
    "semicolons": "by semicolons",
    "words": "no activity",
}


def changed(rng: np.random.Generator) -> np.ndarray:
    return minutes(rng, level=170, later_hours=1.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups that differ, among whose files some are good for nothing."""
    path = write_folder(tmp_path_factory.mktemp("cohort"), PEOPLE, changed)
    for name, text in BAD.items():
        (path / "control" / f"{name}.csv").write_text(text)
    (path / "scores.csv").write_text("number,madrs1\ncondition_1,19\n")
    floored = path / "condition/condition_1.csv"
    rows = [line.rsplit(",", 1) for line in floored.read_text().splitlines()]
    rows = [rows[0], *([a, str(max(float(v), 6))] for a, v in rows[1:])]
    floored.write_text("\ufeff" + "\r\n".join(map(",".join, rows)), "utf-8")
    return path


@pytest.fixture(scope="module")
def ran(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The command on it, once, with a report."""
    at = tmp_path_factory.mktemp("evaluate")
    arguments = ("evaluate", "--dataset", "folder", str(folder), *CALL)
    return run(at, *arguments, "--out", str(folder / "report"), "--json")


@pytest.fixture(scope="module")
def answer(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    return dict(json.loads(ran.out))


def test_standard_output_is_one_object_and_no_database_was_started(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    assert ran.out.startswith("{") and ran.out.count("\n") == 1
    assert "NaN" not in ran.out and "Infinity" not in ran.out
    assert not (ran.state / "postgres").exists()


def test_everyone_is_scored_or_named_with_the_reason(answer: dict[str, Any]) -> None:
    assert (answer["n"], answer["positives"]) == (2 * PEOPLE, PEOPLE)
    unscored = {u["name"]: u["reason"] for u in answer["unscored"]}
    assert unscored.keys() == REASONS.keys()
    for name, says in REASONS.items():
        assert says in unscored[name]


def test_both_areas_are_those_of_the_same_people(folder: Path, answer: dict[str, Any]) -> None:
    members = [m for m in members_in(groups_in(folder), Family.ACTIWATCH_COUNTS, 0.3) if m.week]
    weeks = [m.week for m in members if m.week]
    labels = [m.group == "condition" for m in members]
    own = of_a_week(fitted(weeks, "here").reference)
    raw = load_models(ARTIFACTS).depression_engine.probabilities(
        np.stack([standardised(week, own) for week in weeks])
    )
    still = [-mean_activity(week) for week in weeks]
    assert answer["reference"] == "own"
    assert answer["depression_auc"] == pytest.approx(roc_auc_score(labels, raw), abs=1e-6)
    assert answer["mean_activity_auc"] == pytest.approx(roc_auc_score(labels, still), abs=1e-6)
    awake = [-week.activity[week.worn].mean(dtype=np.float64) for week in weeks]
    assert answer["mean_worn_activity_auc"] == pytest.approx(roc_auc_score(labels, awake), abs=1e-6)
    assert answer["mean_activity_auc"] > 0.6  # less activity counts as more depressed
    low, high = answer["depression_auc_ci"]
    assert 0 <= low <= answer["depression_auc"] <= high <= 1


def test_the_report_calls_nobody_and_begins_with_the_notice(
    folder: Path, answer: dict[str, Any]
) -> None:
    page = (folder / "report/report.html").read_text("utf-8")
    assert "://" not in page and "<script" not in page and "url(" not in page
    body = page.partition("<body>")[2]
    assert body.strip().startswith(f'<p class="notice">{answer["notice"]}</p>')
    assert answer["notice"].startswith("Research use: model trained on simulated data")
    assert page.count("<polyline") == 7 and f"{answer['depression_auc']:.3f}" in page
    for name in REASONS:
        assert f'<th scope="row">{name}</th>' in page


def test_the_numbers_lie_beside_it(folder: Path, answer: dict[str, Any]) -> None:
    numbers = json.loads((folder / "report/report.json").read_text("utf-8"))
    assert numbers["depression_auc"] == answer["depression_auc"]
    assert numbers["curves"]["depression"]["roc"][-1] == [1, 1] and "curves" not in answer
    assert [a["share"] for a in numbers["ablations"]] == [1, 0.8, 0.6, 0.4, 0.2]
    assert numbers["ablations"][0]["depression_auc"] == answer["depression_auc"]
    assert numbers["baselines"]["logistic_regression"]["n"] == answer["n"]
    assert numbers["groups"]["control"] == {"scored": PEOPLE, "unscored": len(BAD)}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says before it ends with 2; no database may be touched."""
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate", *arguments, "--json", stderr=said)
    assert ended.value.code == 2 and capsys.readouterr().out == ""
    return said.getvalue().strip()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--dataset", "depresjon", "PATH"), "“depresjon” is not known: give --dataset one of"),
        (("PATH", *CALL), "“” is not known: give --dataset one of folder, simulated."),
        (("--dataset", "folder", *CALL), "needs a folder"),
        (("--dataset", "folder", "PATH", *CALL, "--out", "PATH/scores.csv/x"), "cannot be made"),
        (("--dataset", "folder", "PATH", "--unit", "mims"), "needs --positive"),
        (("--dataset", "folder", "PATH", "--positive", "condition"), "needs --unit"),
        (("--dataset", "folder", "PATH/nowhere", *CALL), "There is no file or folder nowhere"),
        (("--dataset", "folder", "PATH/scores.csv", *CALL), "scores.csv is a file"),
        (("--dataset", "folder", "PATH/control", *CALL), "no subfolder with a CSV"),
        (
            ("--dataset", "folder", "PATH", "--unit", "mims", "--positive", "ill"),
            "no group “ill”: give --positive one of condition, control.",
        ),
        (
            ("--dataset", "folder", "PATH", "--unit", "feet", "--positive", "condition"),
            "unit “feet” is not known: give --unit one of actiwatch_counts, ",
        ),
    ],
)
def test_bad_input_is_one_sentence(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    said = refused(capsys, *(a.replace("PATH", str(folder)) for a in arguments))
    assert says in said and said.endswith(".") and "\n" not in said


def test_a_group_of_which_nobody_can_be_scored_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for group in ("condition", "control"):
        (tmp_path / group).mkdir()
        (tmp_path / group / f"{group}.csv").write_text(BAD["short"])
    said = refused(capsys, "--dataset", "folder", str(tmp_path), *CALL)
    assert said.startswith("Nobody in “condition” can be scored; of condition: The sensor was")
    (tmp_path / "condition/condition.csv").write_text(table(minutes(np.random.default_rng(0))))
    said = refused(capsys, "--dataset", "folder", str(tmp_path), *CALL)
    assert said.startswith("Nobody in the others than “condition” can be scored; of control: ")


def test_one_group_alone_cannot_be_told_from_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "condition").mkdir()
    (tmp_path / "condition/one.csv").write_text(BAD["short"])
    assert "only the group “condition”" in refused(
        capsys, "--dataset", "folder", str(tmp_path), *CALL
    )


def test_few_people_are_held_against_the_shipped_reference(tmp_path: Path) -> None:
    rules, models = router_rules(), load_models(ARTIFACTS)
    write_folder(tmp_path, 2, changed)
    cohort = folder_cohort(tmp_path, "condition", "actiwatch_counts", rules)
    found = evaluate_folder(cohort, models, rules, None)
    assert (found["reference"], found["n"]) == ("shipped", 4)
    with pytest.raises(ValueError, match="4 people .* at least 20"):
        evaluate_folder(cohort, models, rules, "own")
    with pytest.raises(ValueError, match="“theirs” is not known"):
        evaluate_folder(cohort, models, rules, "theirs")


def test_a_unit_that_the_levels_belie_is_warned_of(tmp_path: Path) -> None:
    rules, models = router_rules(), load_models(ARTIFACTS)
    write_folder(tmp_path, 2, changed)
    for unit, doubtful in (("actiwatch_counts", False), ("mims", True)):
        cohort = folder_cohort(tmp_path, "condition", unit, rules)
        found = evaluate_folder(cohort, models, rules, "shipped")["warnings"]
        warned = [sentence for sentence in found if "--unit" in sentence]
        assert bool(warned) is doubtful, warned
    assert "4 of 4 recordings lies outside" in warned[0] and "check --unit" in warned[0]


def test_rows_lost_to_the_unit_are_warned_of_and_said_with_who_has_no_week_for_it(
    tmp_path: Path,
) -> None:
    rules, models = router_rules(), load_models(ARTIFACTS)
    write_folder(tmp_path, 2, changed)
    huge = table(minutes(np.random.default_rng(0)) * 1e6 + 1e7)
    (tmp_path / "control" / "huge.csv").write_text(huge)
    cohort = folder_cohort(tmp_path, "condition", "steps", rules)
    [reason] = [m.reason for m in cohort.unscored if m.name == "huge"]
    assert reason is not None
    assert "no activity from 0" in reason
    warned = evaluate_folder(cohort, models, rules, "shipped")["warnings"]
    assert any("lost more than 5% of their rows" in sentence for sentence in warned)


@pytest.mark.parametrize("seed", ["-1", "20261120", "20261123"])
def test_people_of_training_are_not_evaluated_on(
    capsys: pytest.CaptureFixture[str], seed: str
) -> None:
    assert "training has seen" in refused(capsys, "--dataset", "simulated", f"--seed={seed}")


def test_a_model_that_cannot_be_trusted_is_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    shutil.copytree(ARTIFACTS, tmp_path / "artifacts")
    for weights in (tmp_path / "artifacts").glob("pat_*.h5"):
        weights.write_bytes(b"other weights")
    monkeypatch.setattr(evaluate, "ARTIFACTS", tmp_path / "artifacts")
    said = refused(capsys, "--dataset", "folder", str(folder), *CALL)
    assert "its manifest says" in said.splitlines()[-1]


def test_a_unit_without_a_shipped_reference_is_refused_below_20_people(tmp_path: Path) -> None:
    rules = router_rules()
    write_folder(tmp_path, 1, changed)
    cohort = folder_cohort(tmp_path, "condition", "enmo", rules)
    with pytest.raises(ValueError, match="No reference of enmo is shipped"):
        evaluate_folder(cohort, load_models(ARTIFACTS), rules, None)


def separated(rng: np.random.Generator) -> np.ndarray:
    return minutes(rng, level=20)


def test_few_people_are_warned_of_and_have_no_interval_where_all_resamples_say_the_same(
    tmp_path: Path,
) -> None:
    rules, models = router_rules(), load_models(ARTIFACTS)
    write_folder(tmp_path, 2, separated)
    cohort = folder_cohort(tmp_path, "condition", "actiwatch_counts", rules)
    found = evaluate_folder(cohort, models, rules, None)
    assert "Of one group 2 people could be scored: with fewer than 10" in found["warnings"][0]
    assert (found["mean_activity_auc"], found["mean_activity_auc_ci"]) == (1.0, None)


def test_many_people_are_not_warned_of(answer: dict[str, Any]) -> None:
    assert not any("says little" in w or "same contents" in w for w in answer["warnings"])


def test_a_person_given_twice_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, 2, changed)
    shutil.copyfile(tmp_path / "control/control_1.csv", tmp_path / "condition/copy.csv")
    rules = router_rules()
    cohort = folder_cohort(tmp_path, "condition", "actiwatch_counts", rules)
    warned = evaluate_folder(cohort, load_models(ARTIFACTS), rules, None)["warnings"]
    told = "condition/copy and control/control_1 have the same contents"
    assert [w for w in warned if w.startswith(told)]


@pytest.mark.parametrize("first", ["1990-01-01 00:00:00", "2003-04-01 00:00:00"])
def test_a_gap_after_the_first_row_is_said_and_not_called_unworn(
    tmp_path: Path, first: str
) -> None:
    write_folder(tmp_path, 2, changed)
    text = (tmp_path / "control/control_1.csv").read_text().splitlines()
    text.insert(1, f"{first},{first[:10]},7")
    (tmp_path / "control/control_1.csv").write_text("\n".join(text) + "\n")
    cohort = folder_cohort(tmp_path, "condition", "actiwatch_counts", router_rules())
    [left] = cohort.unscored
    assert (left.reason or "").startswith(
        f"The first row is dated {first[:10]}, and after a gap the rows continue on 2003-05-07: "
    )


def evaluated(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("evaluate", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def less_sure(folder: Path) -> Path:
    """Copied models whose depression track gives the same order and other probabilities."""

    def edit(entries: dict[str, Any]) -> None:
        calibrator = entries["depression"]["training"]["calibrator"]
        calibrator["calibrated"] = [p / 2 for p in calibrator["calibrated"]]

    manifest_edited(copied(folder), edit)
    return folder


def test_the_models_of_a_folder_are_measured_on_people_of_a_folder(
    folder: Path, answer: dict[str, Any], tmp_path: Path
) -> None:
    made = less_sure(tmp_path / "made")
    found = evaluated("--dataset", "folder", str(folder), *CALL, f"--models={made}")
    assert found["model"]["sha256"] == load_models(made).facts("depression").sha256
    assert found["model"]["sha256"] != answer["model"]["sha256"]
    assert found["depression_auc"] == answer["depression_auc"]
    assert found["calibration"]["brier"] != answer["calibration"]["brier"]


def test_the_models_of_a_folder_are_measured_on_simulated_people(tmp_path: Path) -> None:
    made = leaning(tmp_path / "made", 0.3)
    found = evaluated("--dataset", "simulated", "--people=2", f"--models={made}")
    told = {version["sha256"] for version in found["models"].values()}
    assert told == {load_models(made).facts(track).sha256 for track in ("depression", "mania")}
    assert load_models(ARTIFACTS).facts("mania").sha256 not in told


def test_the_seed_is_held_against_the_models_that_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def edit(entries: dict[str, Any]) -> None:
        entries["mania"]["training"]["seed"] = 50

    manifest_edited(copied(tmp_path / "made"), edit)
    words = ("--dataset", "simulated", f"--models={tmp_path / 'made'}")
    assert "training has seen" in refused(capsys, *words, "--seed=53")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda entries: entries.clear(), "manifest.json in made/ has no depression"),
        (lambda e: e["depression"]["training"].update(size="L"), "pat_s_depression.h5"),
    ],
)
def test_models_that_cannot_be_run_are_not_measured(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, spoil: Any, says: str
) -> None:
    manifest_edited(copied(tmp_path / "made"), spoil)
    words = ("--dataset", "folder", str(folder), *CALL, f"--models={tmp_path / 'made'}")
    assert says in refused(capsys, *words)
