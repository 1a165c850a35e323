from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, Recording
from patients.ingest import actiwatch_csv
from tests.patients.ingest.builders import parsed
from tests.patients.ingest.builders_loggers import (
    NIGHT,
    TITLES,
    actiware_row,
    times,
    write_actiware,
)


def read(path: Path) -> Recording:
    return parsed(actiwatch_csv, path, "Europe/Berlin")


def test_the_real_dutch_export_is_read(shared: Path) -> None:
    watch = parsed(actiwatch_csv, shared / "data/ggir_testfiles/Actiwatch.csv", "Europe/Amsterdam")
    (activity,) = watch.series
    assert (watch.device, watch.family) == (
        "Actiwatch Spectrum Plus P66732",
        Family.ACTIWATCH_COUNTS,
    )
    # 860 epochs of 15 s; off the wrist until 09:19:15, and for two more of them later
    assert watch.rejected == {"off_wrist": 797}
    assert watch.start == datetime(2019, 11, 23, 8, 19, tzinfo=UTC)
    assert activity.values[0] == (20 + 105 + 94) * 4 / 3  # three of the minute's four epochs
    # awk: the worn epochs add up to 4589; the missing quarter of the first minute adds 73
    assert activity.values.sum() == 4589 + 73
    assert len(activity.values) == 16
    assert watch.sleep == ()


def test_counts_are_summed_light_is_averaged_and_off_wrist_is_missing(tmp_path: Path) -> None:
    values = [(10, 1, 0), (20, 3, 0), ("NaN", "NaN", 1), (0, 0, 1), (4, 8, 0), (6, 10, 0)]
    rows = [
        actiware_row(i, t, count, lux, off=off)
        for i, (t, (count, lux, off)) in enumerate(zip(times(6, 30), values, strict=True))
    ]
    watch = read(write_actiware(tmp_path / "a", rows))
    activity, light = watch.series
    np.testing.assert_array_equal(activity.values, [30, np.nan, 10])
    np.testing.assert_array_equal(light.values, [2, np.nan, 9])
    assert (light.unit, watch.device) == ("lux", "Actiwatch Spectrum A12345")
    assert watch.start == datetime(2024, 1, 14, 22, 0, tzinfo=UTC)
    assert watch.rejected == {"off_wrist": 2}


def test_a_german_export_with_decimal_commas_is_read(tmp_path: Path) -> None:
    titles = (
        "Zeile;Datum;Zeit;Aktivität;Markierung;Weißes Licht;Rotes Licht;Grünes Licht;"
        "Blaues Licht;Schlaf/Wach;Intervallstatus"
    )
    rows = [
        f'"{i}";"{t:%d.%m.%Y}";"{t:%H:%M:%S}";"{i}";"0";"{i},50";"9,1";"9,2";"9,3";"1";"AKTIV"'
        for i, t in enumerate(times(4, 30))
    ]
    path = write_actiware(tmp_path / "a", [*rows, "5;15.01.2024;00:00:00;kZ;kZ;kZ"], titles=titles)
    path.write_text(path.read_text().replace("Actiware Export File", "Exportdatei"))
    assert actiwatch_csv.recognises(path)
    activity, light = read(path).series
    assert activity.values.tolist() == [0 + 1, 2 + 3]
    assert light.values.tolist() == [1, 3]  # (0.5 + 1.5) / 2, (2.5 + 3.5) / 2


@pytest.mark.parametrize(
    ("columns", "has_light"),
    [
        ("Activity,Marker,Sleep/Wake,Interval Status", False),
        ("Activity,Marker,White Light,Sleep/Wake,Interval Status", True),
        ("Activity,Marker,Red Light,Green Light,Blue Light,Sleep/Wake,Interval Status", False),
        ("Activité,Marqueur,Lumière blanche,Sommeil/Éveil,Statut de l’intervalle", True),
        ("Off-Wrist Status,Activity,Marker,Sleep/Wake,Interval Status", False),
        ("Activity", False),
    ],
)
def test_the_columns_are_told_by_their_place(tmp_path: Path, columns: str, has_light: bool) -> None:
    titles = "Line,Date,Time," + columns
    cells = ",".join("0" if c.startswith("Off") else "7" for c in columns.split(","))
    rows = [f"{i},{t:%d/%m/%Y},{t:%H:%M:%S},{cells}" for i, t in enumerate(times(4, 30))]
    watch = read(write_actiware(tmp_path / "a", rows, titles=titles))
    activity = watch.channel(Channel.ACTIVITY)
    assert activity is not None and activity.values.tolist() == [14, 14]
    assert (watch.channel(Channel.LIGHT) is not None) == has_light


