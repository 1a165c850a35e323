import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family
from patients.ingest import google_fit
from tests.patients.ingest.builders import START, parsed, write_json
from tests.patients.ingest.builders_json import fit_points, fit_session, minutes_of, stages_of

ZONE = "Asia/Tokyo"
GMS = "com.google.android.gms"
STEPS, HEART, SEGMENT = google_fit.STEPS, google_fit.HEART, google_fit.SEGMENT
MERGED_STEPS = f"derived:{STEPS}:{GMS}:merge_step_deltas"
ESTIMATED = f"derived:{STEPS}:{GMS}:estimated_steps"
WATCH_STEPS = f"raw:{STEPS}:com.acme.app:Acme:Watch 2:ab12:steps"
PHONE_STEPS = f"raw:{STEPS}:{GMS}:Acme:Phone 3:cd34:counter"


def takeout(folder: Path, *files: Any) -> Path:
    for at, content in enumerate(files):
        write_json(folder / f"Takeout/Fit/All Data/{at}.json", content)
    return folder


def test_devices_come_before_what_google_made_of_them_and_nothing_is_added(tmp_path: Path) -> None:
    told = {
        WATCH_STEPS: [(0, 1, 60)],
        PHONE_STEPS: [(0, 1, 40), (1, 2, 30)],
        MERGED_STEPS: [(0, 1, 61), (2, 4, 50)],
        ESTIMATED: [(2, 3, 99), (4, 5, 7)],
    }
    path = takeout(tmp_path, *(fit_points(source, points) for source, points in told.items()))
    found = parsed(google_fit, path, ZONE)
    assert minutes_of(found, Channel.STEPS) == {0: 60, 1: 30, 2: 25, 3: 25, 4: 7}
    assert found.family == Family.STEPS and found.rejected == {}


def test_files_of_one_takeout_may_come_one_by_one(tmp_path: Path) -> None:
    sources = (WATCH_STEPS, ESTIMATED, MERGED_STEPS, PHONE_STEPS)
    files = [fit_points(source, [(0, 1, 60 + n)]) for n, source in enumerate(sources)]
    together = google_fit.parse(takeout(tmp_path / "all", *files), ZONE)
    alone = [
        recording
        for n, file in enumerate(files)
        for recording in google_fit.parse(write_json(tmp_path / f"{n}.json", file), ZONE)
    ]
    by_device = [(r.device, r.kind, minutes_of(r, Channel.STEPS)) for r in together]
    assert by_device == sorted((r.device, r.kind, minutes_of(r, Channel.STEPS)) for r in alone)
    assert [kind for *_, kind, _ in by_device] == [
        DeviceKind.APP, DeviceKind.APP, DeviceKind.WATCH, DeviceKind.PHONE
    ]  # fmt: skip


def test_raw_sources_are_devices_of_their_own(tmp_path: Path) -> None:
    watch = fit_points(WATCH_STEPS, [(0, 1, 60)])
    phone = fit_points(PHONE_STEPS, [(0, 1, 40), (1, 2, 30)])
    found = list(google_fit.parse(takeout(tmp_path, watch, phone), ZONE))
    assert [(r.device, r.kind, minutes_of(r, Channel.STEPS)) for r in found] == [
        ("com.acme.app Acme Watch 2 ab12", DeviceKind.WATCH, {0: 60}),
        (f"{GMS} Acme Phone 3 cd34", DeviceKind.PHONE, {0: 40, 1: 30}),
    ]
    assert minutes_of(parsed(google_fit, tmp_path, ZONE), Channel.STEPS) == {0: 60, 1: 30}


def test_of_several_derived_sources_no_two_are_added(tmp_path: Path) -> None:
    others = [f"derived:{STEPS}:com.acme.app:{name}" for name in ("session", "day")]
    path = takeout(tmp_path, *(fit_points(s, [(0, 1, 3 + n)]) for n, s in enumerate(others)))
    assert minutes_of(parsed(google_fit, path, ZONE), Channel.STEPS) == {0: 4}


def test_heart_rates_are_the_mean_of_a_minute(tmp_path: Path) -> None:
    source = f"derived:{HEART}:{GMS}:merge_heart_rate_bpm"
    points = [(0.0, 0.0, 60.0), (0.5, 0.5, 65.0), (5.0, 5.0, 0.0), (6.0, 6.0, 71.5)]
    found = parsed(google_fit, takeout(tmp_path, fit_points(source, points, "fpVal")), ZONE)
    assert minutes_of(found, Channel.HEART_RATE) == {0: 62.5, 6: 71.5}
    assert found.rejected == {"heart_rate_out_of_range": 1}


