"""A CSV with a row a minute: header, naive local time first, numbers after it."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patients.domain.errors import InputError

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
MAX_DAYS = 366 * 20


def read_minutes(path: Path, column: int) -> tuple[NDArray[np.float64], int]:
    """Values of a column on a gapless minute grid, and the minute of day of the first.

    Rows missing in between, and empty cells, are NaN. Raises InputError for a file that is
    no such table, a column that is not there, or times that do not rise.
    """
    try:
        table = pd.read_csv(path, header=0, compression=None)
        times = pd.to_datetime(table.iloc[:, 0], format=TIME_FORMAT)
    except (OSError, ValueError, IndexError, pd.errors.ParserError) as error:
        kind = "cannot be read" if isinstance(error, OSError) else "is no minute table"
        raise InputError(
            f"{path.name} {kind}: give a comma CSV with one header line and times written "
            "YYYY-MM-DD HH:MM:SS in the first column."
        ) from None
    if not 0 < column < table.shape[1]:
        raise InputError(
            f"{path.name} has columns 0 to {table.shape[1] - 1}: {column} is not one with values."
        )
    values = pd.to_numeric(table.iloc[:, column], errors="coerce").to_numpy(np.float64)
    if len(table) == 0 or not times.is_monotonic_increasing:
        raise InputError(f"{path.name} is empty or its times do not rise: sort it by time.")
    start = times.iloc[0].floor("min")
    index = ((times - start) // pd.Timedelta(minutes=1)).to_numpy()
    if index[-1] >= MAX_DAYS * 1440:
        raise InputError(f"{path.name} spans more than 20 years: check its times.")
    grid = np.full(int(index[-1]) + 1, np.nan)
    grid[index] = np.where(np.isfinite(values), values, np.nan)
    return grid, start.hour * 60 + start.minute
