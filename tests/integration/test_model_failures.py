"""A model that cannot be loaded, gives NaN or raises: its track says so, and ops see it."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from alerts.nightly import patient_night
from alerts.tasks import begin_night, score_queued_patients, watch_runs
from patients.models import Patient
from scoring import resources
from scoring.engines.artifacts import MANIFEST
from scoring.model_services import model_promote, model_register
from scoring.models import RiskScore
from tests import factories
from tests.model_folders import CALM, copied, giving_nan, leaning, manifest_edited, rehashed, spoilt
from tests.people import LAST_DAY, in_care, morning, recording

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped artefacts, in use until the test ends."""
    folder = copied(tmp_path / "artifacts")
    monkeypatch.setattr(resources, "ARTIFACTS", folder)
    return folder


def scored(patient: Patient) -> RiskScore:
    score = patient_night(patient=patient, now=morning(), catch_up_days=1)
    assert score
    return score


def overflowing(folder: Path) -> None:
    """PAT's weights are numbers, but so large that its output is none."""
    with h5py.File(folder / "pat_s_depression.h5", "r+") as file:
        name = "dense/dense/kernel:0"
        signs = np.where(np.arange(file[name].size) % 2, 1, -1).reshape(file[name].shape)
        file[name][()] = signs * np.float32(3e38)
    rehashed(folder)


def of_another_size(folder: Path) -> None:
    manifest_edited(folder, lambda entries: entries["depression"]["training"].update(size="L"))


def no_booster(folder: Path) -> None:
    (folder / "boosted_mania.json").write_text("{}")
    rehashed(folder)


def broken_references(folder: Path) -> None:
    (folder / "references.npz").write_bytes(b"no archive")
    rehashed(folder)


def without_references(folder: Path) -> None:
    manifest_edited(folder, lambda entries: entries.pop("references"))


def without_calibrator(folder: Path) -> None:
    manifest_edited(folder, lambda entries: entries["hypomania"]["training"].pop("calibrator"))


BREAKS: list[tuple[str, str, Callable[[Path], object]]] = [
    ("depression", "were changed", lambda f: spoilt(f / "pat_s_depression.h5")),
    ("depression", "are missing or", lambda f: (f / "references.npz").unlink()),
    ("depression", "its model failed", broken_references),
    ("depression", "are missing or", without_references),
    ("depression", "its model failed", of_another_size),
    ("depression", "no usable number", overflowing),
    ("mania", "are missing or", lambda f: (f / "boosted_mania.json").unlink()),
    ("mania", "its model failed", no_booster),
    ("mania", "its model failed", without_calibrator),
]


@pytest.mark.parametrize(("failed", "why", "break_it"), BREAKS)
def test_a_broken_model_fails_its_own_track_in_words(
    folder: Path, failed: str, why: str, break_it: Callable[[Path], object]
) -> None:
    break_it(folder)
    score = scored(in_care("P-1"))
    other = "mania" if failed == "depression" else "depression"
    track, well = getattr(score, failed), getattr(score, other)
    assert (track["status"], track["probability"], track["failed"]) == ("unavailable", None, True)
    assert why in track["reason"] and track["reason"].endswith("operations have been told.")
    assert (well["status"], well["probability"]) == ("ok", score.probability)
    assert score.model_failed and score.tier == well["tier"]


def test_nan_of_a_booster_is_a_failure_and_no_tier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "ARTIFACTS", giving_nan(tmp_path / "nan"))
    score = scored(in_care("P-1"))
    assert score.mania["reason"].startswith("its model gave no usable number")
    assert (score.mania["tier"], score.depression["status"]) == ("Indeterminate", "ok")


@pytest.mark.parametrize("text", ["", '{"artifacts": []}'])
def test_without_any_model_the_day_is_indeterminate_and_the_rules_still_run(
    folder: Path, text: str
) -> None:
    (folder / MANIFEST).write_text(text)
    well = scored(in_care("P-1"))
    assert (well.tier, well.probability, well.depression_model) == ("Indeterminate", None, None)
    short = scored(in_care("P-2", recording(sleepless=3)))
    assert (short.mania["status"], short.mania["tier"]) == ("unavailable", "High")


