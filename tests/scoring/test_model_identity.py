"""The same model files cannot be told as made from other data or under another licence."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.models import AuditEvent
from scoring import resources
from scoring.engines.models import load_models
from scoring.model_services import model_register, version_used
from scoring.models import ModelVersion
from tests.model_folders import CALM, copied, leaning, manifest_edited

pytestmark = pytest.mark.django_db
TRACKS = {"depression": "depression", "mania": "hypomania"}


def told(folder: Path, name: str, **values: Any) -> Path:
    manifest_edited(folder, lambda entries: entries[name].update(values))
    return folder


def used(track: str) -> ModelVersion:
    version = version_used(track=track, facts=resources.models().facts(track))
    assert version
    return version


@pytest.mark.parametrize("is_used", [False, True])
@pytest.mark.parametrize("values", [{"trained_on": "NHANES"}, {"licence": "MIT"}])
@pytest.mark.parametrize("track", TRACKS)
def test_the_shipped_files_are_not_taken_in_as_something_else(
    tmp_path: Path, track: str, values: dict[str, str], is_used: bool
) -> None:
    if is_used:
        used(track)
    folder = told(copied(tmp_path / "copy"), TRACKS[track], **values)
    [(key, value)] = values.items()
    name = resources.models().facts(track).version
    with pytest.raises(InputError, match=f"is a file of {name}, whose {key} is .*says “{value}”"):
        model_register(folder=folder, track=track, by="test")
    assert used(track).trained_on == "simulated"


def test_a_registered_model_is_not_taken_in_again_as_something_else(tmp_path: Path) -> None:
    version = model_register(folder=leaning(tmp_path / "a", CALM), track="mania", by="test")
    told(tmp_path / "a", "mania", licence="MIT")
    with pytest.raises(InputError, match=f"file of {version.version}, whose licence is"):
        model_register(folder=tmp_path / "a", track="mania", by="test")


def recalibrated(entries: dict[str, dict[str, Any]]) -> None:
    calibrator = entries["depression"]["training"]["calibrator"]
    calibrator["calibrated"][-1] = 0.99


@pytest.mark.parametrize(("trained_on", "taken"), [("simulated", True), ("NHANES", False)])
def test_a_new_calibrator_makes_no_other_training_data(
    tmp_path: Path, trained_on: str, taken: bool
) -> None:
    folder = copied(tmp_path / "copy")
    manifest_edited(folder, recalibrated)
    for name in ("depression", "references"):
        told(folder, name, trained_on=trained_on)
    if taken:
        assert model_register(folder=folder, track="depression", by="test").not_usable == ""
        return
    with pytest.raises(InputError, match="pat_s_depression.h5 in copy/ is a file of"):
        model_register(folder=folder, track="depression", by="test")


def falsified(version: ModelVersion) -> None:
    facts = deepcopy(version.facts)
    for part in facts.values():
        part["trained_on"], part["metrics"] = "NHANES", {"auroc": 1.0}
    version.facts, version.trained_on, version.known_failures = facts, "NHANES", ""
    version.save()


def test_the_shipped_model_says_what_its_own_manifest_says() -> None:
    before = used("depression")
    kept = {n: getattr(before, n) for n in ("facts", "trained_on", "known_failures", "state")}
    assert used("depression") == before and not AuditEvent.objects.exists()
    falsified(before)
    after = used("depression")
    assert {name: getattr(after, name) for name in kept} == kept
    [event] = AuditEvent.objects.filter(action="model described anew")
    assert event.detail == {"model": after.version}


def test_one_part_of_simulated_people_makes_the_model_one_of_these(tmp_path: Path) -> None:
    folder = told(copied(tmp_path / "half"), "mania", trained_on="a cohort")
    models = load_models(folder)
    assert models.facts("mania").trained_on == "simulated" and models.are_simulated
