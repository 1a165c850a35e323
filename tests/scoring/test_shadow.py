"""Candidates that score beside the current models: kept apart, compared, and never in the way."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from alerts.models import Alert
from alerts.nightly import patient_night
from patients.models import Patient
from scoring.model_services import model_promote, model_register
from scoring.models import ModelVersion, RiskScore, ShadowScore, Tier
from scoring.shadow import COMPARED_DAYS, shadow_comparisons
from tests import factories
from tests.model_folders import ALARMED, CALM, copied, giving_nan, leaning, manifest_edited
from tests.people import LAST_DAY, every_row, in_care, morning

pytestmark = pytest.mark.django_db
CATCH_UP = 6


def shadow(folder: Path, track: str = "mania") -> ModelVersion:
    return model_register(folder=folder, track=track, by="test")


def night(patient: Patient) -> RiskScore:
    score = patient_night(patient=patient, now=morning(), catch_up_days=CATCH_UP)
    assert score
    return score


def without_shadows() -> dict[str, list[tuple[object, ...]]]:
    apart = {"scoring.ShadowScore", "scoring.ModelVersion", "patients.AuditEvent"}
    return {name: rows for name, rows in every_row().items() if name not in apart}


def test_a_shadow_scores_the_days_that_may_alert_and_changes_nothing_else(tmp_path: Path) -> None:
    patient = in_care("P-1")
    night(patient)
    before = without_shadows()
    version = shadow(leaning(tmp_path / "alarmed", ALARMED))
    night(patient)
    assert without_shadows() == before
    [row] = ShadowScore.objects.all()
    score = patient.scores.get(day=LAST_DAY)
    assert (row.model_version, row.day, row.status) == (version, LAST_DAY, "ok")
    assert row.tier == row.overall_tier == Tier.HIGH and row.would_alert
    assert (row.current_tier, row.current_would_alert) == (score.mania["tier"], False)
    assert not Alert.objects.filter(kind="mania").exists()


def test_a_shadows_score_is_what_it_gives_once_promoted(tmp_path: Path) -> None:
    patient = in_care("P-1")
    version = shadow(leaning(tmp_path / "alarmed", ALARMED))
    night(patient)
    row = ShadowScore.objects.get(day=LAST_DAY)
    days = set(ShadowScore.objects.values_list("day", flat=True))
    assert days == {LAST_DAY - timedelta(days=n) for n in range(4)}  # those that may still alert
    model_promote(version=version, by="test")
    score = night(patient)
    assert (row.probability, row.tier) == (score.mania["probability"], score.mania["tier"])
    assert row.overall_tier == score.tier and score.revision == 2
    assert ShadowScore.objects.count() == len(days)  # it is in shadow no more


def test_a_second_night_keeps_one_row_a_day(tmp_path: Path) -> None:
    patient = in_care("P-1")
    shadow(leaning(tmp_path / "calm", CALM))
    night(patient)
    before = every_row()
    night(patient)
    assert every_row() == before


def test_a_failing_shadow_leaves_the_night_as_it_is_and_is_noted(tmp_path: Path) -> None:
    patient = in_care("P-1")
    nan, gone = shadow(giving_nan(tmp_path / "nan")), shadow(leaning(tmp_path / "gone", CALM))
    (tmp_path / "gone" / "manifest.json").unlink()
    # As a model that gave a number for the plain input on which it was tried.
    ModelVersion.objects.filter(pk=nan.pk).update(not_usable="")
    score = night(patient)
    assert (score.mania["status"], score.depression["status"]) == ("ok", "ok")
    assert not score.model_failed and score.mania_model not in (nan, gone)
    rows = ShadowScore.objects.filter(day=LAST_DAY)
    assert {(r.model_version, r.status, r.probability) for r in rows} == {
        (nan, "unavailable", None), (gone, "unavailable", None)
    }  # fmt: skip
    assert "no usable number" in rows.get(model_version=nan).reason


def test_a_shadow_that_cannot_be_stored_disturbs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:  # as a database that refuses the row
        cursor.execute("ALTER TABLE scoring_shadowscore ADD CONSTRAINT never CHECK (false)")
    patient = in_care("P-1")
    version = shadow(leaning(tmp_path / "calm", CALM))
    score = night(patient)
    assert score.mania["status"] == "ok" and not ShadowScore.objects.exists()
    assert patient.scores.filter(is_current=True).count() == CATCH_UP
    told = [r.__dict__ for r in caplog.records if r.msg == "shadow failed"]
    assert {(r["model"], r["patient"]) for r in told} == {(version.version, "P-1")}


def test_an_encoder_and_a_model_without_calibrator_score_nobody(tmp_path: Path) -> None:
    folder = leaning(tmp_path / "raw", ALARMED)
    manifest_edited(folder, lambda entries: entries["mania"]["training"].pop("calibrator"))
    shadow(folder)
    night(in_care("P-1"))
    assert not ShadowScore.objects.exists()


def test_a_shadow_of_depression_leaves_mania_to_the_current_model(tmp_path: Path) -> None:
    folder = copied(tmp_path / "pat")
    manifest_edited(
        folder, lambda entries: entries["depression"]["training"].update(size="S", note="again")
    )
    manifest_edited(
        folder,
        lambda entries: entries["references"]["training"]["daily_activity_p95"].update(steps=1.0),
    )
    version = shadow(folder, "depression")
    score = night(in_care("P-1"))
    row = ShadowScore.objects.get(day=LAST_DAY)
    assert row.model_version == version != score.depression_model
    assert row.probability == score.depression["probability"]  # the same weights
    assert (row.tier, row.overall_tier) == (score.depression["tier"], score.tier)


def compared(version: ModelVersion, patient: Patient, ago: int, tier: str, current: str) -> None:
    fires = {Tier.MODERATE, Tier.HIGH}
    ShadowScore.objects.create(
        patient=patient, model_version=version, day=LAST_DAY - timedelta(days=ago),
        status="unavailable" if tier == Tier.INDETERMINATE else "ok", tier=tier,
        overall_tier=tier, would_alert=tier in fires, current_tier=current,
        current_would_alert=current in fires, created_at=morning(),
    )  # fmt: skip


def test_the_comparison_counts_agreement_and_what_would_have_fired() -> None:
    one, two, version = factories.patient(), factories.patient(), factories.model("mania", "x")
    ModelVersion.objects.filter(pk=version.pk).update(state="shadow")
    for who, ago, tier, current in (
        (one, 0, "High", "Low"),
        (one, 1, "Moderate", "High"),
        (one, 2, "Low", "Low"),
        (two, 0, "Low", "Moderate"),
        (two, 1, "Indeterminate", "Low"),
        (two, COMPARED_DAYS, "High", "Low"),  # too long ago
    ):
        compared(version, who, ago, tier, current)
    found = shadow_comparisons(LAST_DAY)[version.pk]
    assert (found.days, found.scored, found.patients) == (5, 4, 2)
    assert (found.compared, found.agreed, found.agreement) == (4, 1, 0.25)
    assert (found.fired_both, found.fired_shadow_only, found.fired_current_only) == (1, 1, 1)
