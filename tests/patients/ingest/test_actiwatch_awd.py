from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family
from patients.ingest import actiwatch_awd
from tests.patients.ingest.builders import parsed
from tests.patients.ingest.builders_loggers import NIGHT, write_awd


def test_the_real_file_is_read_to_its_last_line(shared: Path) -> None:
    watch = parsed(actiwatch_awd, shared / "data/ggir_testfiles/Actiwatch.AWD", "Europe/London")
    (activity,) = watch.series  # its light is zero throughout
    assert (watch.device, watch.family, watch.kind) == (
        "Actiwatch D012345",
        Family.ACTIWATCH_COUNTS,
        DeviceKind.ACTIGRAPH,
    )
    # 17:00 on 1 October 2009, British Summer Time; code 4 is 60 s; 336 lines less 7 of header
    assert (watch.start, len(activity.values)) == (datetime(2009, 10, 1, 16, 0, tzinfo=UTC), 329)
    assert activity.values[:4].tolist() == [0, 498, 394, 666]
    assert activity.values.sum() == 108_864  # awk -F' ,' 'NR>7{s+=$1}END{print s}'
    assert activity.unit == "counts/min" and watch.rejected == {}


def test_epochs_are_summed_and_light_is_averaged(tmp_path: Path) -> None:
    rows = ["10 , 3,00", "20 , 5,00 M", "1", "2 M", "7 , 100.5,31", "-1 , 0,00"]
    watch = parsed(actiwatch_awd, write_awd(tmp_path / "a", rows), "Europe/Berlin")
    activity, light = watch.series
    assert activity.values.tolist() == [30, 3, 14]  # the last: 7 in half of the minute
    np.testing.assert_array_equal(light.values, [4, np.nan, 50.25])
    assert watch.start == datetime(2024, 1, 14, 22, 0, tzinfo=UTC)
    assert watch.rejected == {"activity_out_of_range": 1}
    assert watch.device == "Actiwatch V0042"


@pytest.mark.parametrize("start", [datetime(2024, 3, 31), datetime(2024, 10, 27)])
def test_the_watch_runs_through_a_change_of_clock(tmp_path: Path, start: datetime) -> None:
    path = write_awd(tmp_path / "a", ["5"] * 600, start, "4")
    activity = parsed(actiwatch_awd, path, "Europe/Berlin").channel(Channel.ACTIVITY)
    assert activity is not None and activity.values.tolist() == [5] * 600


@pytest.mark.parametrize(
    ("code", "counts"), [("1", [4, 4]), ("2", [2] * 4), ("4", [1] * 8), ("81", [30])]
)
def test_the_code_tells_the_epoch(tmp_path: Path, code: str, counts: list[float]) -> None:
    rows = ["1"] * (8 if code != "81" else 30)
    activity = parsed(actiwatch_awd, write_awd(tmp_path / "a", rows, NIGHT, code), "UTC").series[0]
    assert activity.values.tolist() == counts


@pytest.mark.parametrize(
    ("rows", "start", "code", "says"),
    [
        (["1", "x", "2"], NIGHT, "4", "line 9 is no count"),
        (["1", "", "2"], NIGHT, "4", "line 9 is no count"),
        (["1"], NIGHT, "8", "one row every 120 s"),
        (["1"], NIGHT, "7", "epoch code '7' in line 4 is not known"),
        (["1"], datetime(1969, 12, 31), "4", "is not between 1970 and 2100"),
        (["-1", "-1"], NIGHT, "4", "nothing that can be used"),
        (["1\n" * 3_000_000], NIGHT, "4", "over 4 MiB"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, rows: list[str], start: datetime, code: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        parsed(actiwatch_awd, write_awd(tmp_path / "a.AWD", rows, start, code), "UTC")
