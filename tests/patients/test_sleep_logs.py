"""One log of a device counts once, whatever zone its files were read in, in any order of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.recording import Recording, SleepEpisode, SleepStage
from patients.ingest.sources import read_recordings
from patients.models import Patient
from patients.storage import recordings_store
from tests import factories
from tests.patients.ingest.builders import fitbit_sleep, write_json
from tests.patients.ingest.builders_json import health_summary

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 1, 22, tzinfo=UTC)
NIGHT = SleepEpisode(START, START + 8 * HOUR, 400.0, 20.0, log_id="77")
STAGED = replace(
    NIGHT, asleep_minutes=300.0, stages=(SleepStage(START, START + 8 * HOUR, "light"),)
)


def moved(episode: SleepEpisode, hours: float) -> SleepEpisode:
    """The same record, read in a zone so many hours away."""
    by = timedelta(hours=hours)
    stages = tuple(replace(s, start=s.start + by, end=s.end + by) for s in episode.stages)
    return replace(episode, start=episode.start + by, end=episode.end + by, stages=stages)


def store(patient: Patient, *nights: SleepEpisode, name: str = "a", device: str = "Fitbit") -> bool:
    what = Recording("fitbit", device, None, (), nights)
    stored = recordings_store(
        patient=patient, recordings=[what], file_sha256=name * 64, zone="UTC", by="t"
    )
    return stored.changed


def rows(patient: Patient) -> list[tuple[Any, ...]]:
    found = patient.sleep_episodes.order_by("device__name", "start", "end", "log_id")
    return list(
        found.values_list(
            "device__name", "log_id", "start", "end", "asleep_minutes", "awake_minutes", "stages",
            "is_chosen",
        )
    )  # fmt: skip


@pytest.mark.parametrize("better_first", [True, False])
@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (STAGED, moved(NIGHT, 9)),
        (moved(NIGHT, 9), replace(NIGHT, asleep_minutes=399.0)),
        (NIGHT, moved(NIGHT, 9)),
        (moved(NIGHT, -0.5), NIGHT),
    ],
    ids=["stages", "more sleep", "earlier by hours", "earlier by half an hour"],
)
def test_of_one_log_at_two_times_the_better_stays(
    better: SleepEpisode, worse: SleepEpisode, better_first: bool
) -> None:
    patient = factories.patient(zone="UTC")
    for name, told in zip("ab", (better, worse) if better_first else (worse, better), strict=True):
        store(patient, told, name=name)
    row = patient.sleep_episodes.get()
    assert (row.start, row.asleep_minutes) == (better.start, better.asleep_minutes)
    assert row.is_chosen
    assert not store(patient, better, worse, name="c")


def test_the_night_that_a_better_record_took_the_place_of_is_marked_as_changed() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, NIGHT)
    assert not patient.resolved_days.exists()
    store(patient, moved(STAGED, 26), name="b")
    assert patient.resolved_days.get().utc_day == NIGHT.end.date()


def test_two_devices_may_use_the_same_id_and_a_record_without_one_is_itself() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, NIGHT, device="Versa")
    store(patient, moved(NIGHT, 24), device="Charge", name="b")
    loose = replace(NIGHT, log_id="")
    store(patient, moved(loose, 48), moved(loose, 72), device="Charge", name="c")
    assert patient.sleep_episodes.count() == 4


told = st.builds(
    lambda log, hours, asleep, staged: replace(
        moved(STAGED if staged else NIGHT, hours + 30 * log),
        log_id=f"log {log}",
        asleep_minutes=asleep,
    ),
    st.integers(0, 2),
    st.sampled_from([-26.0, -9.0, -0.5, 0.0, 0.5, 9.0, 26.0]),
    st.sampled_from([300.0, 400.0]),
    st.booleans(),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.lists(st.lists(told, max_size=3), max_size=5), order=st.randoms())
def test_any_order_of_files_leaves_the_same_rows_one_a_log(
    files: list[list[SleepEpisode]], order: Any
) -> None:
    first, second = (factories.patient(zone="UTC") for _ in range(2))
    for n, nights in enumerate(files):
        store(first, *nights, name=chr(97 + n))
    shuffled = [order.sample(nights, len(nights)) for nights in files]
    order.shuffle(shuffled)
    for n, nights in enumerate(shuffled + shuffled[:2]):
        store(second, *nights, name=chr(97 + n))
    assert rows(first) == rows(second)
    logs = [row[1] for row in rows(first)]
    assert sorted(logs) == sorted({night.log_id for nights in files for night in nights})


def test_a_fitbit_log_in_two_files_that_were_read_in_two_zones_counts_once(tmp_path: Any) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00", logId=77)
    later = fitbit_sleep("2024-03-06T00:00:00", "2024-03-06T07:00:00", logId=78)
    patient = factories.patient(zone="UTC")
    for name, zone, logs in (("a", "Europe/Berlin", [log]), ("b", "Asia/Tokyo", [log, later])):
        path = write_json(tmp_path / f"{name}.json", logs)
        recordings_store(
            patient=patient, recordings=read_recordings(path, zone, "fitbit"),
            file_sha256=name * 64, zone=zone, by="t",
        )  # fmt: skip
    assert sorted(row[1] for row in rows(patient)) == ["77", "78"]


def test_two_sleeps_of_one_date_of_garmin_are_both_kept(tmp_path: Any) -> None:
    bare = {"deepSleepDurationInSeconds": 1200, "awakeDurationInSeconds": 600}
    summaries = [
        health_summary(at, 60, **bare) | {"summaryId": f"x{at}", "calendarDate": "2024-03-05"}
        for at in (0, 600)
    ]
    patient = factories.patient(zone="UTC")
    path = write_json(tmp_path / "a.json", {"sleeps": summaries})
    recordings_store(
        patient=patient, recordings=read_recordings(path, "UTC", "garmin_health"),
        file_sha256="a" * 64, zone="UTC", by="t",
    )  # fmt: skip
    assert [row.is_chosen for row in patient.sleep_episodes.all()] == [True, True]
