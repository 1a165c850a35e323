import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest import actigraph_csv
from tests.patients.ingest.builders_actigraphy import (
    actigraph_csv as write,
)
from tests.patients.ingest.builders_actigraphy import (
    actigraph_header,
    check_read_or_refused,
    mutated,
    only,
    shuffled,
    together,
)

FOLDER = "data/ggir_testfiles"
STAMPED = "TimeStamp,axis1,axis2,axis3,steps,vm"


def read(path: Path, zone: str = "Europe/Berlin") -> Recording:
    return only(actigraph_csv, path, zone)


def values(recording: Recording, channel: Channel = Channel.ACTIVITY) -> list[float]:
    series = recording.channel(channel)
    return [] if series is None else series.values.tolist()


def stamped_header(
    start: str = "8/26/2013",
    download: str = "9/3/2013",
    epoch: str = "00:00:15",
    date_format: str = "M/d/yyyy",
) -> str:
    header = actigraph_header(start, download, epoch, date_format=date_format, table="Table ")
    return header + STAMPED + "\n"


def stamped(start: datetime, count: int, counts: str = "3,4,0") -> list[str]:
    stamps = (start + timedelta(seconds=15 * i) for i in range(count))
    return [f"{t:%Y-%m-%dT%H:%M:%S}Z,{counts},1,5" for t in stamps]


def test_the_real_file_of_15_s_epochs_and_mode_13(shared: Path) -> None:
    path = shared / FOLDER / "ActiGraph13.csv"
    found = read(path, "Europe/Amsterdam")
    rows = np.loadtxt(path, delimiter=",", skiprows=10)
    assert (found.device, found.family, found.kind, found.rejected) == (
        "ActiGraph CLE2A2123456",
        Family.ACTIGRAPH_COUNTS,
        DeviceKind.ACTIGRAPH,
        {},
    )
    assert found.start == datetime(2013, 8, 26, 7, 0, tzinfo=UTC)  # 09:00 of the summer, M/d
    counts, steps = values(found), values(found, Channel.STEPS)
    assert len(counts) == 248 and len(rows) == 990  # 247 minutes and half of one, scaled
    magnitude = np.sqrt((rows[:988, :3] ** 2).sum(axis=1)).reshape(247, 4)
    np.testing.assert_allclose(counts[:247], magnitude.sum(axis=1), rtol=1e-6)
    assert steps[:247] == rows[:988, 3].reshape(247, 4).sum(axis=1).tolist()
    assert steps[247] == 2 * rows[988:, 3].sum()


def test_the_real_file_of_5_s_epochs_and_mode_61_has_lux(shared: Path) -> None:
    path = shared / FOLDER / "ActiGraph61.csv"
    found = read(path, "Europe/Amsterdam")
    rows = np.loadtxt(path, delimiter=",", skiprows=10)
    assert found.start == datetime(2016, 8, 15, 19, 35, tzinfo=UTC)
    assert found.device == "ActiGraph MOS2D16160581"
    assert values(found)[0] == pytest.approx(np.sqrt((rows[:12, :3] ** 2).sum(axis=1)).sum())
    assert values(found, Channel.STEPS)[0] == rows[:12, 3].sum() == 6
    lux = np.array(values(found, Channel.LIGHT))
    assert lux.sum() == rows[:990, 4].sum() == 0  # not the inclinometer, which is 5 or 0


def test_the_real_stamps_decide_over_the_headers_date_and_are_no_utc(shared: Path) -> None:
    path = shared / FOLDER / "ActiGraph13_timestamps_headers.csv"
    found = read(path, "Europe/Amsterdam")
    rows = np.loadtxt(path, delimiter=",", skiprows=11, usecols=(1, 2, 3, 4))
    # the header says 09-12-2017 in dd/MM/yyyy, and the stamps 12 September 15:00 with a Z
    assert found.start == datetime(2017, 9, 12, 13, 0, tzinfo=UTC)
    assert found.end == datetime(2017, 9, 12, 13, 17, tzinfo=UTC)
    magnitude = np.sqrt((rows[:960, :3] ** 2).sum(axis=1)).reshape(16, 60).sum(axis=1)
    np.testing.assert_allclose(values(found)[:16], magnitude, rtol=1e-6)
    assert values(found, Channel.STEPS)[0] == rows[:60, 3].sum() == 5


def test_the_same_header_without_stamps_is_refused_as_contradicting_itself(tmp_path: Path) -> None:
    header = actigraph_header("09-12-2017", "09-19-2017", date_format="dd/MM/yyyy")
    path = write(tmp_path / "a.csv", ["0,0,0,0"] * 8, header)
    with pytest.raises(InputError, match="no dates in its date format, or not in this order"):
        read(path)


