"""Files read in the patient's history of zones: stored, given again, and refused."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.file_records import read_in
from patients.ingest.common.base import Zone
from patients.models import Patient, RecordingFile, Upload
from patients.selectors import PATIENT_ZONES, zones_of
from patients.services import zone_set
from patients.storage import Stored, file_store
from tests import factories
from tests.patients.ingest.builders import (
    actlumus_rows,
    takeout_over_a_move,
    write_actlumus,
    write_json,
)
from tests.patients.pushes import drained, receive
from tests.people import every_row

pytestmark = pytest.mark.django_db
WORDS = "Europe/Berlin, America/Los_Angeles from 2024-06-11"
# By the clock 9 June 23:00 and 10 June 23:00 in Berlin, 11 June 22:30 in Los Angeles.
NIGHTS = [
    datetime(2024, 6, 9, 21, tzinfo=UTC),
    datetime(2024, 6, 10, 21, tzinfo=UTC),
    datetime(2024, 6, 12, 5, 30, tzinfo=UTC),
]


def moved(patient: Patient, day: date = date(2024, 6, 11), to: str = "America/Los_Angeles") -> None:
    zone_set(patient=patient, first_day=day, zone=to, by="test")


def traveller() -> Patient:
    patient = factories.patient("P-1", zone="Europe/Berlin")
    moved(patient)
    return patient


def store(patient: Patient, path: Path, zone: Zone | None = None) -> Stored:
    return file_store(patient=patient, path=path, zone=zone or zones_of(patient), by="test")


def nights(patient: Patient) -> list[datetime]:
    return list(patient.sleep_episodes.values_list("start", flat=True))


@pytest.fixture
def takeout(tmp_path: Path) -> Path:
    return takeout_over_a_move(tmp_path / "takeout.zip")


def ingested(path: Path, zone: str, command: str = "ingest_file") -> tuple[int, str]:
    """Exit code, and standard error where it is not 0, else the status that was answered."""
    out, err = StringIO(), StringIO()
    words = (command, str(path), "--patient", "P-1", "--timezone", zone, "--json")
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), err.getvalue()
    answer = json.loads(out.getvalue())
    return 0, str(answer.get("status") or answer["files"][0]["status"])


def test_nights_on_both_sides_of_a_move_are_stored_where_they_were_slept(takeout: Path) -> None:
    patient = traveller()
    store(patient, takeout)
    assert nights(patient) == NIGHTS
    assert RecordingFile.objects.get().zone == WORDS


@pytest.mark.parametrize("command", ["ingest_file", "ingest_folder"])
def test_a_command_reads_in_the_zones_of_the_patient(takeout: Path, command: str) -> None:
    patient = traveller()
    assert ingested(takeout, "patient", command) == (0, "stored")
    assert nights(patient) == NIGHTS
    assert ingested(takeout, "patient", command) == (0, "unchanged")


def test_a_change_of_zones_outside_the_days_of_the_file_does_not_matter(takeout: Path) -> None:
    patient = traveller()
    store(patient, takeout)
    moved(patient, date(2024, 12, 1), "Asia/Tokyo")
    moved(patient, date(2024, 6, 1), "Africa/Lagos")
    moved(patient, date(2024, 6, 5), "Europe/Berlin")
    before = every_row()
    assert not store(patient, takeout).changed
    assert every_row() == before


def later_by_a_day(patient: Patient) -> Zone:
    moved(patient, to="Europe/Berlin")
    moved(patient, date(2024, 6, 12))
    return zones_of(patient)


OTHERWISE: dict[str, tuple[Callable[[Patient], Zone], str]] = {
    "another name": (lambda _: "Asia/Tokyo", "Asia/Tokyo"),
    "only the first": (lambda _: "Europe/Berlin", "Europe/Berlin"),
    "a day later": (later_by_a_day, "Europe/Berlin, America/Los_Angeles from 2024-06-12"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_same_file_read_otherwise_is_refused_and_changes_nothing(
    takeout: Path, name: str
) -> None:
    change, words = OTHERWISE[name]
    patient = traveller()
    store(patient, takeout)
    zone = change(patient)
    before = every_row()
    with pytest.raises(InputError) as refused:
        store(patient, takeout, zone)
    assert f"times read in {WORDS}, and would now be read in {words}:" in str(refused.value)
    assert "remove that device's data on the patient's data page" in str(refused.value)
    assert str(refused.value).count(". ") == 0 and str(refused.value).endswith(".")
    assert every_row() == before


def test_a_zone_and_a_history_that_says_the_same_over_the_files_days_are_the_same(
    tmp_path: Path,
) -> None:
    patient = traveller()
    log = write_actlumus(tmp_path / "log.txt", actlumus_rows(datetime(2024, 6, 8, 9), 60))
    store(patient, log, "Europe/Berlin")
    assert ingested(log, "patient") == (0, "unchanged")
    code, said = ingested(log, "America/Los_Angeles")
    assert code == 2 and "times read in Europe/Berlin, and" in said and said.count("\n") == 1


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


def test_an_upload_is_read_in_the_zones_known_when_it_is_processed(
    takeout: Path, folder: Path
) -> None:
    patient = factories.patient("P-1", zone="Europe/Berlin")
    receive(patient, takeout.read_bytes(), zone=PATIENT_ZONES)
    moved(patient)
    drained()
    assert Upload.objects.get().state == "stored" and nights(patient) == NIGHTS
    assert RecordingFile.objects.get().zone == WORDS
    moved(patient, to="Asia/Tokyo")
    receive(patient, takeout.read_bytes(), zone=PATIENT_ZONES)
    drained()
    late = Upload.objects.first()
    assert late and late.state == "rejected" and "Asia/Tokyo from 2024-06-11" in late.reason
    assert nights(patient) == NIGHTS


def test_of_a_file_of_questionnaires_alone_no_zone_is_told(tmp_path: Path) -> None:
    mood = {"start": "2024-06-10T09:00:00Z", "kind": "daily_mood", "valence": 0.5}
    path = write_json(tmp_path / "mood.json", {"data": {"stateOfMind": [mood]}})
    store(traveller(), path)
    assert RecordingFile.objects.get().zone == ""


def test_of_a_file_without_a_moment_there_is_nothing_to_tell() -> None:
    assert read_in(ZoneHistory.of("UTC"), []) == ""
