"""Days that one file of a device gave, in another of its files read in other zones: refused."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.ingest.common.base import Zone
from patients.models import Patient, RecordingFile
from patients.removal import device_remove
from patients.selectors import channel_days, joined_minutes, zones_of
from patients.services import zone_set
from patients.storage import Stored, file_store
from tests import factories
from tests.patients.ingest.builders import (
    actlumus_rows,
    apple_steps,
    fitbit_level,
    fitbit_sleep,
    fitbit_steps,
    write_actlumus,
    write_apple,
    write_json,
    write_zip,
)
from tests.people import every_row

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BERLIN, ANGELES, TOKYO = "Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo"


def store(patient: Patient, path: Path, zone: Zone | None = None) -> Stored:
    return file_store(patient=patient, path=path, zone=zone or zones_of(patient), by="test")


def moved(patient: Patient, day: date, to: str) -> None:
    zone_set(patient=patient, first_day=day, zone=to, by="test")


def walked(path: Path, first: date, days: int, channel: str = "steps", every: int = 1) -> Path:
    """A CSV of naive minutes: 80 steps in each of three hours of every day, else none."""
    start = datetime(first.year, first.month, first.day)
    stamps = [start + MINUTE * n for n in range(0, days * 1440, every)]
    rows = "".join(f"{t:%Y-%m-%d %H:%M},{80 * (t.hour in (8, 12, 18))}\n" for t in stamps)
    path.write_text(f"timestamp,{channel}\n{rows}")
    return path


def stored_steps(patient: Patient) -> float:
    first, last = date(2024, 1, 1), date(2024, 12, 31)
    series, _ = joined_minutes(channel_days(patient, first, last), first, last)
    return float(sum(value for one in series.values() for value in one.values if value == value))


def refusal(patient: Patient, path: Path, zone: Zone | None = None) -> str:
    """What is said; and nothing may have changed."""
    before = every_row()
    with pytest.raises(InputError) as refused:
        store(patient, path, zone)
    assert every_row() == before
    return str(refused.value)


def test_a_longer_file_after_a_correction_of_the_zone_is_not_counted_twice(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    store(patient, walked(tmp_path / "a.csv", date(2024, 5, 1), 2))
    moved(patient, date(2024, 4, 20), "America/New_York")
    longer = walked(tmp_path / "b.csv", date(2024, 5, 1), 3)
    said = refusal(patient, longer)
    assert "gave 2024-04-30 to 2024-05-02 with its times read in Europe/Berlin," in said
    assert "would now be read in America/New_York:" in said
    assert "remove that device's data of these days on the patient's data page" in said
    assert said.count(". ") == 0 and said.endswith(".")
    days = {"first_day": date(2024, 4, 30), "last_day": date(2024, 5, 2)}
    device_remove(patient=patient, device=patient.devices.get(), by="test", **days)
    store(patient, longer)
    assert stored_steps(patient) == 43_200


@pytest.mark.parametrize(
    ("home", "to"), [(BERLIN, ANGELES), (BERLIN, TOKYO), (ANGELES, TOKYO), (TOKYO, ANGELES)]
)
def test_a_move_that_is_known_in_time_is_in_nobodys_way(tmp_path: Path, home: str, to: str) -> None:
    patient = factories.patient("P-1", zone=home)
    store(patient, walked(tmp_path / "a.csv", date(2024, 6, 1), 2))
    moved(patient, date(2024, 6, 3), to)
    assert store(patient, walked(tmp_path / "b.csv", date(2024, 6, 3), 2)).changed
    assert store(patient, walked(tmp_path / "all.csv", date(2024, 6, 1), 5)).changed
    assert RecordingFile.objects.count() == 3


def test_a_correction_by_a_single_day_is_seen(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    moved(patient, date(2024, 6, 11), ANGELES)
    store(patient, walked(tmp_path / "a.csv", date(2024, 6, 1), 20))
    moved(patient, date(2024, 6, 11), BERLIN)
    moved(patient, date(2024, 6, 12), ANGELES)
    said = refusal(patient, walked(tmp_path / "b.csv", date(2024, 6, 1), 21))
    assert "gave 2024-06-11 to 2024-06-12" in said
    assert f"{BERLIN}, {ANGELES} from 2024-06-11, and this one" in said
    assert f"now be read in {BERLIN}, {ANGELES} from 2024-06-12:" in said


def test_few_samples_a_day_are_seen_too_and_other_channels_and_days_are_not(
    tmp_path: Path,
) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    heart = walked(tmp_path / "a.csv", date(2024, 5, 1), 3, "light", every=240)
    store(patient, heart)
    assert store(patient, walked(tmp_path / "b.csv", date(2024, 5, 1), 3), TOKYO).changed
    assert store(patient, walked(tmp_path / "c.csv", date(2024, 5, 9), 2, "light"), TOKYO).changed
    assert "2024-04-30 to 2024-05-03" in refusal(
        patient, walked(tmp_path / "d.csv", date(2024, 5, 1), 4, "light", every=240), TOKYO
    )


def sleep_of(path: Path, first: date, nights: int) -> Path:
    """A Takeout of nights from 23:00 to 07:00 by the clock."""
    logs = []
    for day in (first + DAY * n for n in range(nights)):
        start, end = f"{day}T23:00:00", f"{day + DAY}T07:00:00"
        levels = {"data": [fitbit_level(start, "light", 480)]}
        logs.append(fitbit_sleep(start, end, logId=day.toordinal(), levels=levels))
    return write_json(path, logs)


def test_takeouts_of_the_months_before_and_after_a_move_are_stored(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    store(patient, sleep_of(tmp_path / "may.json", date(2024, 5, 1), 31))
    moved(patient, date(2024, 6, 1), ANGELES)
    assert store(patient, sleep_of(tmp_path / "june.json", date(2024, 6, 1), 30)).changed
    assert patient.sleep_episodes.count() == 61
    moved(patient, date(2024, 5, 1), TOKYO)
    said = refusal(patient, sleep_of(tmp_path / "both.json", date(2024, 5, 1), 61))
    assert "gave 2024-05-02 to 2024-06-01" in said and f"in {BERLIN}, and this one" in said
    assert f"would now be read in {TOKYO}, {ANGELES} from 2024-06-01:" in said


def test_files_that_tell_their_offset_are_never_refused_for_a_zone(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    apple = write_apple(tmp_path / "a.xml", *(apple_steps(60, n) for n in range(9)))
    steps = write_json(tmp_path / "steps-1.json", fitbit_steps([7] * 9))
    offsets = tmp_path / "c.csv"
    offsets.write_text("timestamp,steps\n2024-03-04T22:00:00+01:00,7\n")
    for path in (apple, steps, offsets):
        assert store(patient, path).changed
        assert not store(patient, path, TOKYO).changed
    assert set(RecordingFile.objects.values_list("zone", flat=True)) == {""}
    RecordingFile.objects.update(zone=BERLIN)  # as files were noted before
    assert not store(patient, apple, TOKYO).changed
    longer = write_apple(tmp_path / "b.xml", *(apple_steps(60, n) for n in range(12)))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert store(patient, longer, TOKYO).changed
    selects = [query["sql"] for query in asked if query["sql"].startswith("SELECT")]
    assert selects and not any("recordingpart" in sql for sql in selects)


def logged(path: Path, start: datetime, minutes: int) -> Path:
    return write_actlumus(path, actlumus_rows(start, minutes, 60))


def test_a_logger_has_one_zone_and_may_be_started_again_after_a_move(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    moved(patient, date(2024, 6, 10), "America/New_York")
    store(patient, logged(tmp_path / "a.txt", datetime(2024, 6, 8, 9), 2 * 1440))
    assert RecordingFile.objects.get().zone == BERLIN  # though its last day is in New York
    again = logged(tmp_path / "b.txt", datetime(2024, 6, 10, 9), 1440)
    assert store(patient, again).changed
    assert store(patient, logged(tmp_path / "c.txt", datetime(2024, 6, 8, 9), 3000)).changed


def test_a_longer_log_after_a_correction_is_refused_also_where_it_only_began_there(
    tmp_path: Path,
) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    store(patient, logged(tmp_path / "a.txt", datetime(2024, 6, 8, 9), 1440))
    longer = logged(tmp_path / "b.txt", datetime(2024, 6, 8, 9), 4 * 1440)
    moved(patient, date(2024, 6, 9), TOKYO)
    assert store(patient, longer).changed  # its clock was set in Berlin
    moved(patient, date(2024, 6, 8), TOKYO)
    longest = logged(tmp_path / "c.txt", datetime(2024, 6, 8, 9), 5 * 1440)
    assert f"read in {BERLIN}, and this one would now be read in {TOKYO}:" in refusal(
        patient, longest
    )


def test_logs_stored_with_the_words_of_all_zones_can_be_given_again(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone=BERLIN)
    moved(patient, date(2024, 6, 9), ANGELES)
    log = logged(tmp_path / "a.txt", datetime(2024, 6, 8, 9), 2 * 1440)
    store(patient, log)
    RecordingFile.objects.update(zone=f"{BERLIN}, {ANGELES} from 2024-06-09")  # as once noted
    assert not store(patient, log).changed
    assert store(patient, logged(tmp_path / "b.txt", datetime(2024, 6, 8, 9), 3 * 1440)).changed
    assert "would now be read in Asia/Tokyo" in refusal(patient, log, TOKYO)


READERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "naive sleep in a Takeout": (
        lambda folder: sleep_of(folder / "s.json", date(2024, 6, 1), 1),
        BERLIN,
    ),
    "a Takeout's table with offsets": (
        lambda folder: write_zip(
            folder / "t.zip",
            {"h.csv": "timestamp,rmssd,coverage,low_frequency\n2024-06-10T03:00:00Z,40,0.9,1\n"},
        ),
        "",
    ),
    "a Takeout's table without": (
        lambda folder: write_zip(
            folder / "t.zip",
            {"h.csv": "timestamp,rmssd,coverage,low_frequency\n2024-06-10T03:00:00,40,0.9,1\n"},
        ),
        BERLIN,
    ),
    "Oura with offsets": (lambda folder: oura(folder, "2024-06-10T03:00:00+02:00"), ""),
    "Oura without": (lambda folder: oura(folder, "2024-06-10T03:00:00"), BERLIN),
    "unix seconds": (lambda folder: unix(folder), ""),
}


def oura(folder: Path, stamp: str) -> Path:
    heart: list[dict[str, Any]] = [{"bpm": 60, "source": "rest", "timestamp": stamp}]
    return write_json(folder / "o.json", {"data": heart})


def unix(folder: Path) -> Path:
    (folder / "u.csv").write_text("timestamp,steps\n1718000000,7\n1718000060,7\n")
    return folder / "u.csv"


@pytest.mark.parametrize("name", READERS)
def test_only_where_the_zone_mattered_it_is_noted(tmp_path: Path, name: str) -> None:
    write, zone = READERS[name]
    store(factories.patient("P-1", zone=BERLIN), write(tmp_path))
    assert RecordingFile.objects.get().zone == zone


def test_a_file_that_ends_where_the_next_begins_only_meets_it(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone="UTC")
    zones = (ZoneHistory.of("UTC"), ZoneHistory.of("Africa/Lagos"))
    halves = [tmp_path / f"{n}.csv" for n in range(3)]
    for path, hours in zip(halves, (range(5), range(9, 20), range(2, 24)), strict=True):
        stamps = [f"2024-06-10 {hour:02d}:{minute:02d}" for hour in hours for minute in range(60)]
        path.write_text("timestamp,light\n" + "".join(f"{stamp},5\n" for stamp in stamps))
    store(patient, halves[0], zones[0])
    assert store(patient, halves[1], zones[1]).changed
    assert "device gave 2024-06-10 with its" in refusal(patient, halves[2], zones[1])
