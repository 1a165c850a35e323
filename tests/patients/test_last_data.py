"""When a device was last heard of."""

from datetime import UTC, date, datetime, timedelta

import pytest

from patients.domain.recording import DeviceKind, Recording, SleepEpisode
from patients.last_data import sources_seen
from patients.storage import recordings_store
from tests import factories

pytestmark = pytest.mark.django_db
EVENING = datetime(2026, 3, 1, 22, tzinfo=UTC)


def test_a_ring_that_only_tells_of_nights_is_seen() -> None:
    patient = factories.patient(zone="UTC")
    night = SleepEpisode(EVENING, EVENING + timedelta(hours=8), 400.0, 20.0, log_id="n")
    ring = Recording("vendor", "Ring", None, (), (night,), kind=DeviceKind.RING)
    recordings_store(
        patient=patient, recordings=[ring], file_sha256="a" * 64, zone="UTC", by="tester"
    )
    [seen] = sources_seen(patient, date(2026, 2, 20))
    assert (seen["device"], seen["last"], seen["days"]) == ("Ring", date(2026, 3, 2), 1)
    assert sources_seen(patient, date(2026, 3, 3)) == []
