"""The 36 features of a CSV, in whatever order its columns are."""

import math
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.vectors_csv import read_vectors

NAMES = list(VECTOR_NAMES)


def write(path: Path, header: list[str], *rows: list[object]) -> Path:
    path.write_text("\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_vectors(path)
    return str(refused.value)


def test_columns_are_taken_by_name_and_others_ignored(tmp_path: Path) -> None:
    path = write(
        tmp_path / "v.csv",
        ["date", *reversed(NAMES), "note"],
        ["2020-01-01", *range(36), "x"],
        ["2020-01-02", *range(36, 72), ""],
    )
    assert read_vectors(path).tolist() == [
        [float(n) for n in range(35, -1, -1)],
        [float(n) for n in range(71, 35, -1)],
    ]


def test_blank_cells_are_missing_and_blank_lines_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", NAMES, ["", " ", "NaN", *range(33)], [], [1] * 36)
    vectors = read_vectors(path)
    assert vectors.shape == (2, 36)
    assert np.isnan(vectors[0]).tolist() == [True] * 3 + [False] * 33


def test_a_table_without_rows_has_none(tmp_path: Path) -> None:
    assert read_vectors(write(tmp_path / "v.csv", NAMES)).shape == (0, 36)


def test_a_byte_order_mark_and_quotes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    quoted = ",".join(f'"{name}"' for name in NAMES)
    path.write_text(f"{quoted}\r\n" + ",".join(['"1.5"'] * 36) + "\r\n", "utf-8-sig", newline="")
    assert read_vectors(path).tolist() == [[1.5] * 36]


@pytest.mark.parametrize("name", ["ST_long_MN", "Circadian_amplitude_Zscore"])
def test_a_missing_column_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", [n for n in NAMES if n != name], [1] * 35)
    assert f"v.csv has no column {name};" in refusal(path)


def test_a_column_that_is_there_twice_is_refused_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", [*NAMES, "WT_long_SD"], [1] * 37)
    assert "has twice the column WT_long_SD" in refusal(path)


@pytest.mark.parametrize("cell", ["x", "inf", "-Infinity", "1e39", "1;2", "0x10"])
def test_what_is_no_number_is_refused_by_line_and_column(cell: str, tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", NAMES, [1] * 36, [1, 2, cell, *range(33)])
    assert f"v.csv line 3, ST_long_Zscore: “{cell}” is no number" in refusal(path)


def test_a_short_row_is_refused_by_its_line(tmp_path: Path) -> None:
    assert "v.csv line 2 has only 35 cells" in refusal(write(tmp_path / "v.csv", NAMES, [1] * 35))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'"open', b""])
def test_what_is_no_csv_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes(content)
    assert refusal(tmp_path / "v.csv").startswith("v.csv ")


def test_values_are_those_written(tmp_path: Path) -> None:
    written = [math.pi * 10 ** (n - 18) for n in range(36)]
    assert read_vectors(write(tmp_path / "v.csv", NAMES, written)).tolist() == [written]
