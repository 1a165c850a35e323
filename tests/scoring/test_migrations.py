"""A database of the version before keeps its rows, and they fit what holds from now on."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from scoring import resources
from scoring.model_services import version_used
from scoring.models import ModelVersion, ScoreSummary
from scoring.summaries import summaries_rebuild


def migrated_to(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("scoring", name)])
    loader = MigrationExecutor(connection).loader
    below = [leaf for leaf in loader.graph.leaf_nodes() if leaf[0] == "patients"]  # as it stays
    return loader.project_state([("scoring", name), *below]).apps


@pytest.mark.django_db(transaction=True)
def test_of_several_models_of_a_track_the_newest_decides_and_the_rest_are_retired() -> None:
    try:
        rows = migrated_to("0003_features_of_inputs").get_model("scoring", "ModelVersion").objects
        for number, track in enumerate(("depression", "mania", "mania")):
            rows.create(
                track=track, version=f"{track}-{number}", sha256=f"{number}" * 64,
                trained_on="simulated",
            )  # fmt: skip
        migrated_to("0004_models_in_shadow")
        found = ModelVersion.objects.order_by("version").values_list("version", "state", "folder")
        assert list(found) == [
            ("depression-0", "current", ""),
            ("mania-1", "retired", ""),
            ("mania-2", "current", ""),
        ]
        used = version_used(track="mania", facts=resources.models().facts("mania"))
        assert used and used.registered_at and used.intended_use
        states = ModelVersion.objects.filter(track="mania").values_list("version", "state")
        assert dict(states) == {"mania-1": "retired", "mania-2": "retired", used.version: "current"}
    finally:
        forward_again()


def forward_again() -> None:
    executor = MigrationExecutor(connection)  # of all apps: others' went back as well
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_of_several_open_proposals_the_newest_stays_and_what_is_in_force_is_kept() -> None:
    try:
        old = migrated_to("0004_models_in_shadow")
        patients = [old.get_model("patients", "Patient").objects.create(code=c) for c in "AB"]
        for who, version, state in (
            (0, 1, "approved"), (0, 2, "proposed"), (0, 3, "proposed"), (1, 1, "proposed"),
        ):  # fmt: skip
            old.get_model("scoring", "Baseline").objects.create(
                patient=patients[who], version=version, state=state, first_day=date(2026, 1, 1),
                last_day=date(2026, 2, 1), days_used=20, values={},
            )  # fmt: skip
        new = migrated_to("0005_baseline_versions").get_model("scoring", "Baseline").objects
        found = new.order_by("patient__code", "version").values_list("patient__code", "state")
        assert list(found) == [
            ("A", "approved"), ("A", "rejected"), ("A", "proposed"), ("B", "proposed"),
        ]  # fmt: skip
        assert new.get(state="rejected").ended_reason == "A newer version was proposed."
    finally:
        forward_again()


@pytest.mark.django_db(transaction=True)
def test_scores_of_before_get_their_summaries() -> None:
    try:
        old = migrated_to("0005_baseline_versions")
        patient = old.get_model("patients", "Patient").objects.create(code="P-1")
        track = {"status": "ok", "tier": "High", "probability": 0.9, "coverage": 0.9}
        for day in range(1, 20):
            old.get_model("scoring", "RiskScore").objects.create(
                patient=patient, day=date(2026, 3, day), tier="High", probability=0.9,
                depression=track, mania=track, weights={}, reasons=[], context={},
                scored_at=datetime(2026, 3, day, 9, tzinfo=UTC),
            )  # fmt: skip
        forward_again()
        assert ScoreSummary.objects.get().day == date(2026, 3, 19)
        assert summaries_rebuild() == 0
    finally:
        forward_again()
