import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest import actigraph_agd
from tests.patients.ingest.builders_actigraphy import (
    agd,
    check_read_or_refused,
    mutated,
    only,
    ticks,
    together,
)

NOON = datetime(2024, 1, 15, 12)


def read(path: Path, zone: str = "Europe/Berlin") -> Recording:
    return only(actigraph_agd, path, zone)


def values(recording: Recording, channel: Channel = Channel.ACTIVITY) -> list[float]:
    series = recording.channel(channel)
    return [] if series is None else series.values.tolist()


def sql(path: Path, *statements: str) -> Path:
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return path


def test_epochs_become_minutes_of_vector_magnitude_steps_and_lux(tmp_path: Path) -> None:
    rows = [(3, 4, 12, 2, 100), (0, 0, 0, 0, 50)] * 6
    path = agd(tmp_path / "a.agd", NOON, rows, 10)
    before = path.read_bytes()
    found = read(path)
    assert actigraph_agd.recognises(path)
    assert (found.device, found.family, found.kind, found.rejected) == (
        "ActiGraph MOS2A1",
        Family.ACTIGRAPH_COUNTS,
        DeviceKind.ACTIGRAPH,
        {},
    )
    assert found.start == datetime(2024, 1, 15, 11, tzinfo=UTC)
    assert values(found) == [39, 39]  # 3 times sqrt(9 + 16 + 144)
    assert values(found, Channel.STEPS) == [6, 6] and values(found, Channel.LIGHT) == [75, 75]
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_one_axis_is_read_as_it_is(tmp_path: Path) -> None:
    found = read(agd(tmp_path / "a.agd", NOON, [(3,), (5,)], columns="axis1"))
    assert values(found) == [3, 5] and values(found, Channel.STEPS) == []


def test_the_clock_runs_through_the_change_to_winter_time(tmp_path: Path) -> None:
    found = read(agd(tmp_path / "a.agd", datetime(2024, 10, 27, 1), [(1, 0, 0, 0, 0)] * 240))
    assert values(found) == [1] * 240
    assert found.start == datetime(2024, 10, 26, 23, tzinfo=UTC)


def test_the_order_of_the_rows_does_not_matter_and_halves_are_the_whole(tmp_path: Path) -> None:
    rows = [(i, 0, 0, 0, 0) for i in range(100)]
    expected = together([read(agd(tmp_path / "a.agd", NOON, rows, 10))])
    turned = sql(
        agd(tmp_path / "b.agd", NOON, rows, 10),
        "CREATE TABLE other AS SELECT * FROM data ORDER BY dataTimestamp DESC",
        "DROP TABLE data",
        "ALTER TABLE other RENAME TO data",
    )
    assert together([read(turned)]) == expected
    half = read(agd(tmp_path / "c.agd", NOON, rows[:51], 10))
    rest = read(agd(tmp_path / "d.agd", NOON + timedelta(seconds=510), rows[51:], 10))
    assert together([half, rest]) == together([rest, half]) == expected


@pytest.mark.parametrize(
    ("told", "hour"),
    [
        (str(ticks(datetime(2024, 10, 25, 9))), 9),
        (str(ticks(datetime(2024, 10, 28))), 10),  # after the first epoch
        ("0", 10),
        ("yesterday", 10),
    ],
)
def test_a_half_after_the_change_keeps_the_clock_of_the_start(
    tmp_path: Path, told: str, hour: int
) -> None:
    path = agd(tmp_path / "a.agd", datetime(2024, 10, 27, 11), [(1, 0, 0, 0, 0)] * 9)
    found = read(sql(path, f"INSERT INTO settings VALUES (1, 'startdatetime', '{told}')"))
    assert found.start == datetime(2024, 10, 27, hour, tzinfo=UTC)


def test_values_that_are_none_are_left_out(tmp_path: Path) -> None:
    rows = [(1, 0, 0, 1, 1), (None, 0, 0, "x", b"\0"), (-5, 0, 0, -1, -1), (2, 0, 0, 0, 0)]
    found = read(agd(tmp_path / "a.agd", NOON, rows))
    assert found.rejected == {
        "activity_out_of_range": 2,
        "light_out_of_range": 2,
        "steps_out_of_range": 2,
    }


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS {} FROM n"


def test_a_view_in_place_of_a_table_is_not_run(tmp_path: Path) -> None:
    path = agd(tmp_path / "a.agd", NOON, [(1, 0, 0, 0, 0)])
    sql(path, "DROP TABLE data", "CREATE VIEW data AS " + ENDLESS.format("dataTimestamp"))
    assert not actigraph_agd.recognises(path)
    with pytest.raises(InputError, match="lacks the tables"):
        read(path)


def test_what_runs_on_without_end_is_stopped(tmp_path: Path) -> None:
    path = agd(tmp_path / "a.agd", NOON, [(1, 0, 0, 0, 0)])
    began = time.perf_counter()
    with (
        actigraph_agd._opened(path) as database,
        pytest.raises(sqlite3.OperationalError, match="interrupted"),
    ):
        database.execute(f"SELECT count(*) FROM ({ENDLESS.format('i')})").fetchall()
    assert time.perf_counter() - began < 5


def test_a_computed_column_is_not_computed(tmp_path: Path) -> None:
    path = agd(tmp_path / "a.agd", NOON, [(1,), (2,)], columns="axis1")
    sql(path, "ALTER TABLE data ADD COLUMN steps AS (length(hex(zeroblob(900000)))) VIRTUAL")
    assert values(read(path), Channel.STEPS) == []


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["DELETE FROM data"], "nothing that can be used"),
        (["UPDATE settings SET settingValue = '0'"], "how long its epochs are"),
        (["UPDATE settings SET settingValue = '120'"], "one row every 120 s"),
        (["DELETE FROM settings"], "how long its epochs are"),
        (["ALTER TABLE data RENAME COLUMN axis1 TO axis9"], "no counts with a stamp"),
        (["DROP TABLE settings"], "lacks the tables"),
        (["UPDATE data SET dataTimestamp = 5"], "date of epoch 1 is not between"),
        (["UPDATE data SET dataTimestamp = 'x' WHERE axis1 = 2"], "date of epoch 2 is not"),
        (["UPDATE data SET dataTimestamp = 9e99"], "date of epoch 1 is not between"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, statements: list[str], says: str) -> None:
    path = sql(agd(tmp_path / "a.agd", NOON, [(1, 0, 0, 0, 0), (2, 0, 0, 0, 0)]), *statements)
    with pytest.raises(InputError, match=says):
        read(path)


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    path = agd(tmp_path / "a.agd", NOON, [(i, 0, 0, 0, 0) for i in range(5000)])
    path.write_bytes(path.read_bytes()[:-50_000])
    with pytest.raises(InputError, match=r"a\.agd is a damaged \.agd file"):
        read(path)


def test_it_is_recognised_by_content(shared: Path, tmp_path: Path) -> None:
    assert not any(map(actigraph_agd.recognises, (shared / "data").rglob("*")))
    assert not actigraph_agd.recognises(sql(tmp_path / "b.agd", "CREATE TABLE data (a)"))


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = agd(tmp_path_factory.mktemp("m") / "a.agd", NOON, [(1, 2, 3, 4, 5)] * 30)
    path.write_bytes(mutated(path.read_bytes(), data))
    check_read_or_refused("actigraph_agd", path)
