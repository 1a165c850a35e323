import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from patients.domain.recording import Channel, Family
from patients.domain.resolve import whole
from patients.domain.wear import REST_NOISE, worn_from_counts
from patients.ingest.sources import read_recordings
from scoring.domain.vector_names import VECTOR_NAMES
from tests.conftest import ROOT
from tests.patients.ingest.builders import actlumus_rows, write_actlumus

WEEK = "data/lightlogr/205_actlumus_Log_1020_20230904101707532.txt"
KEYS = {
    "sleep": "time_asleep_hours time_in_bed_hours wake_after_onset_minutes onset_minutes "
    "offset_minutes midpoint_hours efficiency latency_minutes fragmentation_per_hour "
    "sleep_regularity_index onset_variability_minutes midpoint_variability_hours "
    "social_jet_lag_hours short_night_share long_night_share",
    "rhythm": "interdaily_stability intradaily_variability relative_amplitude l5 "
    "l5_onset_minute m10 m10_onset_minute mesor cosinor_amplitude acrophase_hours "
    "interdaily_shift_hours",
    "phase": "dlmo_hour cbtmin_hour amplitude dlmo_unwrapped_hours measured_light_share",
    "activity": "mean_per_minute sd_per_minute steps recorded_hours worn_hours sedentary_hours "
    "active_minutes active_mean_per_minute",
    "heart": "mean_bpm minimum_bpm minimum_hour resting_bpm sdnn_ms rmssd_ms lf_hf_ratio",
}
TRACK = {"status", "reason", "probability", "tier", "coverage", "contributions"}


@dataclass(frozen=True)
class Ran:
    """A command that was run in a process of its own."""

    code: int
    out: str
    err: str
    state: Path


