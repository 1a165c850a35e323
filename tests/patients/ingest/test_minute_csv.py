from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, MinuteSeries, Recording
from patients.ingest import minute_csv
from patients.ingest.sources import SOURCES, source_named
from tests.patients.ingest.builders import walked_together
from tests.patients.ingest.builders_actigraphy import (
    check_read_or_refused,
    mutated,
    only,
    shuffled,
    together,
)
from tests.patients.ingest.test_loggers import stored

NOON = datetime(2024, 1, 15, 12)
EXAMPLE = Path(__file__).parents[3] / "docs" / "recordings.md"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def read(path: Path, zone: str = "Europe/Berlin") -> Recording:
    return only(minute_csv, path, zone)


def values(recording: Recording, channel: Channel = Channel.ACTIVITY) -> list[float]:
    series = recording.channel(channel)
    return [] if series is None else series.values.tolist()


def minutes(count: int, step_seconds: int = 60, start: datetime = NOON) -> list[str]:
    stamps = (start + timedelta(seconds=step_seconds * i) for i in range(count))
    return [f"{t:%Y-%m-%d %H:%M:%S},{i}" for i, t in enumerate(stamps)]


def test_every_channel_is_read_in_its_unit(tmp_path: Path) -> None:
    told = {
        "activity:actigraph_counts": (2000, "counts/min"),
        "steps": (90, "steps/min"),
        "light": (350, "lux"),
        "heart_rate": (61, "bpm"),
        "resting_heart_rate": (55, "bpm"),
        "hrv_sdnn": (48, "ms"),
        "hrv_rmssd": (42, "ms"),
        "hrv_lf_hf": (1.5, "ratio"),
        "respiratory_rate": (14, "breaths/min"),
        "spo2": (97, "%"),
        "wrist_temperature": (33.5, "degC"),
    }
    row = ",".join(str(value) for value, _ in told.values())
    text = f"timestamp,{','.join(told)}\n2024-01-15T12:00:00Z,{row}\n"
    found = read(write(tmp_path / "a.csv", text))
    assert len(told) == len(Channel) == len(found.series)
    assert [(s.values.tolist(), s.unit) for s in found.series] == [
        ([value], unit) for value, unit in told.values()
    ]
    assert (found.source, found.device, found.family, found.rejected) == (
        "minute_csv",
        "CSV",
        Family.ACTIGRAPH_COUNTS,
        {},
    )


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-01-15T12:00:00+01:00",
        "2024-01-15 11:00:00Z",
        "2024-01-15T16:30:00.5+05:30",
        "2024-01-15 12:00:00",  # local
        "1705316400",
        "1705316400.25",
    ],
)
def test_stamps_with_an_offset_local_or_in_unix_seconds(tmp_path: Path, stamp: str) -> None:
    found = read(write(tmp_path / "a.csv", f"timestamp,steps\n{stamp},7\n"))
    assert found.start == datetime(2024, 1, 15, 11, tzinfo=UTC)
    assert values(found, Channel.STEPS) == [7] and found.family == Family.STEPS


@pytest.mark.parametrize("family", [f for f in Family if f is not Family.STEPS])
def test_counts_add_up_to_a_minute_and_enmo_is_averaged(tmp_path: Path, family: Family) -> None:
    rows = "\n".join(minutes(8, 15))
    found = read(write(tmp_path / "a.csv", f"timestamp,activity:{family}\n{rows}\n"))
    expected = [1.5, 5.5] if family is Family.ENMO else [6, 22]  # 0 + 1 + 2 + 3, 4 + 5 + 6 + 7
    assert values(found) == expected and found.family == family


def test_an_empty_cell_is_nothing_and_a_bad_one_is_counted(tmp_path: Path) -> None:
    text = "timestamp,steps,heart_rate\n" + "".join(
        f"2024-01-15 12:0{i}:00,{cells}\n" for i, cells in enumerate(["5,", ",60", "x,-1", "7,nan"])
    )
    found = read(write(tmp_path / "a.csv", text))
    np.testing.assert_array_equal(values(found, Channel.STEPS), [5, np.nan, np.nan, 7])
    assert values(found, Channel.HEART_RATE) == [60]
    assert found.rejected == {"heart_rate_out_of_range": 2, "steps_out_of_range": 1}


def test_levels_may_come_at_any_time_beside_counts_of_a_minute(tmp_path: Path) -> None:
    rows = [f"2024-01-15 12:{m:02d}:00,{m},\n" for m in range(5)]
    beats = [f"2024-01-15 12:01:{s:02d},,{s + 50}\n" for s in (7, 13, 40)]
    text = "timestamp,steps,heart_rate\n" + "".join(rows + beats)
    found = read(write(tmp_path / "a.csv", text))
    assert values(found, Channel.STEPS) == [0, 1, 2, 3, 4]
    assert values(found, Channel.HEART_RATE) == [70]