@pytest.mark.parametrize(
    ("date_format", "start", "download"),
    [
        ("M/d/yyyy", "8/26/2013", "9/3/2013"),
        ("dd/MM/yyyy", "26-08-2013", "03-09-2013"),
        ("dd.MM.yyyy", "26.08.2013", "03.09.2013"),
        ("yyyy/MM/dd", "2013/08/26", "2013/09/03"),
        ("yyyy-MM-dd", "2013-08-26", "2013-09-03"),
    ],
)
def test_the_date_is_in_the_order_of_the_header_line(
    tmp_path: Path, date_format: str, start: str, download: str
) -> None:
    header = actigraph_header(start, download, date_format=date_format)
    found = read(write(tmp_path / "a.csv", ["3,4,0,1"] * 8, header))
    assert found.start == datetime(2013, 8, 26, 7, 0, tzinfo=UTC)
    assert values(found) == [20, 20] and values(found, Channel.STEPS) == [4, 4]


@pytest.mark.parametrize(
    ("mode", "row", "counts", "steps", "lux"),
    [
        (0, "7", 28, [], []),
        (1, "7,2", 28, [8], []),
        (4, "3,4", 12, [], []),  # two axes are read as axis 1
        (12, "3,4,12", 52, [], []),
        (15, "3,4,12,2,70", 52, [8], []),  # heart beats after steps
        (29, "3,4,12,2,90", 52, [8], [90]),
        (45, "3,4,12,2,0,15,0,0", 52, [8], []),
        (61, "3,4,12,2,90,0,15,0,0", 52, [8], [90]),
    ],
)
def test_the_mode_says_which_columns_there_are(
    tmp_path: Path, mode: int, row: str, counts: float, steps: list[float], lux: list[float]
) -> None:
    found = read(write(tmp_path / "a.csv", [row] * 4, actigraph_header(mode=mode)))
    assert values(found) == [counts]
    assert values(found, Channel.STEPS) == steps and values(found, Channel.LIGHT) == lux


def test_named_columns_and_a_date_and_a_time_are_read(tmp_path: Path) -> None:
    names = '"Date","Time","Axis1","Axis2","Axis3","Steps","Lux","Vector Magnitude"\n'
    rows = [f'"8/26/2013","09:00:{s:02d}",3,4,0,1,50,5' for s in (0, 15, 30, 45)]
    found = read(write(tmp_path / "a.csv", rows, actigraph_header(table="Table ") + names))
    assert found.start == datetime(2013, 8, 26, 7, 0, tzinfo=UTC)
    assert values(found) == [20] and values(found, Channel.LIGHT) == [50]
    afternoon = [row.replace("09:00", "3:00").replace('",3', ' PM",3') for row in rows]
    found = read(write(tmp_path / "b.csv", afternoon, actigraph_header(table="Table ") + names))
    assert found.start == datetime(2013, 8, 26, 13, 0, tzinfo=UTC)


def test_the_older_names_and_semicolons_are_read(tmp_path: Path) -> None:
    header = actigraph_header() + "Activity;Activity (Horizontal);3rd Axis;Steps\n"
    found = read(write(tmp_path / "a.csv", ["3;4;0;1"] * 4, header))
    assert values(found) == [20] and values(found, Channel.STEPS) == [4]


def test_the_clock_runs_through_both_changes_of_the_year(tmp_path: Path) -> None:
    for start, utc_start in ((datetime(2024, 3, 31, 1), 0), (datetime(2024, 10, 27, 1), -1)):
        rows = stamped(start, 4 * 60 * 4)
        found = read(write(tmp_path / "a.csv", rows, stamped_header()))
        assert values(found) == [20] * 240
        assert found.start == start.replace(tzinfo=UTC) - timedelta(hours=1 - utc_start)


def test_order_and_repeats_of_stamped_rows_do_not_matter(tmp_path: Path) -> None:
    rows = [
        row
        for i in range(50)
        for row in stamped(datetime(2024, 1, 15, 12) + timedelta(minutes=i), 4, f"{i},0,0")
    ]
    expected = values(read(write(tmp_path / "a.csv", rows, stamped_header())))
    assert expected == [4 * i for i in range(50)]
    other = write(tmp_path / "b.csv", shuffled(rows) + rows[:30], stamped_header())
    assert values(read(other)) == expected


def test_a_file_in_two_halves_is_the_whole(tmp_path: Path) -> None:
    rows = [
        row
        for i in range(200)
        for row in stamped(datetime(2024, 1, 15, 12) + timedelta(seconds=15 * i), 1, f"{i},0,0")
    ]
    expected = together([read(write(tmp_path / "a.csv", rows, stamped_header()))])
    parts = [rows[:102], rows[102:]]  # cut within a minute
    found = [
        read(write(tmp_path / f"{i}.csv", part, stamped_header())) for i, part in enumerate(parts)
    ]
    assert together(found) == together(found[::-1]) == expected


def across_the_change(path: Path, cut: slice, header: str) -> Recording:
    """The minutes from 25 to 29 October 2024, from 09:00 to 09:00, or some of them."""
    stamps = (datetime(2024, 10, 25, 9) + timedelta(minutes=i) for i in range(4 * 1440))
    rows = [f"{t:%Y-%m-%dT%H:%M:%S},{i % 977},0,0,1,5" for i, t in enumerate(stamps)]
    return read(write(path, rows[cut], header))


