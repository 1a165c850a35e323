"""What holds for every format of actigraph loggers alike."""

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.ingest import philips_health_band
from patients.ingest.sources import read_recordings, source_named
from patients.services import file_sha256
from patients.storage import recordings_store
from tests import factories
from tests.patients.ingest.builders import write_zip
from tests.patients.ingest.builders_actigraphy import (
    check_read_or_refused,
    mutated,
    shuffled,
)
from tests.patients.ingest.builders_loggers import MADE, NIGHT, Made, write_awd, write_band
from tests.patients.test_storage import everything_stored

REAL = {
    "actiwatch_awd": {"Actiwatch.AWD"},
    "actiwatch_csv": {"Actiwatch.csv"},
    "actical": {"Actical.csv"},
    "philips_health_band": {
        "DataList_AH1234567890_PhilipsHealthBand.xlsx",
        "Sleep_Wake_AH1234567890_PhilipsHealthBand.xlsx",
    },
    "mesa": set(),
}
ODD_CELLS = ("NaN", "1e308", "-1", "12-31-9999 00:00:00", "", "x", "inf", "9" * 400, "1,5", "é")


@pytest.mark.parametrize("name", REAL)
def test_each_format_takes_its_own_real_files_and_no_other(shared: Path, name: str) -> None:
    files = [path for path in (shared / "data").rglob("*") if path.is_file()]
    taken = {path.name for path in files if source_named(name).recognises(path)}
    assert taken == REAL[name]
    assert not source_named(name).recognises(shared / "data")


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_each_format_takes_its_own_made_up_files_and_no_other(made: Made, tmp_path: Path) -> None:
    path = made.write(tmp_path / "upload", made.rows)
    assert [name for name in REAL if source_named(name).recognises(path)] == [made.source]


def stored(paths: list[Path]) -> dict[str, list[Any]]:
    patient = factories.patient(zone="Europe/Berlin")
    for path in paths:
        recordings_store(
            patient=patient,
            recordings=read_recordings(path, "Europe/Berlin"),
            file_sha256=file_sha256(path),
            zone="Europe/Berlin",
            by="tester",
        )
    return everything_stored(patient)


@pytest.mark.django_db
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_however_the_rows_arrive_the_same_is_stored(made: Made, tmp_path: Path) -> None:
    whole = stored([made.write(tmp_path / "whole", made.rows)])
    assert whole["minutes"] or whole["sleep"]
    assert bool(whole["sleep"]) == (made.write.__name__ not in ("write_actical", "write_band"))
    assert stored([made.write(tmp_path / "shuffled", shuffled(made.rows))]) == whole
    cut = len(made.rows) // 2 + 1  # within a minute
    first = made.write(tmp_path / "first", made.rows[:cut])
    second = made.write(tmp_path / "second", made.rows[cut:])
    assert stored([first, second]) == whole
    assert stored([second, first, tmp_path / "whole"]) == whole


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_the_one_zone_of_the_clock_is_told(made: Made, tmp_path: Path) -> None:
    last = date(2000, 1, 3) if made.source == "mesa" else NIGHT.date() + timedelta(days=1)
    zones = ZoneHistory(((date(1999, 1, 1), "Europe/Berlin"), (date(2024, 1, 15), "Asia/Tokyo")))
    [recording] = read_recordings(made.write(tmp_path / "upload", made.rows), zones)
    assert recording.zones and recording.zones.zone_on(last).key == "Europe/Berlin"


SHEET = "xl/worksheets/sheet1.xml"


def parts_of(workbook: Path) -> dict[str, bytes]:
    with ZipFile(workbook) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@settings(max_examples=100, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "upload"
    name = data.draw(st.sampled_from(["actiwatch_awd", *MADE]))
    if name == "actiwatch_awd":
        write_awd(path, [f"{i * 7 % 90} , {i % 3},00" for i in range(60)])
    else:
        MADE[name].write(path, MADE[name].rows[:60])
    source = MADE[name].source if name in MADE else name
    if source == "philips_health_band":  # the zip itself bears the time of its making
        parts = parts_of(path)
        write_zip(path, {**parts, SHEET: mutated(parts[SHEET], data)})
    else:
        path.write_bytes(mutated(path.read_bytes(), data))
    check_read_or_refused(source, path)


@pytest.mark.parametrize("name", ["datalist", "sleep_wake"])
def test_a_workbook_cut_off_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    whole = MADE[name].write(tmp_path / "whole", MADE[name].rows[:60]).read_bytes()
    path = tmp_path / "cut"
    for size in range(1, len(whole), len(whole) // 20):
        path.write_bytes(whole[:size])
        assert not philips_health_band.recognises(path)
        with pytest.raises(InputError):
            list(philips_health_band.parse(path, "Europe/Berlin"))


@settings(max_examples=80, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_odd_cells_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    made = MADE[data.draw(st.sampled_from(sorted(MADE)))]
    rows = made.rows[:30]
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(rows) - 1))
        cells = rows[at].split(",")
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(st.sampled_from(ODD_CELLS))
        rows[at] = ",".join(cells)
    path = made.write(tmp_path_factory.mktemp("odd") / "upload", rows)
    check_read_or_refused(made.source, path)


def hostile_sheet(rows: str, prologue: str = "") -> dict[str, str | bytes]:
    sheet = (
        f'<?xml version="1.0"?>{prologue}<worksheet xmlns="http://schemas.openxmlformats.org/'
        f'spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
    )
    return {SHEET: sheet}


LAUGHS = "".join(
    f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(12)
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("bomb", {"xl/media/a.bin": b" " * 30_000_000}),
        ("a row far away", hostile_sheet('<row r="999999999999"><c r="A1"><v>1</v></c></row>')),
        (
            "a billion laughs",
            hostile_sheet("<row><c><v>&l11;</v></c></row>", f"<!DOCTYPE x [{LAUGHS}]>"),
        ),
        ("damaged", hostile_sheet("<row>")),
        ("a row of a million cells", hostile_sheet(f"<row>{'<c><v>1</v></c>' * 10**6}</row>")),
        ("five million rows", hostile_sheet("<row/>" * 5 * 10**6)),
        ("no text but marks", {"xl/styles.xml": "<styleSheet>" + "<xf/>" * 10**6}),
    ],
)
def test_a_hostile_workbook_is_refused_quickly(
    name: str, files: dict[str, str | bytes], tmp_path: Path
) -> None:
    whole = write_band(tmp_path / "whole.xlsx", MADE["datalist"].rows)
    path = write_zip(tmp_path / "a.xlsx", {**parts_of(whole), **files})
    began = time.perf_counter()
    check_read_or_refused("philips_health_band", path)
    with pytest.raises(InputError):
        list(philips_health_band.parse(path, "Europe/Berlin"))
    assert time.perf_counter() - began < 5
