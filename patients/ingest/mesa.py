"""MESA actigraphy CSV files (National Sleep Research Resource): 30-s epochs without a date.

The dates were removed so that nobody can be recognised: a file tells the time of the day, the
day's number and its weekday. They are read on nominal dates, in the first weeks of the year 2000
and on the right weekdays, and the device says so. A made-up date must never pass for a night of
a patient; but these are people of a study, their rhythms (which rest on clock times and
weekdays) are worth having, and so far in the past they can meet no other device's minute and
raise no alert. Season and daylight are not to be read from them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording, SleepEpisode
from patients.ingest.common.base import (
    Rejected,
    Seconds,
    Zone,
    epochs,
    recording,
    require_dates,
    shown,
    utc_from_local,
    zones_of,
)
from patients.ingest.common.logger_rows import (
    NO_STAMP,
    cells,
    clock_second,
    day_second,
    present,
    require_size,
    scored_sleep,
    table,
)

SOURCE = "mesa"
LABEL = "MESA actigraphy CSV files (read on nominal dates)"
HEAD_BYTES = 4096
MAX_BYTES = 32 * 1024**2  # a week is 1.5 MB
EPOCH_SECONDS = 30
NOMINAL_SUNDAY = day_second(2000, 1, 2)
DAY_SECONDS = 86_400
MAX_DAYS = 366
SLEEP_INTERVAL = "rest-s"
REQUIRED = ("mesaid", "linetime", "activity", "dayofweek", "daybymidnight")
COLUMNS = (*REQUIRED, "offwrist", "whitelight", "wake", "interval")


def recognises(path: Path) -> bool:
    """Whether the first line names the columns of MESA."""
    return path.is_file() and set(REQUIRED) <= set(_titles(path))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Activity (counts/min), white light (mean lux) and scored sleep, on nominal dates.

    Clock times are local in ``zone``. Epochs off the wrist are missing; sleep is that scored
    within the intervals REST-S. InputError for an unknown zone, a row without a time or a day,
    and the rows of several people.
    """
    zones = zones_of(zone)
    require_size(path, MAX_BYTES)
    rows = _rows(path)
    seconds = utc_from_local(_nominal(rows, path), zones)
    rejected = Rejected()
    off = (rows["offwrist"] == "1").to_numpy(bool)
    rejected["off_wrist"] += int(off.sum())
    worn, at = rows[~off], seconds[~off]
    family = Family.ACTIWATCH_COUNTS
    counts, lux = (present(at, worn[name]) for name in ("activity", "whitelight"))
    series = (
        epochs(Channel.ACTIVITY, counts, EPOCH_SECONDS, rejected, family),
        epochs(Channel.LIGHT, lux, EPOCH_SECONDS, rejected, how="mean"),
    )
    sleep = _sleep(worn, at, rejected)
    device, kind = f"MESA {_person(rows, path)} (nominal dates)", DeviceKind.ACTIGRAPH
    yield recording(path, SOURCE, device, series, sleep, rejected, family, kind, zones=zones)


def _titles(path: Path) -> list[str]:
    with path.open("rb") as stream:
        line = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").partition("\n")[0]
    return [title.lower() for title in cells(line)]


def _rows(path: Path) -> pd.DataFrame:
    titles = _titles(path)
    missing = [name for name in REQUIRED if name not in titles]
    if missing:
        raise InputError(f"{path.name} has no column {missing[0]}; give the file as released.")
    columns = {name: titles.index(name) for name in COLUMNS if name in titles}
    rows = table(path, 1, columns).reindex(columns=list(COLUMNS), fill_value="")
    return rows[rows["linetime"] != ""]


def _nominal(rows: pd.DataFrame, path: Path) -> Seconds:
    """Local seconds on nominal dates: the week of day 1 is that of NOMINAL_SUNDAY.

    ``dayofweek`` is 1 on Sunday; the day before day 1 is that many days after Saturday, which
    is the same in every row and so does not depend on their order.
    """
    day, weekday = (
        pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64)
        for name in ("daybymidnight", "dayofweek")
    )
    clock = rows["linetime"].map({t: clock_second(t) for t in rows["linetime"].unique()})
    known = (clock >= 0).to_numpy() & (day >= 1) & (day <= MAX_DAYS) & np.isin(weekday, range(1, 8))
    day, weekday = (np.where(known, part, 1).astype(np.int64) for part in (day, weekday))
    days = (weekday - day) % 7 + day - 1
    local = NOMINAL_SUNDAY + days * DAY_SECONDS + clock.to_numpy(np.int64)
    local = np.where(known, local, NO_STAMP)
    require_dates(
        local,
        path,
        lambda i: f"line {rows.index[i]} ({shown(rows['linetime'].iloc[i])}, day and weekday)",
    )
    return local


def _person(rows: pd.DataFrame, path: Path) -> int:
    """The study's number of the person; InputError unless there is just one."""
    numbers = pd.to_numeric(rows["mesaid"], errors="coerce").unique()
    if len(numbers) != 1 or not 0 <= numbers[0] < 1e9:
        raise InputError(
            f"{path.name} does not hold one person's rows (column mesaid); give one file a person."
        )
    return int(numbers[0])


def _sleep(rows: pd.DataFrame, seconds: Seconds, rejected: Rejected) -> list[SleepEpisode]:
    in_sleep = (rows["interval"].str.lower() == SLEEP_INTERVAL).to_numpy(bool)
    at, wake = present(seconds[in_sleep], rows["wake"][in_sleep])
    told = np.isin(wake, (0, 1))
    return scored_sleep(at[told], wake[told] == 0, EPOCH_SECONDS, rejected)