def test_a_change_of_the_clock_is_followed(tmp_path: Path) -> None:
    before = minutes(180, start=datetime(2024, 10, 27, 0))
    after = minutes(120, start=datetime(2024, 10, 27, 2))
    text = "timestamp,steps\n" + "\n".join(before + after)
    found = read(write(tmp_path / "a.csv", text))
    assert values(found, Channel.STEPS) == [*range(180), *range(120)]
    assert found.start == datetime(2024, 10, 26, 22, tzinfo=UTC)


def test_order_and_halves_do_not_matter(tmp_path: Path) -> None:
    rows = minutes(198, 10)

    def taken(name: str, part: list[str]) -> Recording:
        text = "timestamp,activity:actigraph_counts\n" + "\n".join(part)
        return read(write(tmp_path / name, text))

    expected = together([taken("a.csv", rows)])
    assert together([taken("b.csv", shuffled(rows) + rows[:20])]) == expected
    halves = [taken("c.csv", rows[:101]), taken("d.csv", rows[101:])]
    assert together(halves) == together(halves[::-1]) == expected


def test_the_cohort_table_asks_for_its_unit_and_then_is_read(tmp_path: Path) -> None:
    row = "2003-05-07 12:00:00,2003-05-07,143\n"
    path = write(tmp_path / "condition_1.csv", "timestamp,date,activity\n" + row)
    assert minute_csv.recognises(path)
    with pytest.raises(InputError, match="name the column activity:FAMILY, with one of actiwatch"):
        read(path, "Europe/Oslo")
    named = write(tmp_path / "b.csv", "timestamp,date,activity:actiwatch_counts\n" + row)
    found = read(named, "Europe/Oslo")
    assert values(found) == [143] and found.start == datetime(2003, 5, 7, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("timestamp,steps,mood\n1705316400,5,1\n", "column 'mood', which is no channel"),
        ("timestamp,steps,steps\n1705316400,5,1\n", "names a channel twice"),
        ("timestamp,timestamp,steps\n1705316400,1,1\n", "names a channel twice"),
        ("timestamp,activity:mims,activity:enmo\n1705316400,1,1\n", "names a channel twice"),
        ("timestamp,activity:steps\n1705316400,1\n", "does not say in which units"),
        ("timestamp,steps:mims\n1705316400,1\n", "'steps:mims', which is no channel"),
        ("timestamp,steps\n1705316400,5,7\n", "names 2 columns and has 3"),
        ("timestamp,steps\n1705316400\n", "names 2 columns and has 1"),
        ("timestamp,steps\n1705316400,5\n1705316400,5,6,7\n", "no table of 2 columns"),
        ("timestamp,steps\n", "no table of 2 columns"),
        ("timestamp,steps\n2024-01-15 12:00:00,1\n2024-01-15 12:01:00Z,1\n", r"line 2 \("),
        ("timestamp,steps\n2024-01-15 12:00:00,1\nyesterday,1\n", r"line 3 \('yesterday'\)"),
        ("timestamp,steps\n9999-01-15 12:00:00,1\n", "line 2"),
        ("timestamp,steps\n99999999999,1\n", "line 2"),
        ("timestamp,steps\n1705316400,1\n1705316410,1\n1705316417,1\n", "not evenly spaced"),
        ("timestamp,steps\n1705316400,1\n1705316700,1\n1705317000,1\n", "one row every 300 s"),
        ("timestamp,steps\n1705316400,-1\n", "1 steps_out_of_range"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(write(tmp_path / "a.csv", text))


def test_it_takes_no_real_file_of_a_vendor(shared: Path, tmp_path: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    assert not [p.name for p in files if minute_csv.recognises(p)]
    assert not minute_csv.recognises(tmp_path)
    assert not minute_csv.recognises(write(tmp_path / "a.csv", "timestamp,mood\n1,2\n"))


def test_a_name_is_not_believed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", "timestamp,steps\n1705316400,5\n")
    assert values(read(path), Channel.STEPS) == [5]


def test_no_other_source_takes_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "timestamp,steps\n1705316400,5\n")
    assert [name for name in SOURCES if source_named(name).recognises(path)] == ["minute_csv"]


def test_the_example_of_the_description_is_read(tmp_path: Path) -> None:
    example = EXAMPLE.read_text().split("```csv\n")[1].split("```")[0]
    found = read(write(tmp_path / "a.csv", example))
    assert found.rejected == {} and len(found.series) == 3
    assert found.start == datetime(2024, 1, 15, 21, 58, tzinfo=UTC)


@settings(max_examples=200, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    column = data.draw(st.sampled_from(["steps", "activity:enmo", "heart_rate"]))
    text = f"timestamp,{column}\n" + "\n".join(minutes(20, data.draw(st.sampled_from([15, 60]))))
    path = tmp_path_factory.mktemp("m") / "a.csv"
    path.write_bytes(mutated(text.encode(), data))
    check_read_or_refused("minute_csv", path)


def test_half_minutes_of_which_half_are_missing_keep_their_steps(tmp_path: Path) -> None:
    # 12:00:00, 12:00:30, 12:01:30, 12:02:30, 12:03:30: mostly a minute apart
    rows = [minutes(8, 30)[i].rsplit(",")[0] for i in (0, 1, 3, 5, 7)]
    text = "timestamp,steps,activity:actigraph_counts\n" + "".join(f"{r},5,100\n" for r in rows)
    found = read(write(tmp_path / "a.csv", text))
    assert values(found, Channel.STEPS) == [10, 5, 5, 5]
    assert values(found) == [200, 200, 200, 200]  # counts are scaled to the minute


def test_rows_about_a_minute_apart_are_minutes(tmp_path: Path) -> None:
    text = "timestamp,steps\n" + "".join(
        f"2024-01-15 12:0{m}:{s:02d},{m}\n" for m, s in ((0, 10), (1, 11), (2, 9), (4, 10), (5, 10))
    )
    found = read(write(tmp_path / "a.csv", text))
    np.testing.assert_array_equal(values(found, Channel.STEPS), [0, 1, 2, np.nan, 4, 5])


def test_a_wrong_count_of_steps_is_left_out_and_the_larger_of_two_stays(tmp_path: Path) -> None:
    cells = ("12:00:00,7", "12:00:15,301", "12:00:30,-1", "12:00:45,x", "12:00:45,3", "12:00:45,4")
    text = "timestamp,steps\n" + "".join(f"2024-01-15 {cell}\n" for cell in cells)
    found = read(write(tmp_path / "a.csv", text))
    assert values(found, Channel.STEPS) == [11]
    assert found.rejected == {"steps_duplicate": 1, "steps_out_of_range": 3}


CHANGES = {"24 hours": (2024, 1, 15), "23 hours": (2024, 3, 31), "25 hours": (2024, 10, 27)}


@settings(max_examples=60, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(
    day=st.sampled_from(sorted(CHANGES)),
    epoch=st.sampled_from([1, 5, 7, 10, 15, 20, 30, 45]),
    there=st.lists(st.booleans(), min_size=1, max_size=120),
    cut=st.integers(0, 10_000),
    order=st.randoms(use_true_random=False),
)
def test_the_sum_of_the_steps_is_that_of_the_file_whole_and_in_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    day: str,
    epoch: int,
    there: list[bool],
    cut: int,
    order: Random,
) -> None:
    """Whatever rows are missing, as long as each piece has two neighbours to tell the epoch."""
    told = [True, True, *there, True, True]
    first = int(datetime(*CHANGES[day], 0, 30, tzinfo=UTC).timestamp())
    rows = [f"{first + epoch * i},{i % 4 + 1}" for i, is_there in enumerate(told) if is_there]
    pair = "\n".join(rows[:2]), "\n".join(rows[-2:])
    total = sum(int(row.split(",")[1]) for row in rows)
    inner = rows[2:-2]
    order.shuffle(inner)
    at = cut % (len(inner) + 1)
    folder = tmp_path_factory.mktemp("steps")

    def series(name: str, *parts: str) -> MinuteSeries:
        text = "timestamp,steps\n" + "\n".join(part for part in parts if part)
        found = read(write(folder / name, text)).channel(Channel.STEPS)
        assert found is not None
        return found

    whole = series("whole", *rows)
    assert np.nansum(whole.values) == pytest.approx(total, rel=1e-5)
    pieces = [series("a", pair[0], *inner[:at]), series("b", *inner[at:], pair[1])]
    for some in (pieces, pieces[::-1], [*pieces, whole]):
        both = walked_together(some)
        assert (both.start, both.values.tobytes()) == (whole.start, whole.values.tobytes())


@pytest.mark.django_db
@pytest.mark.parametrize("day", CHANGES.values(), ids=CHANGES)
def test_half_minutes_cut_at_any_hour_or_shuffled_are_stored_alike(
    tmp_path: Path, day: tuple[int, int, int]
) -> None:
    first = int(datetime(*day, tzinfo=UTC).timestamp()) - 3600
    rows = [f"{first + 30 * i},{i % 40},{i % 90}\n" for i in range(26 * 120) if i % 7 not in (2, 4)]

    def given_in(*parts: list[str]) -> dict[str, list[Any]]:
        texts = ["timestamp,steps,activity:actigraph_counts\n" + "".join(part) for part in parts]
        return stored([write(tmp_path / f"{i}.csv", text) for i, text in enumerate(texts)])

    whole = given_in(rows)
    assert whole["minutes"]
    assert given_in(shuffled(rows)) == whole
    for cut in range(100, len(rows), 301):
        assert given_in(rows[cut:], rows[:cut]) == whole
