"""Tables of real folders: what is borne, what is left out and counted, what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel
from scoring.datasets.minute_rows import READ_DAYS, MinuteRows, is_minute_rows, read_minute_rows

HEADER = "timestamp,date,activity\n"
START = datetime(2003, 3, 30, 1, 58)


def rows(values: list[object], start: datetime = START, seconds: int = 0) -> list[str]:
    times = [start + timedelta(minutes=i, seconds=seconds) for i in range(len(values))]
    return [f"{t},{t:%Y-%m-%d},{v}" for t, v in zip(times, values, strict=True)]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], MinuteRows]:
    def reader(content: str | bytes) -> MinuteRows:
        path = tmp_path / "someone.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_minute_rows(path)

    return reader


Read = Callable[[str | bytes], MinuteRows]


def test_a_plain_table(read: Read) -> None:
    found = read(HEADER + "\n".join(rows([0, 12, 3.5])) + "\n")
    assert found.start == START.replace(tzinfo=UTC)
    assert found.values.tolist() == [0, 12, 3.5] and found.values.dtype == np.float32
    assert found.rejected == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("byte order mark", b"\xef\xbb\xbf" + (HEADER + "\n".join(rows([1, 2, 3]))).encode()),
        ("CRLF", (HEADER + "\n".join(rows([1, 2, 3])) + "\n").replace("\n", "\r\n")),
        ("unsorted", HEADER + "\n".join(reversed(rows([1, 2, 3])))),
        ("seconds", HEADER + "\n".join(rows([1, 2, 3], seconds=37))),
        ("ISO with T", HEADER + "\n".join(r.replace(" ", "T", 1) for r in rows([1, 2, 3]))),
        ("no seconds", HEADER + "\n".join(r.replace(":00,", ",", 1) for r in rows([1, 2, 3]))),
        ("quoted, other case", 'TimeStamp,"Date", Activity\n' + "\n".join(rows([1, 2, 3]))),
        ("empty lines", HEADER + "\n\n".join(rows([1, 2, 3])) + "\n\n"),
        ("a comma at the end", HEADER + "\n".join(f"{r}," for r in rows([1, 2, 3]))),
        ("one column more", f"n,{HEADER}" + "\n".join(f"9,{r}" for r in rows([1, 2, 3]))),
        ("written twice", HEADER + "\n".join(rows([1, 2, 3]) * 2)),
    ],
)  # fmt: skip
def test_other_spellings_say_the_same(read: Read, name: str, content: str | bytes) -> None:
    found = read(content)
    assert found.values.tolist() == [1, 2, 3], name
    assert found.start == START.replace(tzinfo=UTC)
    assert found.rejected == {}


def test_gaps_and_empty_cells_are_missing_and_no_rejects(read: Read) -> None:
    lines = rows([1, "", 3, 4])
    found = read(HEADER + "\n".join((*lines[:2], lines[3])))
    assert np.array_equal(found.values, [1, np.nan, np.nan, 4], equal_nan=True)
    assert found.rejected == {}


def test_an_hour_told_twice_is_averaged(read: Read) -> None:
    found = read(HEADER + "\n".join(rows([10, 20, 30]) + rows([20, 40], START)))
    assert found.values.tolist() == [15, 30, 30]


def test_bad_rows_are_left_out_and_counted(read: Read) -> None:
    lines = rows([1, -1, "x", "inf", 1e9, 6, 7])
    lines += ["2003-03-30 02:0x:00,2003-03-30,8", "9999-01-01 00:00:00,x,3", "2003-03-30 02:06,9"]
    found = read(HEADER + "\n".join(lines))
    assert np.flatnonzero(~np.isnan(found.values)).tolist() == [0, 5, 6]
    assert found.rejected == {
        "another number of columns": 1,
        "time not readable": 2,
        "not a number": 2,
        "negative": 1,
        "out of range": 1,
    }


def test_steps_have_the_range_of_steps(tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"
    path.write_text(HEADER + "\n".join(rows([90, 301])))
    found = read_minute_rows(path, Channel.STEPS)
    assert found.rejected == {"out of range": 1}


def test_what_comes_after_the_first_week_is_not_laid_out(read: Read) -> None:
    late = START + timedelta(days=4000)
    found = read(HEADER + "\n".join(rows([1] * 20) + rows([2], late)))
    assert len(found.values) <= READ_DAYS * 1440


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "has not the header"),
        (HEADER, "has no rows"),
        ("time,day,counts\n" + "\n".join(rows([1])), "has not the header"),
        (HEADER.replace(",", ";") + "2003-03-30 02:00:00;2003-03-30;5", "by semicolons"),
        (HEADER.replace(",", "\t") + "2003-03-30 02:00:00\t2003-03-30\t5", "by tabs"),
        (HEADER + "30.03.2003 02:00,30.03.2003,5", "no time that can be read"),
        (HEADER + "2003-03-30 02:00:00+02:00,2003-03-30,5", "an offset from UTC"),
        (
            HEADER + "2003-03-30 02:00:00+02:00,x,5\n2003-03-30 02:01:00+01:00,x,5",
            "an offset from UTC",
        ),
        (HEADER + "\n".join(rows(["x", -3])), "has no activity from 0"),
        (HEADER + "\n".join(rows([1] * 9) + rows([1] * 9, seconds=30)), "several rows a minute"),
        (HEADER + "\n".join(rows([1] * 50)[::5]), "a row every 5 minutes"),
        ((HEADER + "\n".join(rows([1]))).encode("utf-16"), "no UTF-8 text"),
        (b"\x00\x01\x02" * 99, "has not the header"),
        (HEADER + '"' + "x" * 200_000, "no comma CSV"),
    ],
)
def test_what_is_no_such_table_is_refused_in_one_sentence(
    read: Read, content: str | bytes, says: str
) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read(content)
    assert str(refused.value).startswith("someone.csv ") and str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (HEADER, True),
        ("\ufeffTIMESTAMP,date,Activity\r\n", True),
        ("timestamp;date;activity\n", True),
        ("number,days,madrs1\n", False),
        ("", False),
    ],
)
def test_such_tables_are_told_by_their_header(tmp_path: Path, content: str, is_one: bool) -> None:
    path = tmp_path / "file.csv"
    path.write_text(content, encoding="utf-8")
    assert is_minute_rows(path) is is_one
