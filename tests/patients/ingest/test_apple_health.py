import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest import apple_health
from patients.ingest.common import apple_samples
from patients.ingest.common.base import LIMITS
from tests.patients.ingest.builders import (
    APP,
    IPHONE,
    SDNN,
    START,
    WATCH,
    apple_export,
    apple_heart,
    apple_record,
    apple_sleep,
    apple_steps,
    parsed,
    write_apple,
    write_zip,
)


def values(recording: Recording, channel: Channel) -> list[float]:
    series = recording.channel(channel)
    return [] if series is None else series.values.tolist()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Recording]:
    """Parses an export of the given records."""
    return lambda *records: parsed(
        apple_health, write_apple(tmp_path / "export.xml", *records), "UTC"
    )


def test_the_real_extract_of_2014_is_read(shared: Path) -> None:
    steps = parsed(
        apple_health, shared / "data/apple_health/tdda_export6s3sample.xml", "Europe/London"
    )
    walked = values(steps, Channel.STEPS)
    assert steps.family is Family.STEPS
    assert steps.start == datetime(2014, 9, 13, 9, 34, tzinfo=UTC)  # 10:34:09 +0100
    assert sorted(np.array(walked)[~np.isnan(walked)]) == [10, 61, 200, 216, 282, 283]
    assert steps.rejected == {"steps_out_of_range": 4}  # 320 to 426 in 5 s


def test_heart_and_sleep_of_the_samples_are_read(shared: Path) -> None:
    export = parsed(apple_health, shared / "data/apple_health/tagbug_export.xml", "UTC")
    assert values(export, Channel.HEART_RATE) == [70]
    assert values(export, Channel.RESTING_HEART_RATE) == [60]
    assert values(export, Channel.HRV_SDNN) == [45]
    assert (export.sleep[0].asleep_minutes, export.family) == (450, None)
    assert (export.device, export.kind) == ("other app 532e", DeviceKind.APP)
    pacific = parsed(apple_health, shared / "data/apple_health/dogsheep_export.xml", "UTC")
    assert pacific.start == datetime(2018, 9, 10, 9, 28, tzinfo=UTC)  # 02:28:55 -0700
    assert (pacific.device, pacific.kind) == ("Apple Watch (Watch2,4)", DeviceKind.WATCH)


def test_steps_of_a_minute_are_those_of_the_best_device(read: Callable[..., Recording]) -> None:
    export = read(
        apple_steps(80, 0, 2, IPHONE),
        apple_steps(30, 1, 1, WATCH),
        apple_steps(99, 0, 4, APP),
        apple_steps(1, 2, 1, IPHONE),
    )
    assert values(export, Channel.STEPS) == [40, 30, 1, 24.75]
    assert export.device == "Apple Watch, iPhone, Pedometer"


def test_two_unknown_apps_are_two_devices_and_never_averaged(tmp_path: Path) -> None:
    records = (
        apple_record("HKQuantityTypeIdentifierHeartRate", rate, 0, 0, source, "count/min")
        for rate, source in ((60, "Ring of Sam"), (100, "Belt of Sam"))
    )
    path = write_apple(tmp_path / "export.xml", *records)
    found = {r.device: values(r, Channel.HEART_RATE) for r in apple_health.parse(path, "UTC")}
    assert sorted(found.values()) == [[60], [100]]
    assert all(re.fullmatch("other app [0-9a-f]{4}", device) for device in found)


def test_each_device_is_a_recording_of_its_own(tmp_path: Path) -> None:
    records = apple_steps(80, 0, 2, IPHONE), apple_steps(30, 1, 1), apple_sleep("AsleepREM", 0, 9)
    path = write_apple(tmp_path / "export.xml", *records)
    phone, watch = sorted(apple_health.parse(path, "UTC"), key=lambda r: r.kind)
    assert (phone.kind, phone.device, phone.sleep) == (DeviceKind.PHONE, "iPhone", ())
    assert (watch.kind, watch.device, watch.family) == (
        DeviceKind.WATCH, "Apple Watch", Family.STEPS
    )  # fmt: skip
    assert (values(phone, Channel.STEPS), values(watch, Channel.STEPS)) == ([40, 40], [30])
    assert watch.sleep[0].asleep_minutes == 9


