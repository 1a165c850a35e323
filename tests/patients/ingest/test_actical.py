from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family
from patients.ingest import actical
from tests.patients.ingest.builders import parsed
from tests.patients.ingest.builders_loggers import NIGHT, actical_row, times, write_actical


def test_the_real_file_is_read_to_its_last_line(shared: Path) -> None:
    found = parsed(actical, shared / "data/ggir_testfiles/Actical.csv", "America/Toronto")
    activity, steps = found.series
    assert (found.device, found.family) == ("Actical B11FFFF", Family.ACTICAL_COUNTS)
    assert found.start == datetime(2021, 5, 13, 4, 0, tzinfo=UTC)  # 00:00, summer time
    assert len(activity.values) == len(steps.values) == 501
    assert activity.values[:5].tolist() == [250, 361, 567, 151, 0]
    # awk -F, '/^[0-9]+,[0-9]+,[0-9]+,/{s+=$6;t+=$7}END{print s,t}'
    assert (activity.values.sum(), steps.values.sum()) == (7974, 462)
    assert found.rejected == {}


def test_missing_counts_are_missing_and_bad_ones_are_counted(tmp_path: Path) -> None:
    counts = [3, "NaN", -1, 8]
    rows = [
        actical_row(i, t, c, "x") for i, (t, c) in enumerate(zip(times(4, 60), counts, strict=True))
    ]
    found = parsed(actical, write_actical(tmp_path / "a.csv", rows), "Europe/Berlin")
    (activity,) = found.series
    np.testing.assert_array_equal(activity.values, [3, np.nan, np.nan, 8])
    assert found.rejected == {"activity_out_of_range": 1, "steps_out_of_range": 4}


def test_a_file_without_steps_is_read(tmp_path: Path) -> None:
    path = write_actical(
        tmp_path / "a.csv", [actical_row(i, t) for i, t in enumerate(times(3, 60))]
    )
    path.write_text(path.read_text().replace("Steps", "Strides"))
    assert [s.channel for s in parsed(actical, path, "UTC").series] == [Channel.ACTIVITY]


def test_a_half_from_after_the_change_of_clock_joins_the_other(tmp_path: Path) -> None:
    start = datetime(2024, 10, 26, 20, 0)
    rows = [actical_row(i, t) for i, t in enumerate(times(1440, 60, start))]
    whole = parsed(actical, write_actical(tmp_path / "whole", rows, start), "Europe/Berlin")
    second = parsed(actical, write_actical(tmp_path / "two", rows[720:], start), "Europe/Berlin")
    assert (whole.end - whole.start, second.end) == (timedelta(hours=24), whole.end)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Epoch#", "Epoch", "no line Epoch#"),
        ("Date,Time", "Day,Time", "no line Epoch#, Date, Time, Activity"),
        ("14-Jan-24,23:01", "14-Jan-69,23:01", "over 20 years"),
        ("14-Jan-24,23:01", "99-Jan-24,23:01", r"line 10 \('99-Jan-24 23:01'\) is not between"),
        ("14-Jan-24,23:01", "14-Jan-24,25:01", r"line 10 \('14-Jan-24 25:01'\) is not between"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write_actical(
        tmp_path / "a.csv", [actical_row(i, t) for i, t in enumerate(times(6, 60))]
    )
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=says):
        parsed(actical, path, "UTC")


def test_a_file_of_no_epochs_is_refused(tmp_path: Path) -> None:
    for rows, says in (([], "fewer than two rows"), ([actical_row(0, NIGHT)], "fewer than two")):
        with pytest.raises(InputError, match=says):
            parsed(actical, write_actical(tmp_path / "a.csv", rows), "UTC")