def test_halves_across_the_change_of_clock_are_the_whole(tmp_path: Path) -> None:
    header = stamped_header("10/25/2024", "10/29/2024", "00:01:00")
    whole, first, rest = (
        across_the_change(tmp_path / f"{i}.csv", cut, header)
        for i, cut in enumerate((slice(None), slice(3000), slice(3000, None)))
    )
    assert rest.start == datetime(2024, 10, 27, 9, tzinfo=UTC)  # 11:00 on a clock at +02:00
    for channel in (Channel.ACTIVITY, Channel.STEPS):
        told, *parts = (found.channel(channel) for found in (whole, first, rest))
        assert told is not None and all(parts)
        halves = np.concatenate([part.values for part in parts if part])
        assert halves.tobytes() == told.values.tobytes() and halves.size == 4 * 1440
    assert together([rest, first]) == together([whole])


@pytest.mark.parametrize(
    ("start", "download", "date_format"),
    [
        ("12/25/2024", "12/29/2024", "M/d/yyyy"),  # after the first row
        ("7/1/2024", "10/29/2024", "M/d/yyyy"),  # over 100 days before it
        ("10/25/2024", "10/24/2024", "M/d/yyyy"),  # downloaded before it began
        ("10/25/2024", "10/29/2024", "dd/MM/yyyy"),  # no date
    ],
)
def test_a_header_that_contradicts_the_rows_has_no_say(
    tmp_path: Path, start: str, download: str, date_format: str
) -> None:
    header = stamped_header(start, download, "00:01:00", date_format)
    found = across_the_change(tmp_path / "a.csv", slice(3000, None), header)
    assert found.start == datetime(2024, 10, 27, 10, tzinfo=UTC)


def test_a_header_with_day_and_month_turned_round_is_the_first_row(tmp_path: Path) -> None:
    header = stamped_header(start="11-10-2024", download="11-12-2024", date_format="dd/MM/yyyy")
    found = read(write(tmp_path / "a.csv", stamped(datetime(2024, 11, 10, 9), 8), header))
    assert found.start == datetime(2024, 11, 10, 8, tzinfo=UTC)  # not 07:00, as from 11 October


def test_a_negative_or_missing_count_is_left_out(tmp_path: Path) -> None:
    rows = ["3,4,0,1", "-3,4,0,1", ",,,", "3,4,x,1", "3,4,0,1", "3,4,0,999", "3,4,0,1", "3,4,0,1"]
    found = read(write(tmp_path / "a.csv", rows))
    assert found.rejected == {"activity_out_of_range": 3, "steps_out_of_range": 2}
    assert math.isnan(values(found)[0]) and values(found)[1] == 20
    assert values(found, Channel.STEPS) == [4, 4]  # 3 of 4 epochs, scaled


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        (actigraph_header(epoch="00:00:00"), ["1,2,3,4"], "no epochs of whole seconds"),
        (actigraph_header(epoch="00:02:00"), ["1,2,3,4"] * 9, "one row every 120 s"),
        (actigraph_header(mode=12), ["1,2,3,4"], "4 columns of its table are not those"),
        (actigraph_header(mode=13), ["1,2,3"], "3 columns of its table are not those"),
        (actigraph_header(mode=99), ["1,2,3"], "not those its header"),
        (actigraph_header(), ["1,2,3,4", "1,2,3,4,5,6"], "table from line 11 on cannot be read"),
        (actigraph_header(date_format="X"), ["1,2,3,4"], "are no dates"),
        (actigraph_header(start="8/26/1913"), ["1,2,3,4"], "are no dates"),
        (stamped_header(), stamped(datetime(1899, 1, 1), 1), r"line 12 \('1899-01-01T"),
        (stamped_header(), ["2017-09-12T15:0,1,1,1,1,1"], r"line 12 \('2017-09-12T15:0'\)"),
        (
            stamped_header().replace("00:00:15", "00:01:00"),
            stamped(datetime(2024, 1, 1), 9),
            "epochs of 60 s and its rows are 15 s apart",
        ),
        (actigraph_header()[:200], [], "ends within its header"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, header: str, rows: list[str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read(write(tmp_path / "a.csv", rows, header))


def test_a_name_is_not_believed(tmp_path: Path) -> None:
    assert values(read(write(tmp_path / "a.csv.gz", ["3,4,0,1"] * 4))) == [20]


def test_it_is_recognised_by_content(shared: Path, tmp_path: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    assert {p.name for p in files if actigraph_csv.recognises(p)} == {
        "ActiGraph13.csv",
        "ActiGraph61.csv",
        "ActiGraph13_timestamps_headers.csv",
    }
    assert not actigraph_csv.recognises(tmp_path)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("m") / "a.csv"
    if data.draw(st.booleans()):
        write(path, ["3,4,0,1"] * 20)
    else:
        write(path, stamped(datetime(2024, 1, 1), 20), stamped_header())
    path.write_bytes(mutated(path.read_bytes(), data))
    check_read_or_refused("actigraph_csv", path)
