"""Regularity of sleep over the trailing window: by hand, round midnight, without looking ahead."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.regularity import hours_between, mean_hour, regularity
from scoring.domain.rules import RuleFileError, load_window_days
from scoring.domain.types import DayFeatures
from scoring.resources import DATA, window_days
from tests.scoring.domain.builders import a_day, features

NONE = {
    "onset_variability_minutes": None,
    "midpoint_variability_hours": None,
    "social_jet_lag_hours": None,
    "short_night_share": None,
    "long_night_share": None,
}


def slept(offset: int, onset: float = -60.0, hours: float = 8.0, **more: Any) -> DayFeatures:
    """A night from so many minutes after midnight on, for so many hours."""
    midpoint = onset / 60 + hours / 2
    sleep = {"time_asleep_hours": hours, "onset_minutes": onset, "midpoint_hours": midpoint}
    return features(a_day(offset), **{"sleep": sleep, **more})


def of(nights: list[DayFeatures], last: int | None = None, **more: Any) -> dict[str, float | None]:
    day = nights[-1].day if last is None else a_day(last)
    return regularity(nights, day, **more)


def test_window_is_thirty_days() -> None:
    assert window_days() == 30


@pytest.mark.parametrize("days", ["1", "0", "30.5", "true", '"30"'])
def test_window_must_be_whole_days(tmp_path: Path, days: str) -> None:
    path = tmp_path / "window.toml"
    path.write_text((DATA / "window.toml").read_text().replace("days = 30", f"days = {days}"))
    with pytest.raises(RuleFileError, match=r"window\.toml: (window\.)?days"):
        load_window_days(path)


def test_regular_sleeper_has_no_spread() -> None:
    found = of([slept(n) for n in range(30)])
    assert found == dict.fromkeys(NONE, 0.0)


def test_spread_is_that_of_a_sample() -> None:
    onsets = [-90.0, -60.0, -30.0, 0.0, 30.0, 60.0] * 2
    found = of([slept(n, onset) for n, onset in enumerate(onsets)])
    assert found["onset_variability_minutes"] == pytest.approx(np.std(onsets, ddof=1))
    wanted = np.std(np.array(onsets) / 60, ddof=1)
    assert found["midpoint_variability_hours"] == pytest.approx(wanted)


def test_midnight_and_noon_are_no_edges() -> None:
    """Whoever sleeps by day has a midpoint that jumps from one day's noon to the other's."""
    around = [-12.0, -11.5, 11.5] * 4  # hours: 12:00, 12:30 and 11:30
    nights = [slept(n, 60 * (hour - 4)) for n, hour in enumerate(around)]
    found = of(nights)
    wanted = np.std([0.0, 0.5, -0.5] * 4, ddof=1)
    assert found["midpoint_variability_hours"] == pytest.approx(wanted)
    assert found["onset_variability_minutes"] == pytest.approx(60 * wanted)


def test_social_jet_lag_is_later_before_free_days() -> None:
    nights = [slept(n, 60.0 if a_day(n).weekday() in (5, 6) else -60.0) for n in range(28)]
    assert of(nights)["social_jet_lag_hours"] == pytest.approx(2.0)
    turned = [slept(n, -60.0 if a_day(n).weekday() in (5, 6) else 60.0) for n in range(28)]
    assert of(turned)["social_jet_lag_hours"] == pytest.approx(-2.0)


def test_social_jet_lag_goes_the_shortest_way() -> None:
    # Mid-sleep at 23:00 on work days, at 01:00 on free ones.
    nights = [slept(n, -180.0 if a_day(n).weekday() in (5, 6) else -300.0) for n in range(28)]
    assert of(nights)["social_jet_lag_hours"] == pytest.approx(2.0)
    unlike = [slept(n, 1140.0 if a_day(n).weekday() in (5, 6) else -300.0) for n in range(28)]
    assert of(unlike)["social_jet_lag_hours"] == pytest.approx(0.0)


def test_free_days_can_be_told() -> None:
    nights = [slept(n, 60.0 if a_day(n).weekday() == 2 else -60.0) for n in range(28)]
    assert of(nights, free_days={2})["social_jet_lag_hours"] == pytest.approx(2.0)


def test_social_jet_lag_needs_three_nights_of_either_kind() -> None:
    free = [n for n in range(28) if a_day(n).weekday() in (5, 6)]
    work = [n for n in range(28) if n not in free]
    for free_nights, work_nights, is_known in ((2, 20, False), (3, 20, True), (8, 3, True)):
        nights = [slept(n) for n in (*free[:free_nights], *work[:work_nights])]
        assert (of(nights, 27)["social_jet_lag_hours"] == 0) == is_known
    assert of([slept(n) for n in range(30)], free_days=set())["social_jet_lag_hours"] is None


def test_shares_count_nights_under_six_and_over_ten_hours() -> None:
    hours = [5.9, 6.0, 8.0, 10.0, 10.1, 3.0] * 2
    found = of([slept(n, hours=h) for n, h in enumerate(hours)])
    assert found["short_night_share"] == pytest.approx(4 / 12)
    assert found["long_night_share"] == pytest.approx(2 / 12)


@pytest.mark.parametrize(("nights", "is_known"), [(0, False), (1, False), (10, False), (11, True)])
def test_eleven_nights_are_needed(nights: int, is_known: bool) -> None:
    found = of([slept(n) for n in range(nights)], 20)
    del found["social_jet_lag_hours"]  # there is one weekend in them
    assert all((value is not None) == is_known for value in found.values())


def test_missing_nights_and_nights_outside_the_window_do_not_count() -> None:
    nights = [slept(n) for n in range(30)]
    outside = [slept(-1, 300.0), slept(30, 300.0)]
    missing = [slept(n, 300.0, night_present=False) for n in range(5, 8)]
    kept = [n for n in nights if n.day not in {m.day for m in missing}]
    found = regularity([*outside, *kept, *missing], a_day(29))
    assert found["onset_variability_minutes"] == 0


def test_shorter_window_can_be_asked_for() -> None:
    nights = [slept(n, 0.0 if n < 16 else -60.0) for n in range(30)]
    assert of(nights)["onset_variability_minutes"] > 0  # type: ignore[operator]
    assert of(nights, window_days=14)["onset_variability_minutes"] == 0


def test_days_stored_before_these_measures_are_unknown() -> None:
    assert of([features(a_day(n), sleep={}) for n in range(30)]) == NONE


@given(st.lists(st.floats(-200, 1600), min_size=11, max_size=30), st.integers(0, 40))
def test_later_days_change_nothing(onsets: list[float], more: int) -> None:
    nights = [slept(n, onset) for n, onset in enumerate(onsets)]
    later = [slept(len(nights) + n, 500.0, 3.0) for n in range(more)]
    assert regularity(nights, nights[-1].day) == regularity([*later, *nights], nights[-1].day)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0, 24))
def test_mean_goes_round_with_the_clock(hours: list[float], turned: float) -> None:
    found = mean_hour(np.array(hours) + turned)
    assert 0 <= found < 24
    wanted = float(np.mean(hours)) + turned
    assert float(hours_between(found, wanted)) == pytest.approx(0, abs=1e-6)


def test_opposite_hours_have_some_mean_and_no_nan() -> None:
    assert np.isfinite(mean_hour(np.array([0.0, 12.0])))
    nights = [slept(n, 720.0 * (n % 2)) for n in range(20)]
    assert of(nights)["midpoint_variability_hours"] == pytest.approx(np.std([6, -6] * 10, ddof=1))
