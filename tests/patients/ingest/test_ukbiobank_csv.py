from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, Recording
from patients.ingest import ukbiobank_csv
from tests.patients.ingest.builders_actigraphy import check_read_or_refused, mutated, only

HEADER = "acceleration (mg) - {} - 2014-12-15 09:59:55 - sampleRate = 5 seconds,imputed\n"


def read(path: Path) -> Recording:
    return only(ukbiobank_csv, path, "Europe/London")


def write(path: Path, rows: list[str], start: str = "2014-07-01 10:00:00") -> Path:
    path.write_text(HEADER.format(start) + "".join(f"{row}\n" for row in rows))
    return path


def values(recording: Recording) -> list[float]:
    series = recording.channel(Channel.ACTIVITY)
    assert series is not None and series.unit == "mg"
    return series.values.tolist()


def test_the_real_file(shared: Path) -> None:
    path = shared / "data/ggir_testfiles/ukbiobank.csv"
    found = read(path)
    mg = np.loadtxt(path, delimiter=",", skiprows=1, usecols=0)
    assert (found.device, found.family, found.rejected) == ("Axivity AX3", Family.ENMO, {})
    assert found.start == datetime(2014, 12, 8, 10, tzinfo=UTC)
    assert len(mg) == 502 and len(values(found)) == 42
    np.testing.assert_allclose(values(found)[:41], mg[:492].reshape(41, 12).mean(axis=1), rtol=1e-5)


def test_imputed_epochs_are_left_out_and_the_start_is_local(tmp_path: Path) -> None:
    rows = ["10,0"] * 12 + ["20,0"] * 6 + ["99,1"] * 6 + ["99,1"] * 12 + ["5,0"] * 12
    found = read(write(tmp_path / "a.csv", rows))
    np.testing.assert_array_equal(values(found), [10, 20, np.nan, 5])
    assert found.start == datetime(2014, 7, 1, 9, tzinfo=UTC)
    assert found.rejected == {"activity_imputed": 18}


@pytest.mark.parametrize(
    ("rows", "start", "says"),
    [
        (["1,0"], "2014-13-01 10:00:00", "date of line 2"),
        (["1,0"], "1969-01-01 10:00:00", "date of line 2"),
        ([], "2014-12-08 10:00:00", "no table of two columns"),
        (["1"], "2014-12-08 10:00:00", "no table of two columns"),
        (["1,1"] * 20, "2014-12-08 10:00:00", "20 activity_imputed"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, rows: list[str], start: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read(write(tmp_path / "a.csv", rows, start))


def test_it_is_recognised_by_content(shared: Path, tmp_path: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    assert [p.name for p in files if ukbiobank_csv.recognises(p)] == ["ukbiobank.csv"]
    assert not ukbiobank_csv.recognises(tmp_path)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write(tmp_path_factory.mktemp("m") / "a.csv", ["1.5,0"] * 30)
    path.write_bytes(mutated(path.read_bytes(), data))
    check_read_or_refused("ukbiobank_csv", path)
