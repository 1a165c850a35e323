from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, Recording
from patients.ingest import empatica_e4
from tests.patients.ingest.builders import write_zip
from tests.patients.ingest.builders_actigraphy import (
    check_read_or_refused,
    e4_files,
    mutated,
    only,
    together,
)

START = 1_560_279_600  # 2019-06-11 19:00 UTC, where a window of five minutes begins


def read(path: Path, zone: str = "Europe/Zurich") -> Recording:
    return only(empatica_e4, path, zone)


def values(recording: Recording, channel: Channel) -> list[float]:
    series = recording.channel(channel)
    return [] if series is None else series.values.tolist()


def write_folder(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def test_the_real_session(shared: Path) -> None:
    folder = shared / "data/empatica_e4_flirt"
    found = read(folder)
    assert (found.device, found.family, found.rejected) == ("Empatica E4", Family.ENMO, {})
    assert found.start == datetime(2019, 6, 11, 19, 3, tzinfo=UTC)  # 1560279825 is 19:03:45
    # ACC: 9,998 samples at 32 Hz, 312.4 s: the first minute has 15 of its seconds, so no value
    g = np.loadtxt(folder / "ACC.csv", delimiter=",", skiprows=2) / 64
    enmo = np.maximum(np.linalg.norm(g, axis=1) - 1, 0) * 1000
    activity = values(found, Channel.ACTIVITY)
    assert len(activity) == 6 and np.isnan(activity[0])
    assert activity[1] == pytest.approx(enmo[15 * 32 : 75 * 32].mean(), rel=1e-5)
    # HR begins 10 s later, at 19:03:55
    bpm = np.loadtxt(folder / "HR.csv", skiprows=2)
    pulse = values(found, Channel.HEART_RATE)
    assert len(bpm) == 4998 and len(pulse) == 85
    assert pulse[0] == pytest.approx(bpm[:5].mean()) == pytest.approx(94.52)
    assert pulse[1] == pytest.approx(bpm[5:65].mean())
    celsius = np.loadtxt(folder / "TEMP.csv", skiprows=2)
    warmth = values(found, Channel.WRIST_TEMPERATURE)
    assert len(warmth) == 22 and warmth[1] == pytest.approx(celsius[60:300:4].mean())
    rmssd = np.array(values(found, Channel.HRV_RMSSD))
    there = rmssd[~np.isnan(rmssd)]
    assert len(there) == 19 and there.min() > 50 and there.max() < 95
    sdnn = np.array(values(found, Channel.HRV_SDNN))
    assert np.array_equal(np.isnan(sdnn), np.isnan(rmssd))
    assert np.nanmin(sdnn) > 40 and np.nanmax(sdnn) < 95
    ratio = np.array(values(found, Channel.HRV_LF_HF))
    ratio = ratio[~np.isnan(ratio)]
    assert 0 < len(ratio) < len(there)  # a spectrum needs more beats than a spread
    assert ratio.min() > 0.1 and ratio.max() < 10


def test_a_zip_a_folder_and_the_kind_with_dates_give_the_same(tmp_path: Path) -> None:
    expected = together([read(write_folder(tmp_path / "a", e4_files()))])
    assert expected[Channel.ACTIVITY][1] == [0, 0]
    assert expected[Channel.HEART_RATE] == (1_560_279_840 // 60, [70, 70])
    assert expected[Channel.WRIST_TEMPERATURE][1] == [33, 33]
    assert (
        together([read(write_zip(tmp_path / "b.zip", dict(e4_files(folder="S01/"))))]) == expected
    )
    dated = e4_files(start="2019-06-11 19:04:00")
    assert together([read(write_folder(tmp_path / "c", dated), "Asia/Tokyo")]) == expected


def test_enmo_is_in_mg_of_64_units(tmp_path: Path) -> None:
    rows = "0,0,96\n0,0,32\n" * 16 * 60  # 1.5 g and 0.5 g
    text = f"{START}.0, {START}.0, {START}.0\n32.0, 32.0, 32.0\n{rows}"
    found = read(write_folder(tmp_path, {"ACC.csv": text}))
    assert values(found, Channel.ACTIVITY) == [250]


def test_temperatures_that_no_wrist_has_are_left_out(tmp_path: Path) -> None:
    text = f"{START}\n4.0\n" + "33.0\n" * 120 + "235.0\n" * 120
    found = read(write_folder(tmp_path, {"TEMP.csv": text}))
    assert values(found, Channel.WRIST_TEMPERATURE) == [33]
    assert found.rejected == {"wrist_temperature_out_of_range": 30} and found.family is None


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"HR.csv": "9999999999.0\n1.0\n70\n"}, "HR.csv starts with a date not between"),
        ({"HR.csv": "2019-13-45 19:04:00\n1.0\n70\n"}, "HR.csv cannot be read"),
        ({"HR.csv": "1560279825.0\n0.0\n70\n"}, "a rate that the E4 does not have"),
        ({"HR.csv": "1560279825.0\n1.0\n"}, "nothing that can be used"),
        ({"HR.csv": "1560279825.0\n1.0\n0\n0\n"}, "2 heart_rate_out_of_range"),
        ({"ACC.csv": f"{START}.0\n32.0\n1,2\n"}, "ACC.csv cannot be read"),
        (e4_files(folder="a/") | e4_files(folder="b/"), "holds 2 Empatica sessions"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, files: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(write_zip(tmp_path / "a.zip", dict(files)))


def test_it_is_recognised_by_content(shared: Path, tmp_path: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    taken = {p.relative_to(shared / "data").as_posix() for p in files if empatica_e4.recognises(p)}
    assert taken == {f"empatica_e4_flirt/{n}.csv" for n in ("ACC", "HR", "IBI", "TEMP")}
    assert not empatica_e4.recognises(write_folder(tmp_path, {"HR.csv": "time,bpm\n1,70\n"}))


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("m")
    name = data.draw(st.sampled_from(["ACC.csv", "HR.csv", "TEMP.csv", "IBI.csv"]))
    if data.draw(st.booleans()):
        short = "\n".join(e4_files()[name].split("\n")[:30]) + "\n"
        (folder / name).write_bytes(mutated(short.encode(), data))
        check_read_or_refused("empatica_e4", folder)
    else:
        packed = write_zip(folder / "a.zip", dict(e4_files()))
        packed.write_bytes(mutated(packed.read_bytes(), data))
        check_read_or_refused("empatica_e4", packed)
