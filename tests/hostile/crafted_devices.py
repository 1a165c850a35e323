"""Hostile databases, workbooks and logs of actigraphs, made by hand."""

import io
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.hostile.archives import zipped
from tests.hostile.crafted import MB, Crafted, made, seed, written
from tests.hostile.seeds import NOON
from tests.patients.ingest.builders_actigraphy import INFO, agd, gt3x_parameters, gt3x_record


def _hostile_agd(*statements: str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = agd(folder / "a.agd", NOON, [(5, 6, 7, 8, 9)] * 60)
        database = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            database.execute(statement)
        database.close()
        return path

    return build


def _patched_agd(at: int, value: bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        raw = bytearray(seed("actigraph_agd"))
        raw[at : at + len(value)] = value
        return written(folder / "a.agd", bytes(raw))

    return build


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"
COLUMNS = "AS dataTimestamp, 5 AS axis1, 5 AS axis2, 5 AS axis3, 1 AS steps, 1 AS lux FROM n"
DATABASES = [
    Crafted(
        "agd: a view without end",
        _hostile_agd("DROP TABLE data", f"CREATE VIEW data AS {ENDLESS} {COLUMNS}"),
    ),
    Crafted(
        "agd: settings without end",
        _hostile_agd(
            "DROP TABLE settings",
            f"CREATE VIEW settings AS {ENDLESS} AS settingName, 'x' AS settingValue FROM n",
        ),
    ),
    Crafted(
        "agd: a column that computes 1 GB",
        _hostile_agd(
            "DROP TABLE data",
            "CREATE TABLE data (dataTimestamp INTEGER, axis2, axis3, steps, lux, "
            "axis1 GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL)",
            "INSERT INTO data (dataTimestamp) VALUES (638451504000000000)",
        ),
    ),
    Crafted(
        "agd: a trigger",
        _hostile_agd(
            "CREATE TRIGGER t AFTER INSERT ON data BEGIN DELETE FROM data; END",
            "CREATE TABLE x AS SELECT zeroblob(1000000) FROM data",
        ),
        tame=True,
    ),
    Crafted(
        "agd: texts of 1 MB for counts",
        _hostile_agd("UPDATE data SET axis1 = hex(zeroblob(500000))"),
        tame=True,
    ),
    Crafted("agd: a huge page count", _patched_agd(28, b"\x7f\xff\xff\xff"), tame=True),
    Crafted("agd: a page size of nothing", _patched_agd(16, b"\0\0")),
    Crafted("agd: a write-ahead log is told", _patched_agd(18, b"\x02\x02"), tame=True),
    Crafted(
        "agd: a schema that cannot be read",
        _hostile_agd(
            "PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = 'CREATE TABLE data ((('"
        ),
    ),
]


def _band(sheet: str) -> bytes:
    """The workbook with another sheet."""
    path = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(seed("philips_health_band"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return zipped(files | {path: sheet.encode()})


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'
)
ROW = '<row r="{}"><c r="A{}" t="inlineStr"><is><t>{}</t></is></c></row>'


def _laughing_band() -> bytes:
    dtd = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    cells = SHEET.format(f"<sheetData>{ROW.format(1, 1, '&l9;')}</sheetData>")
    return _band(f'<!DOCTYPE w [<!ENTITY l0 "lol">{dtd}]>{cells}')


def _wide_band() -> bytes:
    rows = ROW.format(1048576, 1048576, "x") + '<row r="1"><c r="XFD1"><v>1</v></c></row>'
    return _band(SHEET.format(f'<dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData>'))


WORKBOOKS = [
    Crafted("xlsx: billion laughs", made("a.xlsx", _laughing_band)),
    Crafted("xlsx: a sheet of 17 thousand million cells", made("a.xlsx", _wide_band)),
    Crafted(
        "xlsx: a sheet of 100 MB",
        made("a.xlsx", lambda: _band(SHEET.format(" " * 100 * MB))),
    ),
    Crafted(
        "xlsx: two million rows",
        made(
            "a.xlsx",
            lambda: _band(
                SHEET.format(f"<sheetData>{'<row><c><v>1</v></c></row>' * 2 * MB}</sheetData>")
            ),
        ),
    ),
]


def _gt3x(log: bytes, **info: str) -> bytes:
    told = INFO | {name.replace("_", " "): value for name, value in info.items()}
    text = "".join(f"{key}: {value}\n" for key, value in told.items())
    return zipped({"info.txt": text.encode(), "log.bin": log})


LYING = struct.pack("<BBIH", 0x1E, 0, 1_598_443_200, 0xFFFF) + bytes(90)
FAR = b"".join(gt3x_record(0, second, bytes(135)) for second in (0, 4_000_000_000, 2_000_000_000))
LOGS = [
    Crafted("gt3x: a record longer than the file", made("a.gt3x", lambda: _gt3x(LYING * 1000))),
    Crafted(
        "gt3x: seconds of 1970 and 2096",
        made("a.gt3x", lambda: _gt3x(gt3x_parameters() + FAR * 99)),
    ),
    Crafted(
        "gt3x: a rate of a thousand million",
        made("a.gt3x", lambda: _gt3x(gt3x_parameters(10**9) + FAR, Sample_Rate="1000000000")),
    ),
    Crafted(
        "gt3x: a log of 100 MB of nothing",
        made("a.gt3x", lambda: _gt3x(gt3x_parameters() + bytes(100 * MB))),
    ),
    Crafted(
        "gt3x: no rate",
        made("a.gt3x", lambda: _gt3x(gt3x_parameters(0) + FAR, Sample_Rate="0")),
    ),
]
