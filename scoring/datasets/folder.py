"""Weeks of people in a folder of recordings, one file a person, without any label."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import UNITS, Channel, Family, MinuteSeries
from patients.domain.resolve import whole
from patients.ingest.common.minute_table import read_minutes
from patients.ingest.sources import check_there, read_recordings
from scoring.domain.pat_window import PatWeek, pat_week
from scoring.domain.types import PersonData

COLUMNS = ["timestamp", "date", "activity"]
HEAD_BYTES = 1000
NOMINAL = datetime(2001, 1, 1, tzinfo=UTC)  # where no zone is told, the date does not matter


def files_in(path: Path) -> list[Path]:
    """The files of a folder and of its subfolders, in a fixed order. Raises InputError."""
    check_there(path)
    if path.is_file():
        raise InputError(f"{path.name} is a file; give a folder with one file a person.")
    folders = [path, *sorted(p for p in path.iterdir() if p.is_dir())]
    return [p for f in folders for p in sorted(f.iterdir()) if _is_shown_file(p)]


def _is_shown_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def weeks_in(
    path: Path, unit: Family, zone: str, min_coverage: float
) -> Iterator[tuple[str, PatWeek | str]]:
    """Each file's name and its person's first week from a local midnight on, or why not.

    A file is a table with the columns timestamp, date and activity, taken to be in ``unit``,
    or any recording that ingest reads and whose activity is in that unit; ``zone`` is where its
    naive stamps were made. A week needs at least that share of its minutes worn.
    """
    for file in files_in(path):
        try:
            week = _first_week(_person(file, unit, zone))
        except InputError as refusal:
            yield file.name, str(refusal)
            continue
        if week.coverage < min_coverage:
            share = f"{100 * week.coverage:.0f} % of its first week, {100 * min_coverage:.0f} %"
            yield file.name, f"The sensor was worn {share} is needed."
        else:
            yield file.name, week


def _person(file: Path, unit: Family, zone: str) -> PersonData:
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").partition("\n")[0]
    if [name.strip(' "\r').lower() for name in head.split(",")] == COLUMNS:
        values, minute = read_minutes(file, COLUMNS.index("activity"))
        start = NOMINAL + timedelta(minutes=minute)
        series = MinuteSeries(Channel.ACTIVITY, UNITS[unit], start, values.astype(np.float32))
        return PersonData(ZoneHistory.of("Etc/UTC"), unit, series)
    recording = whole(read_recordings(file, zone))
    channels = {s.channel: s for s in recording.series}
    person = PersonData.of(ZoneHistory.of(zone), channels, recording.family, recording.sleep)
    if person.family is not unit:
        raise InputError(f"Its activity is {person.family or 'not recorded'}, not {unit}.")
    return person


def _first_week(person: PersonData) -> PatWeek:
    assert person.activity is not None
    start = person.activity.start
    first = next(iter(person.zones.days(start, start + timedelta(minutes=1))))
    if person.zones.day_bounds(first)[0] < start:
        first += timedelta(days=1)
    return pat_week(person, first + timedelta(days=6))
