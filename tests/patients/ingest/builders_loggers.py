"""Small recordings of actigraph loggers, made up here: header, rows, file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl

NIGHT = datetime(2024, 1, 14, 23, 0)  # a Sunday
AWD_HEADER = "Sam Example\n{start:%d-%b-%Y}\n{start:%H:%M}\n {code} \n44\nV0042\nM\n"
TITLES = "Line,Date,Time,Off-Wrist Status,Activity,Marker,White Light,Sleep/Wake,Interval Status"
ACTIWARE_HEADER = """Actiware Export File (Version 06.00)

-------------------- Subject Properties--------------------

Identity:,17
Full Name:,Sam Example
Date of Birth:,{birthday}

----------------- Actiwatch Data Properties ----------------

Actiwatch Type:,Spectrum
Data Collection Start Date:,{start_date}
Data Collection Start Time:,{start:%H:%M:%S}
Actiwatch Serial Number:,A12345

-------------------- Marker/Score List --------------------

Line,Date,Time,Marker,Interval Status

1,{start_date},{start:%H:%M:%S},Marker!,ACTIVE

-------------------- Epoch-by-Epoch Data -------------------

{titles}

"""
ACTICAL_HEADER = """Actical List Export File  (Version 03.00),,,
Identity:,Sam Example
Start Date:,{start:%d-%b-%y},({start:%a})
Start Time:,{start:%H:%M}
Device Serial Number:,B11FFFF
------------------- Epoch-by-Epoch Data --------------------
Epoch#,Day#,Elapsed,Date,Time,Activity,Steps,Energy,Activity,Event Marker
,,Seconds,,,Counts,,Expenditure,Intensity,Button Presses
"""
MESA_TITLES = (
    "mesaid,line,linetime,offwrist,activity,marker,whitelight,redlight,greenlight,bluelight,"
    "wake,interval,dayofweek,daybymidnight,daybynoon"
)
BAND_HEADER = (
    "Study Name:    Example",
    "subjectID:    Sam Example",
    "deviceSN:     000123",
    "Analysis range:      2024-01-01 - 2024-12-31",
    "PAS Web Application version:      2.6.0",
)
DATALIST = ("timeStamp", "activityCounts", "heartRate", "respirationRate", "steps", "offWrist")
SLEEP_WAKE = ("timeStamp", "sleepWake", "sleepEventMarker")


def write_awd(path: Path, rows: Sequence[str], start: datetime = NIGHT, code: str = "2") -> Path:
    """An AWD file of these rows; code 2 is 30 s."""
    path.write_text(AWD_HEADER.format(start=start, code=code) + "\n".join(rows))
    return path


def actiware_row(
    number: int,
    stamp: datetime,
    activity: object = 5,
    light: object = "1.50",
    scored: object = 1,
    interval: str = "ACTIVE",
    off: int = 0,
    date: str = "%d/%m/%Y",
) -> str:
    """One epoch of a Spectrum with white light only."""
    return (
        f"{number},{stamp:{date}},{stamp:%H:%M:%S},{off},{activity},0,{light},{scored},{interval}"
    )


def write_actiware(
    path: Path,
    rows: Sequence[str],
    start: datetime = NIGHT,
    titles: str = TITLES,
    date: str = "%d/%m/%Y",
    birthday: str = "",
) -> Path:
    """An Actiware export of these rows, with a byte order mark as the real ones have."""
    start_date = start.strftime(date)
    text = ACTIWARE_HEADER.format(
        start=start, start_date=start_date, titles=titles, birthday=birthday
    )
    path.write_text("\ufeff" + text + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def actical_row(number: int, stamp: datetime, counts: object = 5, steps: object = 2) -> str:
    """One epoch of a minute."""
    elapsed = 60 * (number + 1)
    return f"{number},1,{elapsed},{stamp:%d-%b-%y},{stamp:%H:%M},{counts},{steps},0,1,0"


def write_actical(path: Path, rows: Sequence[str], start: datetime = NIGHT) -> Path:
    """An Actical export of these rows."""
    path.write_text(ACTICAL_HEADER.format(start=start) + "\n".join(rows) + "\n")
    return path


def mesa_row(
    number: int,
    stamp: datetime,
    activity: object = 5,
    light: object = 1.5,
    wake: object = 1,
    interval: str = "ACTIVE",
    off: int = 0,
    day: int | None = None,
    person: int = 7,
) -> str:
    """One epoch of 30 s; day 1 is that of NIGHT unless told, which MESA does not release."""
    weekday = stamp.isoweekday() % 7 + 1
    day = (stamp.date() - NIGHT.date()).days + 1 if day is None else day
    light = f"{light},0,0,0"
    return (
        f"{person},{number},{stamp:%H:%M:%S},{off},{activity},0,{light},{wake},{interval},"
        f"{weekday},{day},{day}"
    )


def write_mesa(path: Path, rows: Sequence[str]) -> Path:
    """A MESA file of these rows."""
    path.write_text(MESA_TITLES + "\n" + "\n".join(rows) + "\n")
    return path


def write_band(
    path: Path,
    rows: Sequence[str],
    titles: Sequence[str] = DATALIST,
    header: Sequence[str] = BAND_HEADER,
) -> Path:
    """A Philips Health Band workbook of these comma-separated rows."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for line in (*header, "", ",".join(titles), *rows):
        sheet.append(line.split(","))
    book.save(path)
    return path


def write_sleep_wake(path: Path, rows: Sequence[str]) -> Path:
    """A Sleep_Wake workbook of these rows."""
    return write_band(path, rows, SLEEP_WAKE)


def times(count: int, epoch_seconds: int, start: datetime = NIGHT) -> list[datetime]:
    """Local starts of so many epochs."""
    return [start + timedelta(seconds=epoch_seconds * i) for i in range(count)]


@dataclass(frozen=True)
class Made:
    """A made-up file of one format: two hours with a sleep in their middle."""

    source: str
    rows: list[str]
    write: Callable[[Path, Sequence[str]], Path]


def _asleep(i: int, count: int) -> bool:
    return count // 4 <= i < 3 * count // 4 and i % 20 != 0


def _interval(i: int, count: int) -> str:
    return "REST-S" if count // 4 <= i < 3 * count // 4 else "ACTIVE"


MADE = {
    "actiwatch_csv": Made(
        "actiwatch_csv",
        [
            actiware_row(i + 1, t, i * 7 % 90, i % 40, int(not _asleep(i, 480)), _interval(i, 480))
            for i, t in enumerate(times(480, 15))
        ],
        write_actiware,
    ),
    "actical": Made(
        "actical",
        [actical_row(i, t, i * 7 % 90, i % 5) for i, t in enumerate(times(120, 60))],
        write_actical,
    ),
    "mesa": Made(
        "mesa",
        [
            mesa_row(i + 1, t, i * 7 % 90, i % 40, int(not _asleep(i, 240)), _interval(i, 240))
            for i, t in enumerate(times(240, 30))
        ],
        write_mesa,
    ),
    "datalist": Made(
        "philips_health_band",
        [
            f"{t:%m-%d-%Y %H:%M:%S},{i * 7 % 90},{50 + i % 30},16,{i % 5},{int(i % 17 == 0)}"
            for i, t in enumerate(times(120, 60))
        ],
        write_band,
    ),
    "sleep_wake": Made(
        "philips_health_band",
        [f"{t:%m-%d-%Y %H:%M:%S},{int(i % 20 != 0)},0" for i, t in enumerate(times(240, 30))],
        write_sleep_wake,
    ),
}
