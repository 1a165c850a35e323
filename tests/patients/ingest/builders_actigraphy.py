"""Small ActiGraph, Empatica and open recordings, made up here."""

import random
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.minutes import Partial, merged
from patients.domain.recording import Channel, Minutes, Recording
from patients.domain.resolve import whole
from patients.ingest.common.base import Zone
from patients.ingest.sources import source_named
from tests.patients.ingest.builders import write_zip

ODDITIES = [b"nan", b"1e308", b"-1", b"9999-12-31", b"", b"99999999999999999999", b'"', b"\0"]


def actigraph_header(
    start: str = "8/26/2013",
    download: str = "9/3/2013",
    epoch: str = "00:00:15",
    mode: int = 13,
    date_format: str = "M/d/yyyy",
    table: str = "",
) -> str:
    """The ten lines that ActiLife writes before the table."""
    return (
        f"------------ Data {table}File Created By ActiGraph wGT3XPlus ActiLife v6.10.2 Firmware "
        f"v2.2.1 date format {date_format} Filter Normal -----------\n"
        f"Serial Number: CLE2A1\nStart Time 09:00:00\nStart Date {start}\n"
        f"Epoch Period (hh:mm:ss) {epoch}\nDownload Time 12:54:04\nDownload Date {download}\n"
        "Current Memory Address: 0\n"
        f"Current Battery Voltage: 4.03     Mode = {mode}\n"
        "--------------------------------------------------\n"
    )


def actigraph_csv(path: Path, rows: Iterable[str], header: str | None = None) -> Path:
    """An export of these rows."""
    path.write_text((header or actigraph_header()) + "".join(f"{row}\n" for row in rows))
    return path


def ticks(local: datetime) -> int:
    """.NET ticks of a naive local time."""
    return round((local - datetime(1, 1, 1)).total_seconds()) * 10_000_000


