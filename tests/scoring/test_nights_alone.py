"""A device that tells of nights and of nothing else."""

from datetime import UTC, date, datetime, timedelta

import pytest

from patients.domain.recording import Recording, SleepEpisode
from patients.storage import recordings_store
from scoring.features import features_update
from scoring.selectors import features_between
from tests import factories

pytestmark = pytest.mark.django_db


def test_nights_without_a_minute_beside_them_are_days_too() -> None:
    patient = factories.patient("P-1", zone="Europe/Berlin")
    begin = datetime(2026, 3, 1, 22, tzinfo=UTC)
    nights = [
        SleepEpisode(at, at + timedelta(hours=7), 400.0, 20.0, log_id=str(n))
        for n in range(5)
        for at in [begin + timedelta(days=n)]
    ]
    recordings_store(
        patient=patient,
        recordings=[Recording("oura", "Ring", None, (), tuple(nights))],
        file_sha256="a" * 64,
        zone="UTC",
        by="test",
    )
    features_update(patient=patient)
    days = features_between(patient, date(2026, 2, 1), date(2026, 4, 1))
    asleep = {d.day: d.sleep["time_asleep_hours"] for d in days}
    assert [round(asleep[date(2026, 3, n)] or 0, 2) for n in range(2, 7)] == [6.67] * 5
