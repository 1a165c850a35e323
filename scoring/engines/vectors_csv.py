"""A table of the mania model's 36 features, read from a CSV."""

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.given_file import read_given, shown

MOST_BYTES = 256 << 20
MISSING = {"", "nan"}
LARGEST = float(np.finfo(np.float32).max)  # what the trees hold


def read_vectors(path: Path) -> NDArray[np.float64]:
    """Return the features of each row, (n, 36) in the order of VECTOR_NAMES, NaN missing.

    Comma-separated, UTF-8, one header line that holds the 36 names in any order; further columns
    and blank lines are ignored, a blank cell is missing. Raises InputError naming the column
    that is missing or twice there, or the line and column of a value that is no number.
    """
    given = read_given(path, MOST_BYTES, "a CSV of the 36 features")
    try:
        rows = csv.reader(io.StringIO(given.data.decode("utf-8-sig"), newline=""), strict=True)
        columns = _columns(given.name, next(rows, []))
        values = [
            _row(f"{given.name} line {rows.line_num}", row, columns) for row in rows if any(row)
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{given.name} is no CSV in UTF-8; give one.") from error
    return np.array(values, np.float64).reshape(len(values), len(VECTOR_NAMES))


def _columns(file: str, header: list[str]) -> list[int]:
    names = [name.strip() for name in header]
    for name in VECTOR_NAMES:
        if names.count(name) != 1:
            fault = "has no column" if name not in names else "has twice the column"
            raise InputError(
                f"{file} {fault} {name}; give a header with each of the {len(VECTOR_NAMES)} names."
            )
    return [names.index(name) for name in VECTOR_NAMES]


def _row(where: str, cells: list[str], columns: list[int]) -> list[float]:
    if len(cells) <= max(columns):
        raise InputError(f"{where} has only {len(cells)} cells; give one for each column.")
    return [
        _value(f"{where}, {name}", cells[column])
        for name, column in zip(VECTOR_NAMES, columns, strict=True)
    ]


def _value(where: str, cell: str) -> float:
    text = cell.strip()
    if text.lower() in MISSING:
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if abs(value) > LARGEST:
        raise InputError(f"{where}: “{shown(cell)}” is no number; leave the cell blank if unknown.")
    return value