def agd(
    path: Path,
    start: datetime,
    rows: Sequence[Sequence[object]],
    epoch_seconds: int = 60,
    columns: str = "axis1, axis2, axis3, steps, lux",
) -> Path:
    """A database of these epochs; None in place of a row leaves its time out."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute(f"CREATE TABLE data (dataTimestamp INTEGER, {columns})")
    database.execute("CREATE TABLE settings (settingID, settingName TEXT, settingValue TEXT)")
    told = {"epochlength": epoch_seconds, "deviceserial": "MOS2A1", "subjectname": "Sam Example"}
    database.executemany("INSERT INTO settings VALUES (1, ?, ?)", list(told.items()))
    for i, row in enumerate(rows):
        stamp = ticks(start + timedelta(seconds=epoch_seconds * i))
        marks = ", ".join("?" * (len(row) + 1))
        database.execute(f"INSERT INTO data VALUES ({marks})", [stamp, *row])
    database.commit()
    database.close()
    return path


INFO = {
    "Serial Number": "MOS2E1",
    "Device Type": "wGT3XBT",
    "Sample Rate": "30",
    "Start Date": "637340333400000000",
    "Last Sample Time": "637340351120000000",
    "TimeZone": "02:00:00",
    "Subject Name": "Sam Example",
}


def gt3x_record(kind: int, second: int, payload: bytes) -> bytes:
    """One record of log.bin: separator, type, stamp, size, payload, checksum."""
    record = struct.pack("<BBIH", 0x1E, kind, second, len(payload)) + payload
    return record + bytes([~reduce(xor, record) & 0xFF])


def gt3x_parameters(rate_hz: int = 30, sleep_mode: bool = False) -> bytes:
    """The record that says rate, scale (256 per g) and features."""
    pairs = [(1, 10, rate_hz), (0, 55, 0x09400000), (1, 2, 4 * sleep_mode)]
    return gt3x_record(21, 0, b"".join(struct.pack("<HHI", *pair) for pair in pairs))


def gt3x_second(second: int, samples: Sequence[tuple[int, int, int]]) -> bytes:
    """One second of samples (x, y, z) in 1/256 g, twelve bits each, y first."""
    bits = "".join(f"{v & 0xFFF:012b}" for x, y, z in samples for v in (y, x, z))
    bits += "0" * (-len(bits) % 8)
    return gt3x_record(0, second, int(bits, 2).to_bytes(len(bits) // 8, "big"))


def gt3x(path: Path, records: Iterable[bytes], info: Mapping[str, str] = INFO) -> Path:
    """A .gt3x of these records."""
    text = "".join(f"{key}: {value}\n" for key, value in info.items())
    return write_zip(path, {"info.txt": text, "log.bin": b"".join(records)})


def e4_files(start: str = "1560279840.0", folder: str = "") -> dict[str, str]:
    """Two minutes of rest at 70 beats a minute and 33 °C."""
    return {
        f"{folder}ACC.csv": f"{start}, {start}, {start}\n32.0, 32.0, 32.0\n"
        + "0,0,64\n" * 32 * 120,
        f"{folder}HR.csv": f"{start}\n1.0\n" + "70.0\n" * 120,
        f"{folder}TEMP.csv": f"{start}\n4.0\n" + "33.0\n" * 480,
        f"{folder}IBI.csv": f"{start}, IBI\n" + "".join(f"{i * 0.8:.3f},0.8\n" for i in range(150)),
        f"{folder}tags.csv": "",
    }


def mutated(raw: bytes, data: st.DataObject) -> bytes:
    """The bytes with some flipped, left out, doubled or replaced by odd values."""
    out = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(len(out) - 1, 0)))
        stop = at + data.draw(st.integers(1, 12))
        change = data.draw(st.sampled_from(["flip", "delete", "double", "odd"]))
        if change == "flip":
            out[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
        elif change == "delete":
            del out[at:stop]
        elif change == "double":
            out[at:at] = out[at:stop]
        else:
            out[at:stop] = data.draw(st.sampled_from(ODDITIES))
    return bytes(out)


def check_read_or_refused(source: str, path: Path, zone: str = "Europe/Berlin") -> None:
    """A file that may be damaged gives a sane recording or one sentence."""
    module = source_named(source)
    try:
        if not module.recognises(path):
            return
        found = whole(module.parse(path, zone))
    except InputError as refused:
        message = str(refused)
        assert message.endswith(".") and "\n" not in message and str(path.parent) not in message
        assert "Sam" not in message
    else:
        assert found.start < found.end and "Sam" not in found.device
        assert all(s.values.size for s in found.series)


def shuffled(rows: Sequence[str], seed: int = 1) -> list[str]:
    """The rows in another order."""
    out = list(rows)
    random.Random(seed).shuffle(out)
    return out


def only(source: Any, path: Path, zone: Zone) -> Recording:
    """The one recording in a file, with the samples of its partial minutes."""
    (found,) = source.parse(path, zone)
    assert isinstance(found, Recording)
    return found


def together(recordings: Sequence[Recording]) -> dict[Channel, tuple[int, list[float]]]:
    """First minute and values of each channel, as if one file had held all the recordings."""
    out = {}
    for channel in {s.channel for r in recordings for s in r.series}:
        parts = [s for r in recordings for s in r.series if s.channel == channel]
        first = min(int(s.start.timestamp()) // 60 for s in parts)
        stop = max(int(s.end.timestamp()) // 60 for s in parts)
        minutes: tuple[Minutes, Partial] = (np.full(stop - first, np.nan, np.float32), {})
        for part in parts:
            grid = np.full(stop - first, np.nan, np.float32)
            at = int(part.start.timestamp()) // 60 - first
            grid[at : at + len(part.values)] = part.values
            samples = {minute - first: held for minute, held in part.partial.items()}
            minutes = merged(minutes, (grid, samples), part.how, part.full)
        out[channel] = first, minutes[0].tolist()
    return out
