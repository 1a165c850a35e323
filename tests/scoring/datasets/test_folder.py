"""A folder of groups: whose week is whose, where it begins, and who has none."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.datasets.folder import Member, groups_in, mean_activity, members_in
from scoring.domain.pat_window import WEEK_MINUTES
from tests.scoring.labelled import START, minutes, table, write_folder

UNIT = Family.ACTIWATCH_COUNTS


def someone(folder: Path, text: str, unit: Family = UNIT) -> Member:
    """The one member that a file of that text makes."""
    (folder / "group").mkdir(exist_ok=True)
    (folder / "group" / "someone.csv").write_text(text)
    [member] = members_in(groups_in(folder), unit, 0.3)
    return member


def test_groups_are_the_subfolders_with_a_table(tmp_path: Path) -> None:
    write_folder(tmp_path, 1, lambda rng: minutes(rng, days=1))
    (tmp_path / "scores.csv").write_text("number,madrs1\n")
    for name in ("notes", ".hidden", "control/deeper"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "readme.txt").write_text("nobody")
    (tmp_path / ".hidden/x.csv").write_text("nobody")
    (tmp_path / "control/deeper/x.csv").write_text("nobody")
    (tmp_path / "control/._control_1.csv").write_bytes(b"\x00\x05\x16\x07")
    groups = groups_in(tmp_path)
    assert {name: [f.name for f in files] for name, files in groups.items()} == {
        "condition": ["condition_1.csv"],
        "control": ["control_1.csv"],
    }


def test_the_week_is_the_first_10080_minutes_from_the_first_midnight(tmp_path: Path) -> None:
    values = minutes(np.random.default_rng(1))
    member = someone(tmp_path, table(values))  # from noon on
    assert (member.name, member.group, member.reason) == ("someone", "group", None)
    assert member.week is not None
    assert np.array_equal(member.week.activity, values[720 : 720 + WEEK_MINUTES].astype("f4"))
    assert mean_activity(member.week) == pytest.approx(values[720 : 720 + WEEK_MINUTES].mean())


@pytest.mark.parametrize("seconds", [0, 41])
def test_a_recording_that_begins_at_midnight_begins_its_week_there(
    tmp_path: Path, seconds: int
) -> None:
    values, start = minutes(np.random.default_rng(1)), datetime(2003, 5, 7, 0, 0, seconds)
    member = someone(tmp_path, table(values, start))
    assert member.week is not None
    assert np.array_equal(member.week.activity, values[:WEEK_MINUTES].astype("f4"))


def test_a_floor_in_place_of_zeros_changes_nobodys_wear(tmp_path: Path) -> None:
    values = minutes(np.random.default_rng(3))
    off = values.copy()
    off[4000:5200] = 0  # on the bedside table
    plain, floored = someone(tmp_path, table(off)), someone(tmp_path, table(np.maximum(off, 5)))
    assert plain.week is not None and floored.week is not None
    assert np.array_equal(plain.week.worn, floored.week.worn)
    assert not plain.week.worn[4000 - 720 : 5200 - 720].any()
    assert plain.week.coverage == pytest.approx(1 - 1200 / WEEK_MINUTES, abs=0.02)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (table(minutes(np.random.default_rng(1), days=2)), r"worn \d+ % of its first week, 30 %"),
        (table(np.full(9 * 1440, 5.0)), "worn 0 % of its first week"),
        (table(np.zeros(9 * 1440)), "worn 0 % of its first week"),
        (table(np.array([7.0])), "worn 0 % of its first week"),
        ("number,days\n1,2\n", "has not the header"),
    ],
    ids=["short", "floor throughout", "zeros", "one row", "no table"],
)
def test_who_has_no_week_comes_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    member = someone(tmp_path, text)
    assert member.week is None and member.reason is not None
    assert len(member.reason) < 200
    assert re.search(says, member.reason)


def test_three_days_of_seven_are_enough(tmp_path: Path) -> None:
    member = someone(tmp_path, table(minutes(np.random.default_rng(1), days=4)))
    assert member.week is not None and 0.3 < member.week.coverage < 0.6


def test_steps_are_worn_where_somebody_walks(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    clock = (np.arange(9 * 1440) + 720) / 60 % 24
    steps = np.where((clock > 8) & (clock < 22) & (rng.random(len(clock)) < 0.2), 80, 0)
    member = someone(tmp_path, table(steps.astype(float)), Family.STEPS)
    assert member.week is not None and member.week.coverage == pytest.approx(15 / 24, abs=0.02)


def test_rows_left_out_are_told(tmp_path: Path) -> None:
    values = minutes(np.random.default_rng(1))
    values[100:103] = -1
    assert someone(tmp_path, table(values)).rejected == {"negative": 3}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_person_less(tmp_path: Path) -> None:
    write_folder(tmp_path, 1, lambda rng: minutes(rng, days=1))
    (tmp_path / "control/control_1.csv").chmod(0)
    reasons = [m.reason for m in members_in(groups_in(tmp_path), UNIT, 0.1)]
    assert reasons[1] == "It cannot be read (Permission denied)."


def test_a_broken_link_is_nobody(tmp_path: Path) -> None:
    write_folder(tmp_path, 1, lambda rng: minutes(rng, days=1))
    (tmp_path / "control/gone.csv").symlink_to(tmp_path / "nowhere.csv")
    assert len(groups_in(tmp_path)["control"]) == 1


def test_a_folder_without_groups_is_refused(tmp_path: Path) -> None:
    (tmp_path / "someone.csv").write_text(table(np.ones(3), START + timedelta(days=1)))
    with pytest.raises(InputError, match="no subfolder with a CSV"):
        groups_in(tmp_path)
