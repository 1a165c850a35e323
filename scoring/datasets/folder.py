"""Weeks of people in a folder of recordings: one file a person, with or without a label."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import UNITS, Channel, Family, MinuteSeries
from patients.domain.resolve import whole
from patients.ingest.sources import check_there, read_recordings
from scoring.datasets.minute_rows import MinuteRows, is_minute_rows, read_minute_rows
from scoring.domain.pat_window import PatWeek, pat_week
from scoring.domain.types import PersonData
from scoring.engines.artifacts import sha256_of

NAIVE = "Etc/UTC"  # where no zone is told, local days are cut from the stamps as they stand


@dataclass(frozen=True)
class Member:
    """A person of a labelled folder: the first week, or in ``reason`` why there is none."""

    name: str
    group: str
    week: PatWeek | None
    reason: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    contents: str = ""  # the hash of the file


def files_in(path: Path) -> list[Path]:
    """The files of a folder and of its subfolders, in a fixed order. Raises InputError."""
    _check_folder(path)
    folders = [path, *sorted(p for p in path.iterdir() if p.is_dir())]
    return [p for f in folders for p in sorted(f.iterdir()) if _is_shown_file(p)]


def groups_in(path: Path) -> dict[str, list[Path]]:
    """The direct subfolders that hold a CSV, and their CSVs, in a fixed order.

    Raises InputError if there is no folder, or nobody in it.
    """
    _check_folder(path)
    try:
        folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
        tables = {
            f.name: sorted(p for p in f.iterdir() if _is_shown_file(p) and _is_csv(p))
            for f in folders
        }
    except OSError as failure:
        raise InputError(
            f"{path.name} cannot be listed ({failure.strerror}): check its permissions."
        ) from None
    groups = {name: files for name, files in tables.items() if files}
    if not groups:
        raise InputError(f"{path.name} has no subfolder with a CSV: give one folder a group.")
    return groups


def members_in(
    groups: Mapping[str, list[Path]], unit: Family, min_coverage: float
) -> Iterator[Member]:
    """Every file's person with the first 10,080 minutes from the first local midnight on.

    Whoever cannot be read, or has less than that share of the week worn, comes with the reason.
    """
    for group, files in groups.items():
        for file in files:
            rejected: Mapping[str, int] = {}
            contents = ""
            try:
                contents = sha256_of(file)
                rows = read_minute_rows(file, _channel(unit))
                rejected = rows.rejected
                week = _worn_enough(_first_week(_of_rows(rows, unit)), min_coverage, rows)
            except InputError as refusal:
                reason = f"{refusal}{_left_out(rejected)}"
                yield Member(file.stem, group, None, reason, rejected, contents=contents)
            except OSError as failure:
                yield Member(file.stem, group, None, f"It cannot be read ({failure.strerror}).")
            else:
                yield Member(file.stem, group, week, None, rejected, rows.rows, contents)


def _left_out(rejected: Mapping[str, int]) -> str:
    """“ 40 rows were left out: out of range.”, which may be why a week is empty."""
    if not rejected:
        return ""
    rows = sum(rejected.values())
    return f" {rows} row{'s were' if rows > 1 else ' was'} left out: {', '.join(rejected)}."


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
            yield file.name, _worn_enough(_first_week(_person(file, unit, zone)), min_coverage)
        except InputError as refusal:
            yield file.name, str(refusal)


def _check_folder(path: Path) -> None:
    check_there(path)
    if path.is_file():
        raise InputError(f"{path.name} is a file; give a folder with one file a person.")


def _is_shown_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _channel(unit: Family) -> Channel:
    return Channel.STEPS if unit is Family.STEPS else Channel.ACTIVITY


def _person(file: Path, unit: Family, zone: str) -> PersonData:
    if is_minute_rows(file):
        return _of_rows(read_minute_rows(file, _channel(unit)), unit)
    recording = whole(read_recordings(file, zone))
    channels = {s.channel: s for s in recording.series}
    person = PersonData.of(ZoneHistory.of(zone), channels, recording.family, recording.sleep)
    if person.family is not unit:
        raise InputError(f"Its activity is {person.family or 'not recorded'}, not {unit}.")
    return person


def _of_rows(rows: MinuteRows, unit: Family) -> PersonData:
    series = MinuteSeries(Channel.ACTIVITY, UNITS[unit], rows.start, rows.values)
    return PersonData(ZoneHistory.of(NAIVE), unit, series)


def _first_week(person: PersonData) -> PatWeek:
    assert person.activity is not None
    start = person.activity.start
    first = next(iter(person.zones.days(start, start + timedelta(minutes=1))))
    if person.zones.day_bounds(first)[0] < start:
        first += timedelta(days=1)
    return pat_week(person, first + timedelta(days=6))


def _worn_enough(week: PatWeek, min_coverage: float, rows: MinuteRows | None = None) -> PatWeek:
    if week.coverage < min_coverage:
        if rows and rows.resumes:
            raise InputError(
                f"The first row is dated {rows.start:%Y-%m-%d}, and after a gap the rows continue "
                f"on {rows.resumes:%Y-%m-%d}: correct or remove those before the gap."
            )
        share = f"{100 * week.coverage:.0f} % of its first week, {100 * min_coverage:.0f} %"
        raise InputError(f"The sensor was worn {share} is needed.")
    return week


def mean_activity(week: PatWeek) -> float:
    """Mean of the week's recorded minutes, worn or not, in the sensor's unit."""
    return float(np.nanmean(week.activity, dtype=np.float64))
