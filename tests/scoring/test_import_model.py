"""`manage.py import_model`: what it answers, what it refuses, and what it keeps."""

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.artifacts import load_manifest, sha256_of, verified_path
from scoring.engines.pat import SIZES
from scoring.engines.pat_h5 import layout
from scoring.models import ModelVersion
from tests.scoring.engines import recipe
from tests.scoring.engines.boosters import Calls, classifier, frame, pickled
from tests.scoring.test_analyse import Ran, run

KEYS = {"kind", "size", "sha256", "licence", "status", "reason"}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, two boosters and a table of vectors."""
    folder = tmp_path_factory.mktemp("given")
    recipe.write_legacy_h5(folder / "PAT-S.h5", recipe.recipe_arrays(layout(SIZES["S"])))
    pickled(folder / "ME.pkl", classifier(0))
    classifier(1).save_model(folder / "HME.json")
    vectors = frame(20, seed=4)
    vectors.insert(0, "date", "2020-01-01")
    vectors[["date", *reversed(VECTOR_NAMES)]].to_csv(folder / "vectors.csv", index=False)
    return folder


def answer_of(ran: Ran) -> dict[str, Any]:
    assert ran.out.endswith("}\n") and ran.out.count("\n") == 1
    return dict(json.loads(ran.out))


def test_check_of_an_encoder_needs_no_database(given: Path, tmp_path: Path) -> None:
    path = given / "PAT-S.h5"
    ran = run(tmp_path, "import_model", "pat", str(path), "--check", "--json")
    answer = answer_of(ran)
    assert ran.code == 0, ran.err
    assert set(answer) >= KEYS
    assert (answer["kind"], answer["size"], answer["status"]) == ("pat", "S", "shadow")
    assert answer["sha256"] == sha256_of(path)
    assert "CC BY 4.0" in answer["licence"] and "not a scoring model" in answer["reason"]
    assert not (ran.state / "postgres").exists() and not (ran.state / "models").exists()


def test_check_of_boosters_predicts_each_row(given: Path, tmp_path: Path) -> None:
    files = (f"ME={given / 'ME.pkl'}", f"HME={given / 'HME.json'}")
    table = str(given / "vectors.csv")
    ran = run(tmp_path, "import_model", "mania", *files, "--check", "--predict", table, "--json")
    answer = answer_of(ran)
    assert ran.code == 0, ran.err
    assert (answer["kind"], answer["status"]) == ("mania", "shadow")
    assert "not calibrated" in answer["reason"]
    assert set(answer["predictions"]) == {"ME", "HME"}
    for seed, name in enumerate(("ME", "HME")):
        expected = classifier(seed).predict_proba(frame(20, seed=4))[:, 1]
        np.testing.assert_allclose(answer["predictions"][name], expected, rtol=0, atol=1e-7)
    assert not (ran.state / "postgres").exists() and not (ran.state / "models").exists()


def test_a_pickle_that_runs_something_is_refused_and_runs_nothing(
    given: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    bad = pickled(tmp_path / "ME.pkl", Calls(os.system, f"touch {made}"))
    files = (f"ME={bad}", f"HME={given / 'HME.json'}")
    ran = run(tmp_path, "import_model", "mania", *files, "--json")
    answer = answer_of(ran)
    assert (ran.code, answer["status"], answer["sha256"]) == (2, "refused", None)
    assert "ME.pkl asks for posix.system (that is os.system)" in answer["reason"]
    assert ran.err.strip() == answer["reason"]
    assert not made.exists() and not (ran.state / "models").exists()
    assert not (ran.state / "postgres").exists()


@pytest.fixture
def state(tmp_path: Path, settings: Any) -> Path:
    settings.STATE_DIR = tmp_path / "state"
    return tmp_path / "state"


def called(*arguments: str, code: int = 0) -> dict[str, Any]:
    """The command's answer, run in this process on the test database."""
    out, err = StringIO(), StringIO()
    if code:
        with pytest.raises(SystemExit) as ended:
            call_command("import_model", *arguments, "--json", stdout=out, stderr=err)
        assert ended.value.code == code
        sentence = err.getvalue().strip()
        assert sentence and "\n" not in sentence
        answer = json.loads(out.getvalue()) if out.getvalue() else {"reason": sentence}
        assert answer["reason"] == sentence
        return dict(answer)
    call_command("import_model", *arguments, "--json", stdout=out, stderr=err)
    return dict(json.loads(out.getvalue()))