def test_a_device_is_told_by_its_hardware_not_its_address(read: Callable[..., Recording]) -> None:
    kind = "HKQuantityTypeIdentifierStepCount"
    text = "<<HKDevice: 0x{}>, name:x, model:Watch, hardware:Watch6,7>"
    records = [
        apple_record(kind, n, n, 1, "Sam", "count", device=text.format(n)) for n in range(1, 6)
    ]
    export = read(*records, apple_steps(50, 1, 5, IPHONE))
    assert values(export, Channel.STEPS) == [1, 2, 3, 4, 5]
    assert export.device == "Apple Watch (Watch6,7), iPhone"


def test_apps_on_one_device_are_not_summed(read: Callable[..., Recording]) -> None:
    kind, phone = "HKQuantityTypeIdentifierStepCount", "hardware:iPhone12,8"
    export = read(
        apple_record(kind, 60, 0, 2, "Sam", "count", device=phone),
        apple_record(kind, 50, 1, 1, "Walker", "count", device=phone),
        apple_record(kind, 9, 1, 1, "Walker", "count", device=phone),
    )
    assert values(export, Channel.STEPS) == [30, 50]
    assert export.device == "iPhone (iPhone12,8)"


def test_breath_oxygen_and_temperature_are_in_our_units(read: Callable[..., Recording]) -> None:
    temperature = "HKQuantityTypeIdentifierAppleSleepingWristTemperature"
    export = read(
        apple_record("HKQuantityTypeIdentifierRespiratoryRate", 14.5, unit="count/min"),
        apple_record("HKQuantityTypeIdentifierOxygenSaturation", 0.96, unit="%"),
        apple_record("HKQuantityTypeIdentifierOxygenSaturation", 96, 1, unit="%"),
        apple_record(temperature, 95, 0, unit="degF"),
        apple_record(temperature, 36.5, 1, unit="degC"),
    )
    assert values(export, Channel.RESPIRATORY_RATE) == [14.5]
    assert values(export, Channel.SPO2) == [96]
    assert values(export, Channel.WRIST_TEMPERATURE) == [35, 36.5]
    assert export.rejected == {"spo2_out_of_range": 1}


def test_offsets_are_honoured_whatever_the_zone(tmp_path: Path) -> None:
    record = apple_record(SDNN, 40, unit="ms", offset_hours=-7)
    export = parsed(apple_health, write_apple(tmp_path / "a.xml", record), "Asia/Tokyo")
    assert export.start == START and "-0700" in record


def test_other_units_and_values_are_left_out_and_counted(read: Callable[..., Recording]) -> None:
    export = read(
        apple_heart(60),
        apple_heart(12),
        apple_heart("NaN"),
        apple_heart("fast"),
        apple_record("HKQuantityTypeIdentifierHeartRate", 1, unit="count/s"),
        apple_record(SDNN, 0.04, unit="s"),
        apple_record("HKQuantityTypeIdentifierStepCount", 5),
        apple_sleep("Dreaming", 0, 60),
    )
    assert values(export, Channel.HEART_RATE) == [60]
    assert export.rejected == {
        "heart_rate_out_of_range": 3,
        "heart_rate_unit": 1,
        "hrv_sdnn_unit": 1,
        "sleep_unknown_value": 1,
        "steps_unit": 1,
    }


def test_a_night_is_one_source_and_bed_is_not_sleep(read: Callable[..., Recording]) -> None:
    export = read(
        apple_sleep("InBed", -30, 540, IPHONE),
        apple_sleep("AsleepUnspecified", 0, 480, IPHONE),
        apple_sleep("AsleepCore", 10, 200),
        apple_sleep("AsleepDeep", 210, 60),
        apple_sleep("Awake", 270, 30),
        apple_sleep("AsleepREM", 300, 170),
        apple_sleep("InBed", 10, 460),
    )
    (night,) = export.sleep
    assert (night.asleep_minutes, night.awake_minutes) == (430, 30)
    assert [s.stage for s in night.stages] == ["light", "deep", "awake", "rem"]
    assert night.start == START + timedelta(minutes=10)


