import os
import random
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.resolve import whole
from patients.ingest.sources import SOURCES, read_recordings, source_named
from tests.hostile.seeds import Seed, seeds
from tests.patients.ingest.builders import (
    actlumus_rows,
    apple_export,
    apple_heart,
    apple_steps,
    fitbit_steps,
    write_actlumus,
    write_apple,
    write_json,
    write_zip,
)

FILES = {
    "actlumus": "lightlogr/205_actlumus_Log_1020_20230904101707532.txt",
    "fitbit": "ggir_testfiles/sleep-1995-06-23_Fitbit.json",
    "apple_health": "apple_health/tagbug_export.xml",
    "garmin_connect": "garmin_garth/test_sleep_data_get.json",
    "actigraph_csv": "ggir_testfiles/ActiGraph13.csv",
    "actigraph_gt3x": "ggir_testfiles/actigraph_testfile.gt3x",
    "actiwatch_awd": "ggir_testfiles/Actiwatch.AWD",
    "actiwatch_csv": "ggir_testfiles/Actiwatch.csv",
    "actical": "ggir_testfiles/Actical.csv",
    "philips_health_band": "ggir_testfiles/DataList_AH1234567890_PhilipsHealthBand.xlsx",
    "ukbiobank_csv": "ggir_testfiles/ukbiobank.csv",
}


def refusal(path: Path, zone: str = "Europe/Berlin", source: str = "auto") -> str:
    with pytest.raises(InputError) as caught:
        list(read_recordings(path, zone, source))
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and str(path.parent) not in message
    return message


@pytest.mark.parametrize("name", FILES)
def test_auto_tells_every_real_file(shared: Path, name: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes((shared / "data" / FILES[name]).read_bytes())
    for source in ("auto", name):
        assert whole(read_recordings(path, "Europe/Berlin", source)).source == name


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("other", FILES)
def test_a_file_is_recognised_by_its_own_source_only(shared: Path, name: str, other: str) -> None:
    assert source_named(other).recognises(shared / "data" / FILES[name]) == (name == other)


def test_no_real_file_is_taken_for_two_formats(shared: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    taken = {p.name: [n for n in SOURCES if source_named(n).recognises(p)] for p in files}
    assert {name: sources for name, sources in taken.items() if len(sources) > 1} == {}
    assert sum(map(len, taken.values())) > 30


def test_another_vendors_file_is_named_as_such(tmp_path: Path) -> None:
    path = write_actlumus(tmp_path / "a.txt", actlumus_rows(datetime(2024, 1, 1), 60))
    assert refusal(path, source="fitbit") == (
        "a.txt is not a fitbit recording, it looks like actlumus; use the source actlumus or auto."
    )


def test_an_unknown_source_or_zone_is_refused(tmp_path: Path) -> None:
    path = write_apple(tmp_path / "export.xml", apple_heart(60))
    assert "auto, apple_health, fitbit, " in refusal(path, source="garmin")
    assert refusal(path, "Mars/Olympus") == (
        "The time zone 'Mars/Olympus' is not known; give an IANA name such as Europe/Berlin."
    )


def test_what_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.xml").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "photo.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    assert "no file or folder nowhere.xml" in refusal(tmp_path / "nowhere.xml")
    assert "empty.xml is empty" in refusal(tmp_path / "empty.xml")
    assert "pipe is neither a file nor a folder" in refusal(tmp_path / "pipe")
    for source in ("auto", "fitbit"):
        message = refusal(tmp_path / "folder", source=source)
        assert "folder is in no known format" in message
        assert all(name in message for name in SOURCES)


def test_a_bomb_or_a_zip_cut_off_is_refused_as_such(tmp_path: Path) -> None:
    bomb = write_zip(tmp_path / "export.zip", {"export.xml": b" " * 30_000_000})
    assert "would unpack to 30,000,000 bytes" in refusal(bomb)
    cut = write_zip(tmp_path / "cut.zip", {"export.xml": apple_export(apple_heart(60))})
    cut.write_bytes(cut.read_bytes()[:-40])
    assert "cut off" in refusal(cut)


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_binary_junk_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "junk.bin"
    path.write_bytes(random.Random(size).randbytes(size))
    assert "no known format" in refusal(path)


@settings(max_examples=150, deadline=2000)
@given(st.data())
def test_a_mutated_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("m")
    path = data.draw(
        st.sampled_from(
            [
                write_actlumus(folder / "a.txt", actlumus_rows(datetime(2024, 1, 1), 60)),
                write_json(folder / "steps.json", fitbit_steps(list(range(50)))),
                write_apple(
                    folder / "a.xml", apple_heart(60), apple_steps(9, 1), apple_steps(8, 2)
                ),
                write_zip(folder / "a.zip", {"e.xml": apple_export(apple_heart(60))}),
            ]
        )
    )
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at] = data.draw(st.integers(0, 255))
        else:
            del raw[at : at + data.draw(st.integers(1, 40))]
            raw += b"0"
    path.write_bytes(raw)
    try:
        found = whole(read_recordings(path, "Europe/Berlin"))
    except InputError as refused:
        assert str(refused).endswith(".")
    else:
        assert found.start < found.end
        assert all(s.values.size for s in found.series)


@pytest.mark.parametrize("suffix", ["zip", "gz", "xz", "bz2", "tar", "zst"])
@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: f"{seed.source} {seed.name}")
def test_a_name_is_not_believed(tmp_path: Path, seed: Seed, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(seed.content)
    if seed.name not in ("steps.json", "hrv.csv"):  # Fitbit's steps are told by their name alone
        assert whole(read_recordings(path, "Europe/Berlin")).source == seed.source
