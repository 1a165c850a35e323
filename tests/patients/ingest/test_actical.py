from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, MinuteSeries, Recording
from patients.ingest import actical
from tests.patients.ingest.builders import parsed, walked_together
from tests.patients.ingest.builders_actigraphy import only
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
        ("14-Jan-24,23:01", "14-Jan-69,23:01", "over an hour apart"),
        ("14-Jan-24,23:01", "15-Jan-24,00:03", "over an hour apart"),
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


BERLIN = ZoneInfo("Europe/Berlin")
DAYS = {
    "24 hours": datetime(2024, 1, 14),
    "23 hours": datetime(2024, 3, 31),
    "25 hours": datetime(2024, 10, 27),
}
clocks = pytest.mark.parametrize("follows", [True, False], ids=["follows", "runs on"])


def stamped(start: datetime, count: int, follows: bool, epoch: int = 60) -> list[str]:
    """Rows whose stamps follow the clocks of Berlin or run on from the start; counts are places."""
    begun = start.replace(tzinfo=BERLIN).astimezone(UTC)
    rows = []
    for i in range(count):
        gone = timedelta(seconds=epoch * i)
        stamp = (begun + gone).astimezone(BERLIN) if follows else start + gone
        rows.append(f"{i},1,{epoch * (i + 1)},{stamp:%d-%b-%y},{stamp:%H:%M},{i},1,0,1,0")
    return rows


def require_true(found: Recording, start: datetime, places: list[int]) -> None:
    """That each count, which is its place in the recording, is at its minute."""
    begun = start.replace(tzinfo=BERLIN).astimezone(UTC)
    series = found.channel(Channel.ACTIVITY)
    assert series is not None
    there = np.flatnonzero(~np.isnan(series.values))
    assert series.start == begun + timedelta(minutes=min(places))
    np.testing.assert_array_equal(there + min(places), sorted(places))
    np.testing.assert_array_equal(series.values[there], sorted(places))


@clocks
@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
@pytest.mark.parametrize("hours_before", [0, 12])
def test_cut_at_every_hour_each_piece_is_right(
    tmp_path: Path, day: datetime, hours_before: int, follows: bool
) -> None:
    start = day - timedelta(hours=hours_before)
    count = (25 + hours_before) * 60
    rows = stamped(start, count, follows)
    for cut in range(0, count, 60):
        for part in (range(cut), range(cut, count)):
            if part:
                some = [rows[i] for i in part]
                path = write_actical(tmp_path / "a.csv", some, start)
                require_true(parsed(actical, path, "Europe/Berlin"), start, list(part))


@settings(max_examples=60, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(
    day=st.sampled_from(sorted(DAYS)),
    begins=st.integers(-24 * 60, 0),
    follows=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_rows_missing_and_in_any_order_are_right(
    tmp_path_factory: pytest.TempPathFactory, day: str, begins: int, follows: bool, order: Random
) -> None:
    start = DAYS[day] + timedelta(minutes=begins)
    places = order.sample(range(30 * 60), order.randint(2, 600))
    rows = stamped(start, 30 * 60, follows)
    path = tmp_path_factory.mktemp("a") / "a.csv"
    write_actical(path, [rows[i] for i in places], start)
    require_true(parsed(actical, path, "Europe/Berlin"), start, places)


def test_stamps_without_seconds_do_not_tell_epochs_of_15_seconds(tmp_path: Path) -> None:
    path = write_actical(tmp_path / "a.csv", stamped(NIGHT, 12, False, 15))
    found = parsed(actical, path, "Europe/Berlin")
    activity, steps = found.series
    assert activity.values.tolist() == [0 + 1 + 2 + 3, 4 + 5 + 6 + 7, 8 + 9 + 10 + 11]
    assert steps.values.tolist() == [4, 4, 4]


@settings(max_examples=40, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(
    epoch=st.sampled_from([1, 10, 15, 30]),
    there=st.sets(st.integers(0, 200), min_size=4),
    order=st.randoms(use_true_random=False),
)
def test_steps_of_short_epochs_are_those_of_the_file_whole_and_in_pieces(
    tmp_path_factory: pytest.TempPathFactory, epoch: int, there: set[int], order: Random
) -> None:
    rows = stamped(NIGHT, 201, False, epoch)
    places = order.sample(sorted(there | {0, 200}), len(there | {0, 200}))
    folder = tmp_path_factory.mktemp("a")

    def series(name: str, part: list[int]) -> MinuteSeries:
        path = write_actical(folder / name, [rows[i] for i in part])
        found = only(actical, path, "Europe/Berlin").channel(Channel.STEPS)
        assert found is not None
        return found

    whole = series("whole", places)
    assert np.nansum(whole.values) == pytest.approx(len(places))
    pieces = [series("a", [0, *places[:1], 200]), series("b", [0, *places[1:], 200])]
    both = walked_together(pieces)
    assert both.values.tobytes() == whole.values.tobytes()


@pytest.mark.parametrize(("old", "new"), [("Elapsed", "Passed"), ("Start Time", "Begun")])
def test_without_elapsed_seconds_or_start_the_stamps_tell(
    tmp_path: Path, old: str, new: str
) -> None:
    start = datetime(2024, 10, 26, 20, 0)
    path = write_actical(tmp_path / "a.csv", stamped(start, 720, True), start)
    path.write_text(path.read_text().replace(old, new))
    require_true(parsed(actical, path, "Europe/Berlin"), start, list(range(720)))
