"""A database of the version before keeps its minutes, nights and provenance."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from patients.domain.packing import unpack

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def packed_as_before(values: list[int]) -> bytes:
    """A day of whole numbers as version 0.1 wrote it."""
    import zlib

    body = np.full(1440, -32768, dtype="<i2")
    body[: len(values)] = values
    return b"i" + zlib.compress(body.tobytes(), 6)


def migrated_to(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("patients", name)])
    return MigrationExecutor(connection).loader.project_state([("patients", name)]).apps


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_last_minute", [True, False])
def test_minutes_and_sleep_are_moved_to_devices(has_last_minute: bool) -> None:
    try:
        old = migrated_to("0001_initial")
        patient = old.get_model("patients", "Patient").objects.create(code="P-1")
        for source, count in (("actlumus", 5), ("fitbit", 3)):
            old.get_model("patients", "RecordingFile").objects.create(
                patient=patient, source=source, device=f"{source} 7", sha256=source, zone="UTC",
                received_at=NOON, minutes=count,
            )  # fmt: skip
            old.get_model("patients", "RecordingDay").objects.create(
                patient=patient, source=source, channel="steps", utc_day=DAY, unit="steps/min",
                values=packed_as_before(list(range(count))), minutes=count, last_minute=count - 1,
            )  # fmt: skip
        old.get_model("patients", "SleepEpisode").objects.create(
            patient=patient, source="fitbit", start=NOON, end=NOON + timedelta(hours=7),
            asleep_minutes=400, awake_minutes=20,
        )  # fmt: skip
        if not has_last_minute:  # as the very first databases were made
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE patients_recordingday DROP COLUMN last_minute")
        new = migrated_to("0002_devices")
        devices = {d.source: d for d in new.get_model("patients", "Device").objects.all()}
        assert {d.name: d.kind for d in devices.values()} == {
            "actlumus 7": "actigraph",
            "fitbit 7": "watch",
        }
        days = new.get_model("patients", "RecordingDay").objects.order_by("-minutes")
        assert [unpack(bytes(d.values))[: d.minutes].tolist() for d in days] == [
            [0, 1, 2, 3, 4],
            [0, 1, 2],
        ]
        resolved = new.get_model("patients", "ResolvedDay").objects.get()
        assert (resolved.devices, resolved.minutes) == ([devices["actlumus"].pk], 5)
        night = new.get_model("patients", "SleepEpisode").objects.get()
        assert (night.device_id, night.asleep_minutes) == (devices["fitbit"].pk, 400)
        assert devices["fitbit"].last_data_at == night.end
        file = new.get_model("patients", "RecordingFile").objects.first()
        assert file.processed_at is not None
    finally:
        executor = MigrationExecutor(connection)  # of all apps: others' went back as well
        executor.migrate(executor.loader.graph.leaf_nodes())