def test_time_in_bed_alone_is_no_recording(read: Callable[..., Recording]) -> None:
    with pytest.raises(InputError, match="nothing that can be used"):
        read(apple_sleep("InBed", 0, 480))


def test_the_order_of_the_records_does_not_matter(read: Callable[..., Recording]) -> None:
    rng = random.Random(4)
    records = [
        apple_steps(rng.randint(0, 90), rng.randint(0, 60), rng.random() * 9, source)
        for source in (WATCH, IPHONE, APP, "Sam’s old iPhone") * 20
    ]
    records += [apple_heart(rng.uniform(40, 90), rng.randint(0, 60)) for _ in range(80)]
    records += [
        apple_sleep(stage, rng.randint(0, 400), rng.randint(1, 60), rng.choice([WATCH, IPHONE]))
        for stage in ("AsleepCore", "AsleepDeep", "Awake", "AsleepUnspecified") * 10
    ]
    first = read(*records)
    rng.shuffle(records)
    second = read(*records, *records[:9])
    assert [s.values.tobytes() for s in first.series] == [s.values.tobytes() for s in second.series]
    assert first.sleep == second.sleep


MALFORMED_DTD = """<!DOCTYPE HealthData [
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation)*)>
<!ATTLIST HeartRateVariabilityMetadataList
  unit CDATA #IMPLIED
<!ATTLIST ClinicalRecord type CDATA #REQUIRED
  "broken" >
]>
"""


def test_a_malformed_dtd_and_control_characters_do_not_stop_it(tmp_path: Path) -> None:
    inner = '<Me HK Date of Birth="x"/>' + apple_heart(60).replace("Sam", "S\x0ba\x00m")
    inner += "<Record type='a\x0b' & <b>" + apple_heart(80, 1)
    (tmp_path / "export.xml").write_text(apple_export(inner, prologue=MALFORMED_DTD))
    assert apple_health.recognises(tmp_path / "export.xml")
    assert values(parsed(apple_health, tmp_path / "export.xml", "UTC"), Channel.HEART_RATE) == [
        60,
        80,
    ]


def test_an_entity_bomb_is_harmless(tmp_path: Path) -> None:
    names = "abcdefghij"
    bomb = "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip(names, names[1:], strict=False)
    )
    leak = '<!ENTITY leak SYSTEM "file:///etc/passwd">'
    prologue = f'<!DOCTYPE HealthData [<!ENTITY a "{"lol" * 999}">{bomb}{leak}]>'
    text = apple_export(apple_heart(60), "&j;&leak;<Me name='&j;&leak;'/>", prologue=prologue)
    (tmp_path / "export.xml").write_text(text)
    assert values(parsed(apple_health, tmp_path / "export.xml", "UTC"), Channel.HEART_RATE) == [60]


def test_a_zip_is_read_wherever_the_export_lies(tmp_path: Path) -> None:
    export = apple_export(apple_heart(60))
    files: dict[str, str | bytes] = {
        "apple_health_export/export_cda.xml": "<ClinicalDocument/>",
        "apple_health_export/Exportieren.xml": export,
    }
    path = write_zip(tmp_path / "export.zip", files)
    assert apple_health.recognises(path)
    assert values(parsed(apple_health, path, "UTC"), Channel.HEART_RATE) == [60]
    with pytest.raises(InputError, match="holds 2 Apple Health exports"):
        parsed(apple_health, write_zip(tmp_path / "two.zip", files | {"b.xml": export}), "UTC")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, -14])
def test_an_export_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    text = apple_export(*[apple_heart(60, i) for i in range(50)]).rstrip()
    cut = text[: int(kept * len(text)) if kept > 0 else int(kept)]
    (tmp_path / "export.xml").write_text(cut)
    with pytest.raises(InputError, match=r"export\.xml is cut off"):
        parsed(apple_health, tmp_path / "export.xml", "UTC")
    with pytest.raises(InputError, match=r"export\.zip is cut off"):
        parsed(apple_health, write_zip(tmp_path / "export.zip", {"export.xml": cut}), "UTC")


