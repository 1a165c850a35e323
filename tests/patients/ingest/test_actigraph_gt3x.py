from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest import actigraph_gt3x
from patients.ingest.common.base import Zone
from tests.patients.ingest.builders import write_zip
from tests.patients.ingest.builders_actigraphy import (
    INFO,
    check_read_or_refused,
    gt3x,
    gt3x_parameters,
    gt3x_record,
    gt3x_second,
    mutated,
    only,
    together,
)

NOON = int(datetime(2020, 8, 26, 12, tzinfo=UTC).timestamp())  # on the device's clock
STILL, MOVED = (0, 0, 256), (0, 0, 384)  # 1 g and 1.5 g
ZONE = "Europe/Amsterdam"


def read(path: Path, zone: Zone = ZONE) -> Recording:
    return only(actigraph_gt3x, path, zone)


def values(recording: Recording) -> list[float]:
    series = recording.channel(Channel.ACTIVITY)
    assert series is not None and series.unit == "mg"
    return series.values.tolist()


def seconds(count: int, first: int = NOON, samples: int = 30) -> list[bytes]:
    """Whole seconds, every other one moving."""
    kinds = (STILL, MOVED)
    return [gt3x_second(first + i, [kinds[i % 2]] * samples) for i in range(count)]


def test_the_real_half_hour(shared: Path) -> None:
    import actfast

    path = shared / "data/ggir_testfiles/actigraph_testfile.gt3x"
    found = read(path)
    assert (found.device, found.family, found.kind, found.rejected) == (
        "ActiGraph MOS2E39180594",
        Family.ENMO,
        DeviceKind.ACTIGRAPH,
        {},
    )
    # info.txt: start 10:09 and download 10:38:32 on a clock at +02:00
    assert found.start == datetime(2020, 8, 26, 8, 9, tzinfo=UTC)
    assert found.end == datetime(2020, 8, 26, 8, 39, tzinfo=UTC)
    raw = actfast.read(path)["timeseries"]["acceleration"]
    assert raw["acceleration"].shape == (17_640, 3)
    assert raw["acceleration"][0] * 256 == pytest.approx([1, 6, -245])
    g = np.linalg.norm(raw["acceleration"].astype(float), axis=1)
    by_second = pd.Series(1000 * np.maximum(g - 1, 0)).groupby(raw["datetime"] // 10**9)
    every = range(int(raw["datetime"][0]) // 10**9, int(raw["datetime"][-1]) // 10**9 + 1)
    held = by_second.last().reindex(every).ffill()  # the device slept for two thirds of it
    expected = by_second.mean().reindex(every).fillna(held)
    minutes = expected.groupby(np.array(every) // 60).mean()
    assert len(by_second) == 588 and len(every) == 1768
    np.testing.assert_allclose(values(found)[:29], minutes[:29], rtol=1e-4, atol=1e-4)


def test_enmo_is_the_mean_of_what_exceeds_one_g(tmp_path: Path) -> None:
    found = read(gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), *seconds(120)]))
    assert values(found) == [250, 250]  # half of the seconds 500 mg, the others 0
    assert found.start == datetime(2020, 8, 26, 10, tzinfo=UTC)
    assert "Sam" not in found.device


def test_another_rate_gives_the_same(tmp_path: Path) -> None:
    records = [gt3x_parameters(100), *seconds(60, samples=100)]
    assert values(read(gt3x(tmp_path / "a.gt3x", records))) == [250]


def test_less_than_one_g_is_no_activity(tmp_path: Path) -> None:
    records = [gt3x_second(NOON + i, [(0, 0, 128)] * 30) for i in range(60)]
    assert values(read(gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), *records]))) == [0]


def test_idle_sleep_holds_the_last_sample_and_other_gaps_stay_missing(tmp_path: Path) -> None:
    records = [*seconds(60), *seconds(60, NOON + 240)]
    idle = gt3x(tmp_path / "a.gt3x", [gt3x_parameters(sleep_mode=True), *records])
    awake = gt3x(tmp_path / "b.gt3x", [gt3x_parameters(), *records])
    assert values(read(idle)) == [250, 500, 500, 500, 250]
    np.testing.assert_array_equal(values(read(awake)), [250, np.nan, np.nan, np.nan, 250])


def test_the_order_of_the_records_does_not_matter_and_halves_are_the_whole(
    tmp_path: Path,
) -> None:
    records = seconds(600)
    expected = together([read(gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), *records]))])
    turned = [gt3x_parameters(), *records[::-1], *records[:9]]
    assert together([read(gt3x(tmp_path / "b.gt3x", turned))]) == expected
    halves = [
        read(gt3x(tmp_path / f"{i}.gt3x", [gt3x_parameters(), *part]))
        for i, part in enumerate((records[:310], records[310:]))
    ]
    assert together(halves) == together(halves[::-1]) == expected


