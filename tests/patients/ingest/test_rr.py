"""Heart-rate variability of beat-to-beat intervals, against sums by hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.ingest.common.rr import Beats, lf_to_hf, rmssd_and_sdnn, windows
from patients.ingest.sources import SOURCES
from tests.conftest import ROOT

START = 1_560_279_600  # where a window of five minutes begins


def measured(at: np.ndarray, ibi: np.ndarray, start: float = START) -> list[tuple[float, ...]]:
    """(start, RMSSD, SDNN) of each window."""
    columns = rmssd_and_sdnn(list(windows(start, at, ibi)))
    return list(zip(*(c.tolist() for c in columns), strict=True))


def beats(intervals: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.cumsum(intervals), np.array(intervals)


def test_rmssd_and_sdnn_of_known_intervals() -> None:
    at, ibi = beats([0.80, 0.83] * 184)  # 299.9 s
    assert measured(at, ibi) == [(START, pytest.approx(30), pytest.approx(ibi.std(ddof=1) * 1000))]
    at, ibi = beats([0.80, 0.83, 0.87] * 119)  # 30, 40 and -70 ms
    cycles = [(30, 119), (40, 119), (-70, 118)]
    expected = np.sqrt(sum(n * d * d for d, n in cycles) / 356)
    assert measured(at, ibi)[0][1] == pytest.approx(expected)


def test_a_missed_beat_gives_no_difference() -> None:
    ibi = np.where(np.arange(300) == 150, 0.9, 0.8)
    at = np.cumsum(ibi) + np.where(np.arange(300) > 150, 5.0, 0.0)  # beats missed after it
    [(_, rmssd, sdnn)] = measured(at, ibi)
    assert rmssd == pytest.approx(np.sqrt(100**2 / 298))  # only the change before counts
    assert sdnn == pytest.approx(1000 * ibi.std(ddof=1))


def test_a_beat_out_of_time_counts_in_neither() -> None:
    ectopic = np.where(np.arange(300) == 150, 0.5, 0.8)
    assert measured(np.cumsum(ectopic), ectopic) == [(START, 0, pytest.approx(0, abs=1e-9))]


def test_a_lasting_change_of_pace_gives_no_difference_and_stays_in_sdnn() -> None:
    ibi = np.where(np.arange(300) < 150, 0.7, 0.9)  # 29 % at once
    [(_, rmssd, sdnn)] = measured(np.cumsum(ibi), ibi)
    assert rmssd == pytest.approx(0, abs=1e-9) and sdnn == pytest.approx(1000 * ibi.std(ddof=1))


def test_a_window_with_less_than_half_of_its_beats_has_no_value() -> None:
    assert measured(*beats([0.8] * 188)) == []  # 149.6 s of differences
    assert len(measured(*beats([0.8] * 189))) == 1  # 150.4 s
    assert measured(np.empty(0), np.empty(0)) == []


def test_windows_begin_at_five_minutes_of_the_clock() -> None:
    starts = [w for w, *_ in measured(*beats([0.8] * 1125), start=START + 100)]  # 15 minutes
    assert starts == [START, START + 300, START + 600]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(1, 200), st.floats(0, 0.3))
def test_values_are_those_of_the_definition(seed: int, spread: float, missing: float) -> None:
    rng = np.random.default_rng(seed)
    ibi = np.clip(rng.normal(0.8, spread / 1000, 360), 0.31, 1.9)
    at = np.cumsum(ibi)
    heard = rng.random(360) >= missing
    at, ibi = at[heard], ibi[heard]
    found = measured(at, ibi)
    inside = at < 300
    at, ibi = at[inside], ibi[inside]
    pairs = (np.abs(np.diff(at) - ibi[1:]) < 0.02) & (np.abs(np.diff(ibi)) <= 0.2 * ibi[:-1])
    if ibi[1:][pairs].sum() < 150:
        assert not [w for w in found if w[0] == START]
        return
    kept = np.append(False, pairs) | np.append(pairs, False)
    assert found[0][0] == START
    assert found[0][1] == pytest.approx(1000 * np.sqrt(np.mean(np.diff(ibi)[pairs] ** 2)), abs=1e-6)
    assert found[0][2] == pytest.approx(1000 * ibi[kept].std(ddof=1), abs=1e-6)


def swinging(low: float, high: float) -> Beats:
    """Five minutes whose intervals swing by these seconds at 0.1 and at 0.25 Hz."""
    at, ibi, t = [], [], 0.0
    while True:
        interval = 0.8 + low * np.sin(2 * np.pi * 0.1 * t) + high * np.sin(2 * np.pi * 0.25 * t)
        t += interval
        if t >= 300:
            break
        at.append(t)
        ibi.append(interval)
    [found] = windows(START, np.array(at), np.array(ibi))
    return found


@pytest.mark.parametrize(("low", "high"), [(0.04, 0.04), (0.04, 0.02), (0.02, 0.04)])
def test_lf_to_hf_is_the_ratio_of_the_squared_swings(low: float, high: float) -> None:
    assert lf_to_hf(swinging(low, high)) == pytest.approx((low / high) ** 2, rel=0.05)


def test_lf_to_hf_needs_beats_and_swings() -> None:
    at, ibi = beats([0.80, 0.83] * 184)
    few = np.arange(len(at)) < 290  # 79 % of the window
    [window] = windows(START, at[few], ibi[few])
    assert lf_to_hf(window) is None
    [steady] = windows(START, *beats([0.8] * 370))
    assert lf_to_hf(steady) is None


def test_reading_other_formats_does_not_load_the_library(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,steps\n2024-01-15T22:58:00Z,5\n")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from patients.ingest.sources import SOURCES, read_recordings, source_named\n"
        "loaded = [source_named(name) for name in SOURCES]\n"
        "list(read_recordings(Path(sys.argv[1]), 'Etc/UTC'))\n"
        "print(len(loaded), 'neurokit2' in sys.modules, 'matplotlib' in sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.csv")],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.split() == [str(len(SOURCES)), "False", "False"], ran.stderr[-500:]
