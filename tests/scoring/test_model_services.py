"""Registering, promoting and rolling back models, with real files."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from patients.domain.errors import InputError
from patients.models import AuditEvent
from scoring import resources
from scoring.model_services import model_promote, model_register, model_rollback, version_used
from scoring.models import ModelVersion, Track
from scoring.selectors import models_in_use
from tests.model_folders import (
    ALARMED,
    CALM,
    booster_edited,
    copied,
    leaning,
    manifest_edited,
    spoilt,
)

pytestmark = pytest.mark.django_db


def registered(folder: Path, track: str = "mania") -> ModelVersion:
    return model_register(folder=folder, track=track, by="test")


def shipped(track: str = "mania") -> ModelVersion:
    """The row of the shipped model, as its first score makes it."""
    version = version_used(track=track, facts=resources.models().facts(track))
    assert version
    return version


def in_use(track: str = "mania") -> str:
    return models_in_use().facts(track).sha256


def states() -> dict[str, str]:
    return dict(ModelVersion.objects.filter(track="mania").values_list("sha256", "state"))


def test_a_registered_model_is_a_shadow_with_its_facts_and_is_registered_once(
    tmp_path: Path,
) -> None:
    version = registered(leaning(tmp_path / "candidate", CALM))
    assert registered(tmp_path / "candidate") == version
    assert (version.state, version.track, version.not_usable) == ("shadow", "mania", "")
    assert set(version.facts) == {"mania", "hypomania"}
    assert "never a diagnosis" in version.intended_use
    assert version.known_failures.splitlines()[0].startswith("Trained on simulated people only")
    assert in_use() == resources.models().facts("mania").sha256 != version.sha256
    [event] = AuditEvent.objects.filter(action="model registered")
    assert (event.actor, event.detail["model"]) == ("test", version.version)


def test_a_manifests_own_purpose_goes_before_the_files_and_adds_its_failures(
    tmp_path: Path,
) -> None:
    folder = copied(tmp_path / "own")

    def edit(entries: dict[str, dict[str, Any]]) -> None:
        for entry in entries.values():
            entry["trained_on"] = "a clinic of ours"
        entries["mania"]["training"]["intended_use"] = "For ward 3."
        entries["mania"]["training"]["known_failures"] = ["Night nurses.", "Twins."]

    manifest_edited(folder, edit)
    for name in ("mania", "hypomania"):
        booster_edited(folder, name, lambda learner: learner["attributes"].update(note="ours"))
    version = registered(folder)
    assert version.intended_use == "For ward 3."
    failures = version.known_failures.splitlines()
    assert failures[:2] == ["Night nurses.", "Twins."] and failures[2].startswith("Shift workers")


def test_the_hash_covers_the_calibrator_and_the_references_of_the_manifest(tmp_path: Path) -> None:
    folder = copied(tmp_path / "candidate")
    before = registered(folder, "depression")

    def edit(entries: dict[str, dict[str, Any]]) -> None:
        entries["references"]["training"]["daily_activity_p95"]["steps"] += 1

    manifest_edited(folder, edit)
    assert registered(folder, "depression").sha256 != before.sha256


@pytest.mark.parametrize("name", ["mania", "hypomania"])
def test_a_model_without_calibrator_is_kept_and_not_promoted(tmp_path: Path, name: str) -> None:
    folder = leaning(tmp_path / "raw", CALM)
    manifest_edited(folder, lambda entries: entries[name]["training"].pop("calibrator"))
    version = registered(folder)
    assert version.not_usable == f"{name} has no calibrator: calibrate it first"
    with pytest.raises(InputError, match="cannot be promoted: .* no calibrator"):
        model_promote(version=version, by="test")
    assert states()[version.sha256] == "shadow"


def test_an_encoder_is_kept_and_not_promoted(tmp_path: Path) -> None:
    folder = copied(tmp_path / "encoder")

    def edit(entries: dict[str, dict[str, Any]]) -> None:
        encoder = entries["depression"] | {"name": "pat_s", "kind": "pat_encoder"}
        entries.clear()
        entries["pat_s"] = encoder

    manifest_edited(folder, edit)
    version = registered(folder, "depression")
    with pytest.raises(InputError, match="an encoder only: fine-tune it first"):
        model_promote(version=version, by="test")


@pytest.mark.parametrize("without", ["hypomania", "mania"])
def test_half_a_mania_model_is_not_promoted(tmp_path: Path, without: str) -> None:
    folder = leaning(tmp_path / "half", CALM)
    manifest_edited(folder, lambda entries: entries.pop(without))
    with pytest.raises(InputError, match=f"names no {without}"):
        model_promote(version=registered(folder), by="test")


def test_a_changed_file_is_neither_registered_nor_promoted(tmp_path: Path) -> None:
    version = registered(leaning(tmp_path / "candidate", CALM))
    spoilt(tmp_path / "candidate" / "boosted_mania.json")
    with pytest.raises(InputError, match="cannot be promoted: boosted_mania.json has hash"):
        model_promote(version=version, by="test")
    with pytest.raises(InputError, match="boosted_mania.json has hash"):
        registered(tmp_path / "candidate")


def test_a_folder_trained_anew_is_not_promoted_as_what_it_was(tmp_path: Path) -> None:
    folder = leaning(tmp_path / "candidate", CALM)
    version = registered(folder)
    booster_edited(folder, "mania", lambda learner: learner["attributes"].update(note="again"))
    with pytest.raises(InputError, match="holds another model now: register it"):
        model_promote(version=version, by="test")


def test_a_model_that_was_moved_is_read_from_where_it_is_registered_again(tmp_path: Path) -> None:
    version = registered(leaning(tmp_path / "candidate", CALM))
    (tmp_path / "candidate").rename(tmp_path / "elsewhere")
    assert registered(tmp_path / "elsewhere") == version
    version.refresh_from_db()
    model_promote(version=version, by="test")
    assert in_use() == version.sha256


def test_promotion_changes_one_track_at_once_and_keeps_the_one_before(tmp_path: Path) -> None:
    before, other = shipped(), in_use("depression")
    version = registered(leaning(tmp_path / "candidate", CALM))
    model_promote(version=version, by="boss")
    assert in_use() == version.sha256 and in_use("depression") == other
    assert states() == {before.sha256: "retired", version.sha256: "current"}
    assert (version.promoted_by, version.promoted_at is not None) == ("boss", True)
    with pytest.raises(InputError, match="decides already"):
        model_promote(version=version, by="boss")
    [event] = AuditEvent.objects.filter(action="model promoted")
    assert event.detail == {"model": version.version, "before": before.version}


def test_rolling_back_goes_one_by_one_to_the_shipped_model_and_never_forward(
    tmp_path: Path,
) -> None:
    base = shipped()
    a, b, c = (
        registered(leaning(tmp_path / name, lean))
        for name, lean in (("a", CALM), ("b", ALARMED), ("c", 0.5))
    )
    for version in (a, b):
        model_promote(version=version, by="boss")
    assert model_rollback(track="mania", by="boss") == a
    model_promote(version=c, by="boss")
    assert model_rollback(track="mania", by="boss") == a  # b was rolled back from
    assert model_rollback(track="mania", by="boss") == base
    assert in_use() == base.sha256 and states()[base.sha256] == "current"
    with pytest.raises(InputError, match="The shipped mania model decides"):
        model_rollback(track="mania", by="boss")
    assert AuditEvent.objects.filter(action="model rolled back").count() == 3


def test_rolling_back_passes_over_a_model_whose_files_are_gone(tmp_path: Path) -> None:
    a, b = (registered(leaning(tmp_path / n, p)) for n, p in (("a", CALM), ("b", ALARMED)))
    for version in (a, b):
        model_promote(version=version, by="boss")
    (tmp_path / "a").rename(tmp_path / "gone")
    assert model_rollback(track="mania", by="boss").sha256 == in_use() != a.sha256
    assert in_use() == resources.models().facts("mania").sha256


def test_a_score_that_comes_late_from_a_replaced_model_does_not_bring_it_back(
    tmp_path: Path,
) -> None:
    base = shipped()
    version = registered(leaning(tmp_path / "candidate", CALM))
    model_promote(version=version, by="boss")
    assert shipped() == base and states()[base.sha256] == "retired"
    facts = models_in_use().facts("mania")
    model_rollback(track="mania", by="boss")
    assert version_used(track="mania", facts=facts) == version
    assert states() == {base.sha256: "current", version.sha256: "retired"}


def test_the_next_shipped_model_takes_the_place_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shipped()
    monkeypatch.setattr(resources, "ARTIFACTS", leaning(tmp_path / "release", CALM))
    after = shipped()
    assert states() == {before.sha256: "retired", after.sha256: "current"}
    with pytest.raises(InputError, match="came with a release"):
        model_promote(version=before, by="boss")


def test_commands_list_promote_and_roll_back(tmp_path: Path) -> None:
    def answer(*words: str) -> Any:
        out = StringIO()
        call_command(*words, "--json", stdout=out)
        return json.loads(out.getvalue())

    base = shipped()
    version = registered(leaning(tmp_path / "candidate", CALM))
    listed = {m["version"]: m for m in answer("models")["models"]}
    assert listed[base.version]["state"] == "current" and not listed[base.version]["folder"]
    assert listed[version.version]["state"] == "shadow"
    assert answer("promote_model", version.version)["state"] == "current"
    assert in_use() == version.sha256
    assert answer("rollback_model", "mania")["version"] == base.version


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["promote_model", "mania-nothing"], "no one model mania-nothing"),
        (["rollback_model", "depression"], "The shipped depression model decides"),
    ],
)
def test_commands_refuse_in_a_sentence_with_exit_code_2(words: list[str], sentence: str) -> None:
    err = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command(*words, stderr=err)
    assert stopped.value.code == 2 and sentence in err.getvalue()
    assert not ModelVersion.objects.filter(track=Track.DEPRESSION).exclude(state="current").exists()
