from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.ingest.common import spill as on_disk
from patients.ingest.common.spill import ROW, Rows, Spill

FILE = Path("export.xml")


def rows_of(values: list[int]) -> Rows:
    return np.array([(v, v, v, 0, 0) for v in values], ROW)


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=6), st.integers(1, 30))
def test_every_row_comes_back_once_in_its_part(blocks: list[list[int]], size: int) -> None:
    with Spill() as spill:
        for block in blocks:
            rows = rows_of(block)
            spill.add(rows, rows["start"] // size)
        parts = spill.parts()
        found = [sorted(spill.rows(part, FILE)["start"].tolist()) for part in parts]
    every = sorted(value for block in blocks for value in block)
    assert parts == sorted({value // size for value in every})
    assert found == [[v for v in every if v // size == part] for part in parts]


def test_a_part_that_is_too_full_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_disk, "MOST_ROWS", 3)
    with Spill() as spill:
        for _ in range(2):
            spill.add(rows_of([1, 2]), np.array([0, 1]))
        spill.add(rows_of([3, 4]), np.array([1, 1]))
        assert spill.rows(0, FILE).size == 2
        with pytest.raises(InputError, match=r"^export\.xml has over 3 samples within a month"):
            spill.rows(1, FILE)


def test_nothing_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Spill() as spill:
        spill.add(rows_of([1]), np.array([0]))
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
