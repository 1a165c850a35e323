"""Replaying a score with the model it came from, and what is said when that is not there."""

import json
from pathlib import Path

import pytest
from django.utils import timezone

from patients.models import Patient
from scoring import resources
from scoring.engines.artifacts import sha256_of
from scoring.engines.assess import COMBINATION_LOST, COMBINATION_NOT_FITTED
from scoring.engines.models import PARTS, Models, load_models
from scoring.features import features_update
from scoring.model_services import model_promote, model_register, model_rollback
from scoring.models import RiskScore, ScoringRun
from scoring.replay import score_replay
from scoring.selectors import model_failures
from scoring.services import COMBINATION, patient_assess, score_store
from tests.model_folders import (
    ALARMED,
    booster_edited,
    copied,
    leaning,
    manifest_edited,
    rehashed,
    spoilt,
)
from tests.people import every_row, in_care

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    patient = in_care("P-1")
    features_update(patient=patient)
    return patient


def scored(patient: Patient) -> RiskScore:
    score, _ = score_store(patient=patient, assessment=patient_assess(patient=patient))
    return RiskScore.objects.get(pk=score.pk)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mania model that has been promoted."""
    folder = leaning(tmp_path / "candidate", ALARMED)
    model_promote(version=model_register(folder=folder, track="mania", by="test"), by="test")
    return folder


def test_a_score_is_replayed_by_its_own_model_after_others_have_come_and_gone(
    patient: Patient, tmp_path: Path
) -> None:
    first = scored(patient)
    folder = leaning(tmp_path / "candidate", ALARMED)
    version = model_register(folder=folder, track="mania", by="test")
    model_promote(version=version, by="test")
    second = scored(patient)
    assert second.mania_model == version != first.mania_model
    assert second.depression_model == first.depression_model
    assert second.mania["probability"] > first.mania["probability"]
    before = every_row()
    assert score_replay(score=first) == score_replay(score=second) == []
    model_rollback(track="mania", by="test")
    assert score_replay(score=second) == []
    assert every_row().keys() == before.keys()


def test_a_changed_file_is_refused_and_named(patient: Patient, folder: Path) -> None:
    score = scored(patient)
    spoilt(folder / "boosted_hypomania.json")
    [found] = score_replay(score=score)
    assert found["field"] == "model file boosted_hypomania.json"
    assert found["stored"] == score.mania_model.facts["hypomania"]["sha256"] != found["now"]


def test_a_missing_file_is_named(patient: Patient, folder: Path) -> None:
    score = scored(patient)
    (folder / "boosted_mania.json").unlink()
    [found] = score_replay(score=score)
    assert (found["field"], found["now"]) == ("model file boosted_mania.json", None)


def test_a_missing_folder_is_said_and_no_other_model_takes_its_place(
    patient: Patient, folder: Path
) -> None:
    score = scored(patient)
    folder.rename(folder.with_name("gone"))
    [found] = score_replay(score=score)
    assert (found["field"], found["stored"]) == ("mania_model", score.mania_model.sha256)
    assert "manifest.json in candidate/ is absent" in str(found["now"])


def test_another_model_in_the_folder_is_said(patient: Patient, folder: Path) -> None:
    score = scored(patient)
    booster_edited(folder, "mania", lambda learner: learner["attributes"].update(note="again"))
    [found] = score_replay(score=score)
    assert (found["field"], found["stored"]) == ("mania_model", score.mania_model.sha256)
    assert found["now"] not in (None, found["stored"])


def test_other_references_in_the_manifest_alone_are_said(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = scored(patient)
    folder = copied(tmp_path / "artifacts")
    manifest_edited(
        folder,
        lambda entries: entries["references"]["training"]["daily_activity_p95"].update(steps=1.0),
    )
    monkeypatch.setattr(resources, "ARTIFACTS", folder)
    [found] = score_replay(score=score)
    assert found["field"] == "depression_model"


@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_lost_combination_is_said_in_the_score_to_operations_and_by_replay(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before = scored(patient)
    assert before.context[COMBINATION] and not before.model_failed
    folder = copied(tmp_path / "artifacts")
    path = folder / "combination.json"
    path.unlink() if fault == "missing" else spoilt(path)
    monkeypatch.setattr(resources, "ARTIFACTS", folder)
    named = {item["field"]: item for item in score_replay(score=before)}
    assert named[COMBINATION]["stored"] == before.context[COMBINATION]
    assert named[COMBINATION]["now"] is None
    now = timezone.now()
    ScoringRun.objects.create(night=now.date(), queued_at=now)
    after = scored(patient)
    assert after.model_failed and after.context[COMBINATION] is None
    assert COMBINATION_LOST.code in [reason["code"] for reason in after.reasons]
    assert after.depression["status"] == after.mania["status"] == "ok"
    assert model_failures() == {"depression": 0, "mania": 0, "combination": 1}


def codes(score: RiskScore) -> list[str]:
    return [reason["code"] for reason in score.reasons]


def test_a_promoted_model_has_no_combination_and_the_score_says_so(
    patient: Patient, tmp_path: Path
) -> None:
    before = scored(patient)
    assert COMBINATION_NOT_FITTED.code not in codes(before)
    folder = leaning(tmp_path / "candidate", ALARMED)
    model_promote(version=model_register(folder=folder, track="mania", by="test"), by="test")
    after = scored(patient)
    assert COMBINATION_NOT_FITTED.code in codes(after) and not after.model_failed
    [reason] = [r for r in after.reasons if r["code"] == COMBINATION_NOT_FITTED.code]
    assert "the weighted mean of both tracks as it is" in reason["text"]
    mean = sum(
        after.weights[track] * getattr(after, track)["probability"] for track in after.weights
    )
    assert after.probability == pytest.approx(mean)
    assert model_failures()["combination"] == 0 and score_replay(score=after) == []


def test_a_promoted_model_brings_the_combination_that_was_fitted_with_it(
    patient: Patient, tmp_path: Path
) -> None:
    """As train_mania and train_depression write one beside their candidate."""
    folder = leaning(tmp_path / "candidate", ALARMED)
    pair = {track: Models(folder).facts(track).sha256 for track in PARTS}
    curve = {"raw": [0.0, 1.0], "calibrated": [0.2, 0.9]}
    (folder / "combination.json").write_text(json.dumps(curve))
    manifest_edited(
        folder, lambda entries: entries["combination"]["training"].update(fitted_for=pair)
    )
    rehashed(folder)
    model_promote(version=model_register(folder=folder, track="mania", by="test"), by="test")
    after = scored(patient)
    assert after.context[COMBINATION] == sha256_of(folder / "combination.json")
    assert COMBINATION_NOT_FITTED.code not in codes(after) and not after.model_failed
    assert score_replay(score=after) == []
    spoilt(folder / "combination.json")
    load_models.cache_clear()
    [found] = [item for item in score_replay(score=after) if item["field"] == COMBINATION]
    assert found["now"] is None


def test_one_track_alone_is_no_combination_and_says_nothing_of_it(
    patient: Patient, folder: Path
) -> None:
    spoilt(folder / "boosted_mania.json")
    score = scored(patient)
    assert score.mania["status"] == "unavailable"
    assert not [code for code in codes(score) if code.startswith("combination")]


def test_a_score_of_before_that_was_said_replays_and_is_not_scored_again(
    patient: Patient, folder: Path
) -> None:
    score = scored(patient)
    old = [r for r in score.reasons if r["code"] != COMBINATION_NOT_FITTED.code]
    RiskScore.objects.filter(pk=score.pk).update(reasons=old)
    score.refresh_from_db()
    assert score_replay(score=score) == []
    assert scored(patient) == score and patient.scores.count() == 1
