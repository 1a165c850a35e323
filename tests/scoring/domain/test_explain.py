"""What moved a probability, in points that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.domain.explain import (
    PARTS,
    TOP,
    Label,
    by_index,
    depression_contributions,
    mania_contributions,
    part_slices,
    points_of_margins,
    without_part,
)
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek
from scoring.domain.types import Floats
from scoring.domain.vector_names import INDEX_NAMES

LABELS = {name: Label(f"label of {name}", "h") for name in (*INDEX_NAMES, *PARTS)}


@given(arrays(np.float64, 36, elements=st.floats(-5, 5)), st.floats(0, 1), st.floats(0, 1))
def test_points_sum_to_output_minus_base(margins: Floats, output: float, base: float) -> None:
    points = points_of_margins(margins, output, base)
    if abs(margins.sum()) > 1e-6:
        assert points.sum() == pytest.approx(100 * (output - base), abs=1e-6)
        assert by_index(points).sum() == pytest.approx(points.sum(), abs=1e-6)
    assert np.isfinite(points).all()


def test_margins_that_cancel_out_have_no_points() -> None:
    assert points_of_margins(np.array([2.0, -2.0, 0.0]), 0.3, 0.3).tolist() == [0, 0, 0]


def test_each_margin_keeps_its_share() -> None:
    assert points_of_margins(np.array([3.0, 1.0, -2.0]), 0.4, 0.2).tolist() == pytest.approx(
        [30.0, 10.0, -20.0]
    )


def test_points_of_an_index_are_those_of_its_three_features() -> None:
    points = np.zeros(36)
    points[3:6] = [1.0, 2.0, 4.0]
    assert by_index(points).tolist() == [0, 7] + [0] * 10


def test_mania_shows_the_five_that_moved_most_beside_the_usual() -> None:
    points = np.array([1, -9, 0, 0, 5, 0, 0, 0, 2, 0, -7, 0], dtype=np.float64)
    vector = np.arange(36.0)
    shown = mania_contributions(points, vector, [float(k) for k in range(12)], LABELS)
    assert [c.name for c in shown] == [INDEX_NAMES[i] for i in (1, 10, 4, 8, 0)]
    assert len(shown) == TOP
    assert (shown[0].value, shown[0].usual, shown[0].points) == (1.0, 3.0, -9.0)
    assert shown[0].label == "label of ST_short"


def test_mania_shows_the_phase_as_a_clock_hour() -> None:
    points = np.zeros(12)
    points[10] = 1
    vector = np.full(36, 37.0)
    phase = mania_contributions(points, vector, [36.5] * 12, LABELS)[0]
    assert (phase.value, phase.usual) == (12.5, 13.0)


def test_mania_of_a_missing_night_shows_no_value() -> None:
    shown = mania_contributions(np.ones(12), np.full(36, np.nan), [None] * 12, LABELS)
    assert {(c.value, c.usual) for c in shown} == {(None, None)}


def test_parts_of_the_day_cover_every_minute_once() -> None:
    assert (sum(part_slices(part).astype(int) for part in range(4)) == 1).all()
    assert part_slices(1)[360] and not part_slices(1)[359]


def test_without_a_part_only_that_part_is_average() -> None:
    inputs = np.ones(WEEK_MINUTES, dtype=np.float32)
    out = without_part(inputs, 2)
    assert not out[part_slices(2)].any() and out[~part_slices(2)].all()
    assert inputs.all()


def test_depression_shows_each_part_by_its_points() -> None:
    minute = np.arange(WEEK_MINUTES) % 1440
    week = PatWeek((minute // 360).astype(np.float32), np.ones(WEEK_MINUTES, dtype=bool))
    earlier = PatWeek(week.activity + 10, week.worn)
    shown = depression_contributions(0.6, [0.6, 0.5, 0.9, 0.55], week, [earlier], "counts", LABELS)
    assert [c.name for c in shown] == [PARTS[i] for i in (2, 1, 3, 0)]
    assert [c.points for c in shown] == pytest.approx([-30, 10, 5, 0])
    assert (shown[0].value, shown[0].usual, shown[0].unit) == (2.0, 12.0, "counts")


def test_depression_without_wear_or_earlier_weeks_shows_no_value() -> None:
    unworn = PatWeek(np.ones(WEEK_MINUTES, dtype=np.float32), np.zeros(WEEK_MINUTES, dtype=bool))
    for earlier in ([], [unworn]):
        shown = depression_contributions(0.6, [0.5] * 4, unworn, earlier, "counts", LABELS)
        assert {(c.value, c.usual) for c in shown} == {(None, None)}