def run(folder: Path, *arguments: str) -> Ran:
    """Run manage.py with an empty state folder and else no environment variable."""
    state = folder / "state"
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=folder,
        env={"CLARITY_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr, state)


@pytest.fixture(scope="module")
def week(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The real ActLumus week, analysed once."""
    path, folder = shared / WEEK, tmp_path_factory.mktemp("analyse")
    return run(folder, "analyse", str(path), "--timezone", "Europe/Berlin", "--json")


@pytest.fixture(scope="module")
def answer(week: Ran) -> dict[str, Any]:
    assert week.code == 0, week.err
    return dict(json.loads(week.out))


def test_standard_output_is_one_json_object_and_no_database_was_started(week: Ran) -> None:
    assert week.out.startswith("{") and week.out.endswith("}\n") and week.out.count("\n") == 1
    assert "NaN" not in week.out and "Infinity" not in week.out
    assert not (week.state / "postgres").exists()


def test_the_week_has_its_days_minutes_and_unit(answer: dict[str, Any]) -> None:
    recording = answer["recording"]
    assert set(recording) >= {"source", "start", "end", "minutes", "worn_minutes", "unit"}
    assert (recording["source"], recording["unit"]) == ("actlumus", "PIM/min")
    assert recording["minutes"] > 9000 and recording["worn_minutes"] < recording["minutes"]
    start, end = (datetime.fromisoformat(recording[k]) for k in ("start", "end"))
    assert start.utcoffset() == timedelta(hours=2)
    assert recording["minutes"] <= (end - start) / timedelta(minutes=1)
    days = [day["date"] for day in answer["days"]]
    assert len(days) in (7, 8) and days == sorted(set(days))


def test_depression_is_ok_with_the_share_really_worn_as_coverage(
    answer: dict[str, Any], shared: Path
) -> None:
    track = answer["depression"]
    activity = whole(read_recordings(shared / WEEK, "Europe/Berlin")).channel(Channel.ACTIVITY)
    assert activity is not None
    end = datetime(2023, 9, 4, tzinfo=ZoneInfo("Europe/Berlin"))  # of the scored day
    values = activity.between(end - timedelta(days=7), end)
    worn = worn_from_counts(values, REST_NOISE[Family.CONDOR_PIM])
    assert (track["status"], track["reason"]) == ("ok", None)
    assert track["coverage"] == pytest.approx(worn.sum() / 10_080, abs=1e-9)
    # Each day by itself may take the still end of its evening, under 90 min, as worn.
    week = [day for day in answer["days"] if day["date"] <= "2023-09-03"][-7:]
    day_by_day = sum(day["activity"]["worn_hours"] for day in week)
    assert 0 <= day_by_day - worn.sum() / 60 < 7 * 1.5
    assert 0.3 < track["coverage"] < 0.7  # the sensor lay still at night
    assert 0 < track["probability"] < 1 and track["contributions"]
    assert {item["unit"] for item in track["contributions"]} == {"PIM/min"}


def test_mania_is_unavailable_and_counts_its_nights(answer: dict[str, Any]) -> None:
    track, scored = answer["mania"], answer["decision"]["date"]
    known = [d for d in answer["days"] if "night_missing" not in d["flags"]]
    nights = [d for d in known if d["date"] <= scored]
    assert (track["status"], track["probability"], track["tier"]) == (
        "unavailable",
        None,
        "Indeterminate",
    )
    assert track["reason"].startswith(f"{len(nights)} of 30 nights") and 5 <= len(nights) <= 8
    assert track["coverage"] == pytest.approx(len(nights) / 30)
    assert track["hypomania_probability"] is None


def test_the_decision_is_the_one_track_that_was_assessed(answer: dict[str, Any]) -> None:
    decision = answer["decision"]
    assert set(decision) == {"date", "tier", "probability", "weights", "reasons"}
    assert decision["probability"] == answer["depression"]["probability"]
    assert decision["tier"] == answer["depression"]["tier"]
    full = [d["date"] for d in answer["days"] if d["activity"]["recorded_hours"] >= 12]
    assert decision["date"] == full[-1] == "2023-09-03"
    assert all(set(reason) == {"code", "text"} for reason in decision["reasons"])
    assert any("mania" in reason["text"].lower() for reason in decision["reasons"])
    assert answer["notice"] == "Research use: model trained on simulated data"


def test_every_day_has_the_shape_of_interfaces(answer: dict[str, Any]) -> None:
    for day in answer["days"]:
        assert set(day) == {
            *("date", "sleep", "rhythm", "phase", "activity", "heart", "vector", "flags"),
            "quality",
        }
        assert tuple(day["vector"]) == VECTOR_NAMES
        for part, keys in KEYS.items():
            assert set(day[part]) == set(keys.split()), part
        hour = day["phase"]["dlmo_hour"]
        assert hour is None or 12 <= hour < 36
    for track in ("depression", "mania"):
        assert set(answer[track]) >= TRACK
    for item in answer["depression"]["contributions"]:
        assert set(item) == {"name", "label", "value", "unit", "usual", "points"}


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def test_every_number_is_finite(answer: dict[str, Any]) -> None:
    numbers = [x for x in leaves(answer) if isinstance(x, float | int)]
    assert len(numbers) > 50 and all(math.isfinite(x) for x in numbers)


def test_an_hour_of_data_is_indeterminate_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    write_actlumus(path, actlumus_rows(datetime(2026, 3, 1, 9), 360))
    ran = run(tmp_path, "analyse", str(path), "--timezone", "Europe/Berlin", "--json")
    found = json.loads(ran.out)
    assert ran.code == 0
    assert (found["decision"]["tier"], found["decision"]["probability"]) == ("Indeterminate", None)
    assert found["decision"]["weights"] == {"depression": None, "mania": None}
    assert {found[track]["status"] for track in ("depression", "mania")} == {"unavailable"}


def test_bad_input_ends_with_exit_code_2_and_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.touch()
    ran = run(tmp_path, "analyse", str(path), "--timezone", "Europe/Berlin", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "empty.txt" in ran.err and ran.err.count("\n") == 1


def golden_activity() -> np.ndarray[Any, Any]:
    """The recipe of golden/circadian.json: 14 days of counts from a seed."""
    rng, n = np.random.default_rng(12345), 14 * 1440
    on = np.rint(rng.normal(0, 30, 15)).astype(int)
    wake = np.rint(rng.normal(0, 30, 15)).astype(int)
    asleep = np.zeros(n, bool)
    for k in range(15):
        asleep[max((k - 1) * 1440 + 1380 + on[k], 0) : max(k * 1440 + 420 + wake[k], 0)] = True
    minute = np.arange(n) % 1440
    lam = np.where(asleep, 3.0, 100 + 60 * np.sin(2 * np.pi * (minute - 540) / 1440))
    counts, chance = rng.poisson(lam), rng.random(n)
    return np.where(chance < np.where(asleep, 0.6, 0.1), 0, counts)


def test_rhythm_of_the_golden_recipe_is_the_golden_rhythm(shared: Path, tmp_path: Path) -> None:
    golden = json.loads((shared / "golden/circadian.json").read_text())
    counts = golden_activity()
    assert int(counts.sum()) == golden["activity_check"]["sum"]
    stamps = (datetime(2024, 1, 1) + timedelta(minutes=i) for i in range(len(counts)))
    rows = [f"{t},x,{c}" for t, c in zip(stamps, counts, strict=True)]
    path = tmp_path / "minutes.csv"
    path.write_text("\n".join(["time,name,counts", *rows]) + "\n")
    ran = run(tmp_path, "rhythm", str(path), "--column", "2", "--json")
    expected = golden["activity_expected_raw_counts"]
    found = json.loads(ran.out)["rhythm"]
    names = {
        "interdaily_stability": "IS",
        "intradaily_variability": "IV",
        "relative_amplitude": "RA",
        "l5": "L5",
        "l5_onset_minute": "L5_onset_min",
        "m10": "M10",
        "m10_onset_minute": "M10_onset_min",
        "mesor": "cosinor_mesor",
        "cosinor_amplitude": "cosinor_amplitude",
        "acrophase_hours": "cosinor_acrophase_h",
    }
    assert set(found) == set(names)
    for ours, theirs in names.items():
        assert found[ours] == pytest.approx(expected[theirs], rel=0, abs=1e-9), ours
    assert not (ran.state / "postgres").exists()


@pytest.mark.parametrize("column", ["0", "3", "-1"])
def test_rhythm_refuses_a_column_that_is_not_there(tmp_path: Path, column: str) -> None:
    (tmp_path / "m.csv").write_text("time,a,b\n2024-01-01 00:00:00,1,2\n")
    ran = run(tmp_path, "rhythm", str(tmp_path / "m.csv"), f"--column={column}", "--json")
    assert (ran.code, ran.out) == (2, "") and "m.csv" in ran.err
    assert ran.err.count("\n") == 1