@pytest.mark.parametrize(
    ("start", "date", "birthday"),
    [
        (datetime(2024, 1, 30), "%d/%m/%Y", ""),  # a day over 12
        (datetime(2024, 1, 30), "%m/%d/%Y", ""),
        (datetime(2024, 3, 1), "%d-%m-%Y", ""),  # 01-03 and 02-03 are neighbours
        (datetime(2024, 3, 1), "%m/%d/%Y", ""),
        (datetime(2024, 3, 1), "%Y-%m-%d", ""),
        (datetime(2024, 3, 1), "%d.%m.%y", ""),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_dates(
    tmp_path: Path, start: datetime, date: str, birthday: str
) -> None:
    rows = [actiware_row(i, t, date=date) for i, t in enumerate(times(2880, 60, start))]
    watch = read(write_actiware(tmp_path / "a", rows, start, date=date, birthday=birthday))
    assert watch.start == start.replace(tzinfo=UTC) - timedelta(hours=1)
    assert watch.end - watch.start == timedelta(days=2)


def test_a_day_that_could_be_a_month_is_refused_unless_another_date_tells(tmp_path: Path) -> None:
    start = datetime(2024, 2, 1)
    rows = [actiware_row(i, t) for i, t in enumerate(times(9, 60, start))]
    with pytest.raises(InputError, match="01/02/2024 names the day or the month first"):
        read(write_actiware(tmp_path / "a", rows, start))
    later = [actiware_row(i, t) for i, t in enumerate(times(9, 60, datetime(2024, 2, 5)))]
    watch = read(write_actiware(tmp_path / "d", later, start))  # 05/02 lies nearer to 01/02 so
    assert watch.start == datetime(2024, 2, 4, 23, tzinfo=UTC)
    watch = read(write_actiware(tmp_path / "b", rows, start, birthday="31/12/1980"))
    assert watch.start == datetime(2024, 1, 31, 23, tzinfo=UTC)
    watch = read(write_actiware(tmp_path / "c", rows, start, birthday="12/31/1980"))
    assert watch.start == datetime(2024, 1, 1, 23, tzinfo=UTC)


def test_american_times_are_read(tmp_path: Path) -> None:
    rows = [f"{i},1/30/2024,{t:%I:%M:%S %p},0,3,0,1,1,ACTIVE" for i, t in enumerate(times(9, 60))]
    path = write_actiware(tmp_path / "a", rows, date="%m/%d/%Y")
    assert read(path).start == datetime(2024, 1, 30, 22, tzinfo=UTC)


def test_sleep_is_what_was_scored_within_a_sleep_interval(tmp_path: Path) -> None:
    scored = [(0, "ACTIVE")] * 2 + [(0, "REST")] * 2 + [(0, "REST-S")] * 4
    scored += [(1, "REST-S")] * 2 + [(0, "REST-S")] * 2 + [(1, "REST")] * 2
    rows = [
        actiware_row(i, t, scored=score, interval=interval)
        for i, (t, (score, interval)) in enumerate(zip(times(14, 30), scored, strict=True))
    ]
    (night,) = read(write_actiware(tmp_path / "a", rows)).sleep
    assert (night.start, night.end) == (
        datetime(2024, 1, 14, 22, 2, tzinfo=UTC),
        datetime(2024, 1, 14, 22, 6, tzinfo=UTC),
    )
    assert (night.asleep_minutes, night.awake_minutes) == (3, 1)
    assert [stage.stage for stage in night.stages] == ["asleep", "awake", "asleep"]


def test_a_half_from_after_the_change_of_clock_joins_the_other(tmp_path: Path) -> None:
    start = datetime(2024, 10, 26, 20, 0)
    rows = [actiware_row(i, t) for i, t in enumerate(times(1440, 60, start))]
    whole = read(write_actiware(tmp_path / "whole", rows, start))
    second = read(write_actiware(tmp_path / "two", rows[720:], start))
    assert (whole.end - whole.start, second.end) == (timedelta(hours=24), whole.end)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (TITLES, "Line,Date,Time,Counts", "no table of epochs"),
        (TITLES, "", "no table of epochs"),
        ("23:01:00", "25:01:00", r"line 27 \('14/01/2024 25:01:00'\) is not between 1970 and"),
        ("3,14/01/2024", "3,14/01/2124", r"line 29 \('14/01/2124 23:03:00'\) is not between"),
        ("3,14/01/2024", "3,14/01/1994", "over 20 years"),
        (",1,ACTIVE\n", ',1,"ACTIVE\n', "the table from line 26 on cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    rows = [actiware_row(i, t) for i, t in enumerate(times(9, 60))]
    path = write_actiware(tmp_path / "a.csv", rows)
    text = path.read_text()
    at = text.index(old, text.index("Epoch-by")) if old != ",1,ACTIVE\n" else text.rindex(old)
    path.write_text(text[:at] + new + text[at + len(old) :])
    with pytest.raises(InputError, match=says):
        read(path)


def test_a_long_gap_is_read(tmp_path: Path) -> None:
    rows = [
        actiware_row(i, t) for i, t in enumerate(times(5, 60) + times(5, 60, datetime(2024, 3, 4)))
    ]
    activity = read(write_actiware(tmp_path / "a", rows, NIGHT)).series[0]
    assert np.count_nonzero(~np.isnan(activity.values)) == 10