def test_a_promoted_model_whose_folder_is_gone_fails_its_track_and_closes_no_page(
    tmp_path: Path,
) -> None:
    folder = leaning(tmp_path / "candidate", CALM)
    version = model_register(folder=folder, track="mania", by="test")
    model_promote(version=version, by="test")
    folder.rename(tmp_path / "gone")
    doctor, last = factories.user(), timezone.localdate() - timedelta(days=1)
    patient = in_care("P-1", recording(last_day=last), team=[doctor])
    score = patient_night(patient=patient, now=timezone.now(), catch_up_days=1)
    assert score
    assert (score.mania["status"], score.depression["status"]) == ("unavailable", "ok")
    client = Client()
    client.force_login(doctor)
    words = client.get("/patients/P-1/").content.decode()
    assert "Not assessed: the files of its model are missing or were changed" in words
    assert "Research use" in words
    assert client.get("/health/ready").json()["models"] != "ok"


def test_a_day_without_a_model_is_scored_again_once_it_is_mended(folder: Path) -> None:
    path = folder / "boosted_mania.json"
    good = path.read_bytes()
    spoilt(path)
    patient = in_care("P-1")
    patient_night(patient=patient, now=morning(), catch_up_days=3)
    assert patient.scores.filter(model_failed=True, is_current=True).count() == 3
    path.write_bytes(good)
    patient_night(patient=patient, now=morning(), catch_up_days=3)
    days = [LAST_DAY - timedelta(days=n) for n in (2, 1, 0)]
    now = patient.scores.filter(is_current=True).order_by("day")
    assert [(s.day, s.revision, s.model_failed) for s in now] == [(d, 2, False) for d in days]


def failures() -> dict[str, float]:
    text = Client().get("/metrics").content.decode()
    return {
        track: float(value)
        for track, value in re.findall(r'clarity_model_failures{track="(\w+)"} (\S+)', text)
    }


def test_ops_see_a_failing_model_in_the_log_the_metric_and_one_mail_a_night(
    folder: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ADMINS = [("Operations", "ops@clinic.example")]
    spoilt(folder / "pat_s_depression.h5")
    last = timezone.localdate() - timedelta(days=1)
    for code in ("P-1", "P-2"):
        in_care(code, recording(days=14, last_day=last), name="Zebulon Quist")
    begin_night()
    with caplog.at_level(logging.ERROR, "clarity"):
        score_queued_patients()
    told = [r for r in caplog.records if r.msg == "scored without a model"]
    assert {r.__dict__["patient"] for r in told} == {"P-1", "P-2"}
    assert {r.__dict__["score"] for r in told} == set(
        RiskScore.objects.filter(model_failed=True).values_list("pk", flat=True)
    )
    count = RiskScore.objects.filter(model_failed=True).count()
    assert failures() == {"depression": count, "mania": 0, "combination": 0} and count > 0
    for _ in range(3):
        watch_runs()
    [message] = [m for m in mail.outbox if "a model fails" in m.subject]
    assert (
        f"depression {count}, mania 0, combination 0" in message.body
        and "Zebulon" not in message.body
    )


def test_nobody_is_told_of_a_night_in_which_only_data_are_missing(settings: Any) -> None:
    settings.ADMINS = [("Operations", "ops@clinic.example")]
    in_care("P-1", recording(days=3, last_day=timezone.localdate() - timedelta(days=1)))
    begin_night()
    score_queued_patients()
    watch_runs()
    assert RiskScore.objects.filter(mania__status="unavailable", model_failed=False).exists()
    assert failures() == {"depression": 0, "mania": 0, "combination": 0}
    assert not [m for m in mail.outbox if "a model fails" in m.subject]