@pytest.mark.django_db
def test_an_encoder_is_kept_as_a_shadow_once(given: Path, state: Path) -> None:
    first = called("pat", str(given / "PAT-S.h5"))
    folder = state / "models" / f"pat-{first['sha256'][:12]}"
    artifact = load_manifest(folder)["encoder"]
    assert sha256_of(verified_path(artifact)) == first["sha256"]
    version = ModelVersion.objects.get(track="depression", folder=str(folder))
    assert version.state == ModelVersion.State.SHADOW
    assert "fine-tune" in version.not_usable
    assert called("pat", str(given / "PAT-S.h5")) == first
    assert ModelVersion.objects.filter(folder=str(folder)).count() == 1


@pytest.mark.django_db
def test_boosters_are_kept_as_a_shadow_that_may_not_decide(given: Path, state: Path) -> None:
    answer = called("mania", f"HME={given / 'HME.json'}", f"ME={given / 'ME.pkl'}")
    version = ModelVersion.objects.get(track="mania", version=answer["version"])
    assert version.state == ModelVersion.State.SHADOW
    assert "calibrat" in version.not_usable
    assert version.folder == answer["folder"]
    assert set(load_manifest(Path(answer["folder"]))) == {"mania", "hypomania"}


@pytest.mark.django_db
def test_a_model_that_cannot_be_registered_is_not_kept(
    given: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("scoring.model_imports.model_register", fail)
    with pytest.raises(RuntimeError, match="went away"):
        called("pat", str(given / "PAT-S.h5"))
    assert list((state / "models").iterdir()) == []


def spoilt(given: Path, folder: Path) -> Path:
    arrays = recipe.recipe_arrays(layout(SIZES["S"]))
    arrays["dense/dense/bias:0"][3] = np.nan
    return recipe.write_legacy_h5(folder / "nan.h5", arrays)


def test_a_refused_encoder_names_the_dataset_and_nothing_is_kept(
    given: Path, state: Path, tmp_path: Path
) -> None:
    answer = called("pat", str(spoilt(given, tmp_path)), code=2)
    assert set(answer) >= KEYS and answer["status"] == "refused"
    assert "nan.h5 holds a value that is not finite in dense/dense/bias:0" in answer["reason"]
    whole = (given / "PAT-S.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    assert (
        "cut.h5 cannot be read as an HDF5"
        in called("pat", str(tmp_path / "cut.h5"), code=2)["reason"]
    )
    assert not state.exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["gpt", "x"], "“gpt” is no kind"),
        (["pat", "a", "b"], "2 files were given for PAT"),
        (["pat", "a", "--predict", "v.csv"], "--predict is for boosters"),
        (["mania", "ME=a"], "HME=PATH is missing"),
        (["mania", "HME=a"], "ME=PATH is missing"),
        (["mania", "ME=a", "ME=b"], "“ME=b” is not one of"),
        (["mania", "ME=", "HME=b"], "“ME=” is not one of"),
        (["mania", "a.pkl", "b.pkl"], "“a.pkl” is not one of"),
        (["mania", "ME=a", "HME=b", "XE=c"], "“XE=c” is not one of"),
        (["mania", "ME=a", "HME=b", "--predict", "none.csv"], "none.csv cannot be read"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(arguments: list[str], named: str) -> None:
    assert named in called(*arguments, code=2)["reason"]


def test_a_table_without_a_column_stops_before_anything_is_kept(
    given: Path, state: Path, tmp_path: Path
) -> None:
    table = tmp_path / "v.csv"
    table.write_text(",".join(VECTOR_NAMES[:-1]) + "\n")
    files = (f"ME={given / 'ME.pkl'}", f"HME={given / 'HME.json'}")
    reason = called("mania", *files, "--predict", str(table), code=2)["reason"]
    assert "v.csv has no column Circadian_amplitude_Zscore" in reason
    assert not state.exists()
