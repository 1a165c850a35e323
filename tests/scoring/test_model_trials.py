"""A model is loaded and run once before it may score: what cannot be, decides nothing."""

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from patients.domain.errors import InputError
from scoring import resources
from scoring.engines.importing import import_mania
from scoring.engines.trial import trial_trouble
from scoring.model_services import model_promote, model_register, model_rollback
from scoring.models import ModelVersion
from tests.model_folders import CALM, copied, giving_nan, leaning, manifest_edited, rehashed
from tests.scoring.engines.boosters import classifier

pytestmark = pytest.mark.django_db
Edit = Callable[[dict[str, Any]], object]


def depression_edited(folder: Path, edit: Edit) -> Path:
    manifest_edited(copied(folder), lambda entries: edit(entries["depression"]["training"]))
    return folder


@pytest.mark.parametrize("track", ["depression", "mania"])
def test_the_shipped_model_of_each_track_passes(track: str) -> None:
    assert trial_trouble(resources.ARTIFACTS, track) == ""


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda training: training.update(size="Q"), "gives the size 'Q', which is none of S, M"),
        (lambda training: training.pop("size"), "cannot be loaded and run .KeyError: 'size'"),
        (lambda training: training.update(size="L"), "pat_s_depression.h5"),
    ],
)
def test_weights_of_another_size_than_the_manifest_says_decide_nothing(
    tmp_path: Path, edit: Edit, says: str
) -> None:
    folder = depression_edited(tmp_path / "odd", edit)
    version = model_register(folder=folder, track="depression", by="test")
    with pytest.raises(InputError, match=f"cannot be promoted: .*{says}") as refused:
        model_promote(version=version, by="test")
    assert version.not_usable in str(refused.value) and "\n" not in str(refused.value)
    # As one that was registered before models were tried.
    ModelVersion.objects.filter(pk=version.pk).update(not_usable="")
    with pytest.raises(InputError, match=says):
        model_promote(version=version, by="test")
    assert not ModelVersion.objects.filter(state="current").exists()


def test_a_model_without_a_number_for_a_plain_input_decides_nothing(tmp_path: Path) -> None:
    version = model_register(folder=giving_nan(tmp_path / "nan"), track="mania", by="test")
    assert version.not_usable == "mania gave nan for a plain input, which is no probability"


def test_rolling_back_passes_over_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    folder = depression_edited(tmp_path / "odd", lambda training: training.update(size="L"))
    odd = model_register(folder=folder, track="depression", by="test")
    good = depression_edited(tmp_path / "good", lambda t: t["calibrator"]["calibrated"].pop())
    manifest_edited(good, lambda e: e["depression"]["training"]["calibrator"]["raw"].pop())
    after = model_register(folder=good, track="depression", by="test")
    assert after.not_usable == ""
    # Promoted by an earlier release, which tried nothing.
    ModelVersion.objects.filter(pk=odd.pk).update(promoted_at="2026-01-01T00:00Z", state="retired")
    model_promote(version=after, by="test")
    back = model_rollback(track="depression", by="test")
    assert back.sha256 == resources.models().facts("depression").sha256


def test_a_shipped_model_that_cannot_be_loaded_is_not_gone_back_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = model_register(folder=leaning(tmp_path / "a", CALM), track="mania", by="test")
    model_promote(version=version, by="test")
    monkeypatch.setattr(resources, "ARTIFACTS", giving_nan(tmp_path / "release"))
    with pytest.raises(InputError, match="shipped mania model cannot be gone back to: mania gave"):
        model_rollback(track="mania", by="test")
    version.refresh_from_db()
    assert version.state == "current"


@pytest.mark.parametrize("is_note", [False, True])
def test_one_booster_under_both_names_is_not_registered(tmp_path: Path, is_note: bool) -> None:
    folder = copied(tmp_path / "twice")
    model = json.loads((folder / "boosted_mania.json").read_text())
    if is_note:  # another file, the same trees
        model["learner"]["attributes"]["note"] = "hypomania"
        (folder / "boosted_hypomania.json").write_text(json.dumps(model))
    else:
        shutil.copyfile(folder / "boosted_mania.json", folder / "boosted_hypomania.json")
    rehashed(folder)
    err = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("register_model", str(folder), "mania", stderr=err)
    assert stopped.value.code == 2 and "are the same trees: give one of each." in err.getvalue()
    assert not ModelVersion.objects.exists()


def test_one_booster_under_two_names_is_not_imported(tmp_path: Path) -> None:
    classifier(0).save_model(tmp_path / "ME.json")
    classifier(0).save_model(tmp_path / "HME.ubj")
    with pytest.raises(InputError, match=r"ME and HME are the same trees \(ME.json, HME.ubj\)"):
        import_mania(
            {name: tmp_path / file for name, file in (("ME", "ME.json"), ("HME", "HME.ubj"))}
        )


def calibrated(folder: Path, raw: object, told: object) -> Path:
    calibrator = {"raw": raw, "calibrated": told}
    manifest_edited(folder, lambda e: e["mania"]["training"].update(calibrator=calibrator))
    return folder


@pytest.mark.parametrize(
    ("raw", "told", "says"),
    [
        ([0.0, 1.0], [0.9, 0.1], "raw values must rise, and its calibrated never fall"),
        ([0.0, 1.0], [0.1, 1.5], "values must lie between 0 and 1"),
        ([0.0, 1.0], [0.1], "as many calibrated as raw values"),
        ("ab", 3, "has no lists raw and calibrated of numbers"),
        (["a", "b"], [0.1, 0.2], "the calibrator of mania"),
    ],
)
def test_a_calibrator_that_is_none_is_named_for_what_is_wrong(
    tmp_path: Path, raw: object, told: object, says: str
) -> None:
    folder = calibrated(leaning(tmp_path / "odd", CALM), raw, told)
    version = model_register(folder=folder, track="mania", by="test")
    assert says in version.not_usable and version.not_usable.startswith("the calibrator of mania")
    with pytest.raises(InputError, match="cannot be promoted: the calibrator of mania"):
        model_promote(version=version, by="test")


def mania_edited(**values: Any) -> Callable[[Path], object]:
    return lambda folder: manifest_edited(folder, lambda e: e["mania"].update(values))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: calibrated(folder, [0.0, float("nan")], [0.1, 0.2]), "NaN or an infinite"),
        (mania_edited(version="v" * 500), "The version of odd/ makes 515 characters, 60 are kept"),
        (mania_edited(training=["seed"]), "gives mania a training that is not a table"),
        (mania_edited(version=3), "gives mania a version that is not a text"),
        (mania_edited(licence="MIT\0"), "holds a NUL character"),
    ],
)
def test_a_manifest_that_cannot_be_kept_is_refused_in_a_sentence(
    tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    folder = tmp_path / "odd"
    spoil(leaning(folder, CALM))
    err = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("register_model", str(folder), "mania", stderr=err)
    said = err.getvalue().strip()
    assert stopped.value.code == 2 and says in said and "\n" not in said and len(said) < 300
    assert not ModelVersion.objects.exists()