def test_the_clock_runs_through_the_change_to_winter_time(tmp_path: Path) -> None:
    first = int(datetime(2020, 10, 25, 2, 30, tzinfo=UTC).timestamp())
    records = [gt3x_parameters(), *seconds(3600, first, samples=1)]
    found = read(gt3x(tmp_path / "a.gt3x", records, INFO | {"Sample Rate": "1"}))
    assert values(found) == [250] * 60
    assert found.start == datetime(2020, 10, 25, 0, 30, tzinfo=UTC)


def test_a_half_after_the_change_keeps_the_clock_of_the_start(tmp_path: Path) -> None:
    first = int(datetime(2020, 10, 26, 12, tzinfo=UTC).timestamp())
    path = gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), *seconds(60, first)])
    # info.txt: start on 26 August on a clock at +02:00
    assert read(path).start == datetime(2020, 10, 26, 10, tzinfo=UTC)
    unset = INFO | {"Start Date": "0", "TimeZone": "01:00:00"}
    path = gt3x(tmp_path / "b.gt3x", [gt3x_parameters(), *seconds(60, first)], unset)
    assert read(path).start == datetime(2020, 10, 26, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "zone", "good"),
    [
        ("02:00:00", "Europe/Berlin", True),
        ("01:00:00", "Europe/Berlin", True),  # firmware that tells it without daylight saving
        ("-05:00:00", "America/New_York", True),
        ("02:00:00", "Europe/London", False),
        ("-02:00:00", "Europe/Berlin", False),
        ("", "Europe/London", True),
    ],
)
def test_a_zone_that_contradicts_the_file_is_refused(
    tmp_path: Path, told: str, zone: str, good: bool
) -> None:
    path = gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), *seconds(60)], INFO | {"TimeZone": told})
    if good:
        assert values(read(path, zone)) == [250]
    else:
        with pytest.raises(InputError, match="set up on a clock at UTC.*not that of"):
            read(path, zone)


@pytest.mark.parametrize(("moved", "good"), [(27, True), (26, False)])
def test_the_offset_of_the_file_is_held_against_the_zone_of_its_day(
    tmp_path: Path, moved: int, good: bool
) -> None:
    move = (date(2020, 8, moved), "America/New_York")
    zones = ZoneHistory(((date(2020, 1, 1), "Europe/Berlin"), move))
    info = INFO | {"TimeZone": "02:00:00"}
    path = gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), *seconds(60)], info)
    if good:
        assert read(path, zones).start == datetime(2020, 8, 26, 10, tzinfo=UTC)
        return
    with pytest.raises(InputError, match="not that of America/New_York"):
        read(path, zones)


def test_samples_in_another_layout_are_refused_with_what_to_do(tmp_path: Path) -> None:
    sixteen_bits = gt3x_record(26, NOON, b"\0\0\0\0\0\1" * 30)
    path = gt3x(tmp_path / "a.gt3x", [gt3x_parameters(), sixteen_bits])
    with pytest.raises(InputError, match="no acceleration in the layout.*as .agd or CSV"):
        read(path)
    older = write_zip(
        tmp_path / "b.gt3x", {"info.txt": "Serial Number: NEO1\n", "activity.bin": b"\0" * 99}
    )
    assert actigraph_gt3x.recognises(older)
    with pytest.raises(InputError, match="older kind without log.bin; export it from ActiLife"):
        read(older)


@pytest.mark.parametrize(
    "records",
    [
        [gt3x_parameters(0), *seconds(60)],  # divides by zero inside the library
        [gt3x_record(5, NOON, b""), *seconds(60)],  # reads beyond a record there
        [gt3x_parameters(), *seconds(60), b"junk and more junk"],
        [gt3x_parameters(), *seconds(59), seconds(60)[-1][:50]],
    ],
)
def test_a_damaged_log_is_refused(tmp_path: Path, records: list[bytes]) -> None:
    with pytest.raises(InputError, match="damaged"):
        read(gt3x(tmp_path / "a.gt3x", records))


def test_a_date_out_of_range_is_refused(tmp_path: Path) -> None:
    records = [gt3x_parameters(), *seconds(60, 2**32 - 60)]
    with pytest.raises(InputError, match="its second 1 is not between 1970 and 2100"):
        read(gt3x(tmp_path / "a.gt3x", records))


def test_it_is_recognised_by_content(shared: Path, tmp_path: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    assert [p.name for p in files if actigraph_gt3x.recognises(p)] == ["actigraph_testfile.gt3x"]
    assert not actigraph_gt3x.recognises(write_zip(tmp_path / "a.gt3x", {"info.txt": "Hello"}))
    assert not actigraph_gt3x.recognises(tmp_path)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("m") / "a.gt3x"
    records = b"".join([gt3x_parameters(sleep_mode=True), *seconds(10)])
    info = "".join(f"{key}: {value}\n" for key, value in INFO.items()).encode()
    if data.draw(st.booleans()):
        gt3x(path, [records])
        path.write_bytes(mutated(path.read_bytes(), data))
    else:
        write_zip(path, {"info.txt": mutated(info, data), "log.bin": mutated(records, data)})
    check_read_or_refused("actigraph_gt3x", path, ZONE)