def test_a_file_that_names_no_source_is_known_by_its_name(tmp_path: Path) -> None:
    content = fit_points(f"derived:{HEART}:x", [(0, 0, 60.0)], "fpVal")
    del content["Data Source"]
    name = f"derived_{HEART}_{GMS}_merge_heart_rate_bpm.json"
    found = parsed(google_fit, write_json(tmp_path / name, content), ZONE)
    assert (found.device, minutes_of(found, Channel.HEART_RATE)) == ("Google Fit", {0: 60})


SLEEP = [(0, 20, 4), (20, 30, 5), (30, 40, 6), (40, 45, 1), (45, 60, 2), (60, 70, 3), (0, 9, 99)]
STAGES = [
    (0, 20, "light"),
    (20, 30, "deep"),
    (30, 40, "rem"),
    (40, 45, "awake"),
    (45, 60, "asleep"),
]


def test_sleep_segments_join_to_a_night(tmp_path: Path) -> None:
    points = list(SLEEP)
    for seed in range(3):
        random.Random(seed).shuffle(points)
        path = takeout(tmp_path, fit_points(f"derived:{SEGMENT}:{GMS}:merged", points))
        found = parsed(google_fit, path, ZONE)
        assert stages_of(found) == STAGES
        assert found.rejected == {"sleep_unknown_value": 1}
        (night,) = found.sleep
        assert (night.asleep_minutes, night.awake_minutes, night.log_id) == (55, 5, "")


def test_a_session_is_a_night_and_counts_once_beside_segments(tmp_path: Path) -> None:
    told = fit_session([(0, 20, "sleep.light"), (20, 30, "sleep.awake"), (30, 60, "sleep")])
    later = fit_session([(1440, 1500, "sleep.deep")])
    empty = fit_session([(2880, 2900, "sleep")]) | {"segment": []}
    path = takeout(tmp_path, told, later, empty)
    both = parsed(google_fit, path, ZONE)
    assert [night.asleep_minutes for night in both.sleep] == [50, 60]
    assert both.sleep[0].log_id == str(round(START.timestamp()))
    assert both.rejected == {"sleep_without_segments": 1}
    write_json(tmp_path / "segments.json", fit_points(f"raw:{SEGMENT}:app:A:B:c:", SLEEP))
    first, second = parsed(google_fit, tmp_path, ZONE).sleep
    assert (first.start, first.asleep_minutes) == (START, 55)  # the phone's, before the app's
    assert second.start == START + timedelta(days=1)


def test_other_data_and_walks_are_not_recognised(tmp_path: Path) -> None:
    other = fit_points("derived:com.google.calories.expended:x", [(0, 1, 3)])
    walk = {"fitnessActivity": "walking", "startTime": "2024-03-04T22:00:00Z", "segment": []}
    contents: list[Any] = [other, walk, [], {"Data Points": []}]
    for content in contents:
        path = write_json(tmp_path / "a.json", content)
        assert not google_fit.recognises(path)


@pytest.mark.parametrize("stamp", [-5, 1e30, "soon", None, 10**400])
def test_a_bad_date_is_refused_with_its_point(tmp_path: Path, stamp: Any) -> None:
    content = fit_points(MERGED_STEPS, [(0, 1, 5), (1, 2, 5)])
    content["Data Points"][1]["endTimeNanos"] = stamp
    with pytest.raises(InputError, match=r"a\.json: point 2 has the date"):
        parsed(google_fit, write_json(tmp_path / "a.json", content), ZONE)


def test_a_total_of_a_day_is_no_walk(tmp_path: Path) -> None:
    content = fit_points(MERGED_STEPS, [(0, 1440, 9000), (1500, 1501, 301), (1502, 1503, 7)])
    found = parsed(google_fit, write_json(tmp_path / "a.json", content), ZONE)
    assert minutes_of(found, Channel.STEPS) == {1502: 7}
    assert found.rejected == {"steps_bad_duration": 1, "steps_out_of_range": 1}


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 59), st.integers(0, 200)), min_size=1)
)
def test_no_step_is_lost_or_made_by_spreading(
    tmp_path_factory: pytest.TempPathFactory, walks: list[tuple[int, int, int]]
) -> None:
    """Walks one after another, each with a pause before it, whole seconds apart."""
    points, at = [], 0.0
    for pause, extra, steps in walks:
        points.append((at + pause / 60, at + pause / 60 + 1 + extra / 60, steps))
        at = points[-1][1]
    path = write_json(tmp_path_factory.mktemp("g") / "a.json", fit_points(MERGED_STEPS, points))
    series = parsed(google_fit, path, ZONE).channel(Channel.STEPS)
    assert series is not None
    assert float(series.between(series.start, series.end)[series.values >= 0].sum()) == (
        pytest.approx(sum(steps for _, _, steps in walks), rel=1e-5)
    )
