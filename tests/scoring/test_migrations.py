"""A database of the version before keeps its models: the last one first used still decides."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from scoring import resources
from scoring.model_services import version_used
from scoring.models import ModelVersion


def migrated_to(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("scoring", name)])
    return MigrationExecutor(connection).loader.project_state([("scoring", name)]).apps


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
        executor = MigrationExecutor(connection)  # of all apps: others' went back as well
        executor.migrate(executor.loader.graph.leaf_nodes())