@pytest.mark.parametrize(
    "stamp", ["1899-12-31 10:00:00 +0000", "2024-03-04 22:00:00", "9999-01-01 00:00:00 +0000", "x"]
)
@pytest.mark.parametrize("field", ["startDate", "endDate"])
def test_a_bad_date_is_left_out_and_counted_and_alone_refused_with_its_record(
    read: Callable[..., Recording], stamp: str, field: str
) -> None:
    bad = apple_steps(5, 3).replace(f'{field}="2024', f'{field}="{stamp}" old="')
    export = read(apple_heart(60), bad, apple_heart(70, 1))
    assert values(export, Channel.HEART_RATE) == [60, 70]
    assert export.rejected == {"date_out_of_range": 1}
    with pytest.raises(InputError, match=rf"export\.xml: record 1 has the {field} '{stamp[:9]}"):
        read(bad)


def test_a_tag_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apple_health, "LONGEST_TAG_BYTES", 100_000)
    text = apple_export("<Record type='" + "a" * 400_000 + "'/>")
    (tmp_path / "export.xml").write_text(text)
    with pytest.raises(InputError, match="tag or text over"):
        parsed(apple_health, tmp_path / "export.xml", "UTC")


def test_binary_after_the_root_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    path.write_bytes(b"<HealthData " + random.Random(0).randbytes(5000))
    with pytest.raises(InputError):
        parsed(apple_health, path, "UTC")


def test_records_the_parser_cannot_reach_are_counted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    early = apple_export(*[apple_heart(60, i) for i in range(8)])
    path.write_text(early + apple_export(apple_heart(60)))
    assert parsed(apple_health, path, "UTC").rejected == {"unreadable_record": 1}
    path.write_text(early + apple_export(*[apple_heart(60, i) for i in range(9)]))
    with pytest.raises(InputError, match="only 8 of 17 records can be read"):
        parsed(apple_health, path, "UTC")


def test_records_across_chunks_are_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_apple(tmp_path / "export.xml", *[apple_heart(60 + i, i) for i in range(9)])
    for size in (1, 7, 100):
        monkeypatch.setattr(apple_health, "CHUNK_BYTES", size)
        export = parsed(apple_health, path, "UTC")
        assert values(export, Channel.HEART_RATE) == [60 + i for i in range(9)]
        assert export.rejected == {}


def test_a_date_far_from_all_others_is_refused(read: Callable[..., Recording]) -> None:
    with pytest.raises(InputError, match="runs from 2001-01-01 to 2024-03-04, over 20 years"):
        read(
            apple_heart(60),
            apple_heart(70).replace('startDate="2024-03-04', 'startDate="2001-01-01'),
        )


def test_too_many_devices_are_refused(
    read: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apple_samples, "MOST_LANES", 9)
    records = [apple_steps(5, n, source=f"app {n}") for n in range(10)]
    assert np.nansum(values(read(*records[:9]), Channel.STEPS)) == 45
    with pytest.raises(InputError, match="over 9 devices and apps"):
        read(*records)


MUTABLE = apple_export(
    *[apple_heart(60 + n, n) for n in range(3)],
    *[apple_steps(9 + n, n, 2, source) for n in range(2) for source in (WATCH, IPHONE)],
    apple_sleep("AsleepDeep", 0, 30),
)
SWAPS = [
    "NaN",
    "1e308",
    "-1",
    "9999",
    "8e14",
    "",
    "inf",
    "0x1",
    "\x0b",
    "&amp;",
    "<",
    ">",
    '"',
    "/",
]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, len(MUTABLE)), st.integers(0, 9), st.sampled_from(SWAPS)),
             min_size=1, max_size=5)
)  # fmt: skip
def test_a_mutated_export_is_refused_or_read(edits: list[tuple[int, int, str]]) -> None:
    text = MUTABLE
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.xml"
        path.write_text(text, encoding="utf-8")
        try:
            found = parsed(apple_health, path, "UTC")
        except InputError as refused:
            assert str(refused).endswith(".") and folder not in str(refused)
        else:
            assert found.start.year >= 1970 and found.end.year < 2101
            for series in found.series:
                low, high = LIMITS[series.channel]
                assert np.all(np.isnan(series.values) | (series.values >= low))
                assert np.all(np.isnan(series.values) | (series.values <= high))
