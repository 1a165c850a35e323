"""Calibration: the order stays, the share is right, and nonsense is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.calibration import IsotonicCalibrator, expected_calibration_error

UNIT = st.floats(0, 1)


@given(st.lists(st.tuples(UNIT, UNIT), min_size=2, max_size=20), UNIT, UNIT)
def test_a_higher_output_never_gets_a_lower_probability(
    points: list[tuple[float, float]], one: float, other: float
) -> None:
    raw = sorted({round(x, 6) for x, _ in points})
    calibrated = sorted(y for _, y in points)[: len(raw)]
    if len(raw) < 2:
        return
    calibrate = IsotonicCalibrator(tuple(raw), tuple(calibrated))
    low, high = sorted((one, other))
    assert calibrate(low) <= calibrate(high)
    assert min(calibrated) <= calibrate(low) <= max(calibrated)


@given(UNIT)
def test_without_points_nothing_changes(probability: float) -> None:
    assert IsotonicCalibrator()(probability) == pytest.approx(probability, abs=1e-15)


def test_lines_between_points_and_flat_beyond_them() -> None:
    calibrate = IsotonicCalibrator((0.2, 0.4, 0.8), (0.1, 0.1, 0.5))
    told = [calibrate(p) for p in (0.0, 0.2, 0.3, 0.6, 0.8, 1.0)]
    assert told == pytest.approx([0.1, 0.1, 0.1, 0.3, 0.5, 0.5])
    assert IsotonicCalibrator.of(calibrate.as_dict()) == calibrate


@pytest.mark.parametrize(
    ("raw", "calibrated", "told"),
    [
        ((0.0,), (0.0,), "two or more"),
        ((0.0, 1.0), (0.0,), "as many"),
        ((0.0, 1.5), (0.0, 1.0), "between 0 and 1"),
        ((0.0, float("nan")), (0.0, 1.0), "between 0 and 1"),
        ((0.5, 0.5), (0.0, 1.0), "must rise"),
        ((0.0, 1.0), (0.6, 0.5), "never fall"),
    ],
)
def test_nonsense_is_refused(
    raw: tuple[float, ...], calibrated: tuple[float, ...], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        IsotonicCalibrator(raw, calibrated)


def test_calibration_error_by_hand() -> None:
    outcomes, told = [True, False, False, False], [0.25, 0.25, 0.25, 0.25]
    assert expected_calibration_error(outcomes, told) == 0
    assert expected_calibration_error([True, True], [0.95, 0.55]) == pytest.approx(0.25)
    assert expected_calibration_error([], []) == 0
    # Weights count like rows told so often.
    once = expected_calibration_error([True, True, False], [0.9, 0.9, 0.3])
    assert expected_calibration_error([True, False], [0.9, 0.3], weights=[2, 1]) == once


def test_calibration_error_knows_the_last_bin() -> None:
    assert expected_calibration_error([True], [1.0]) == pytest.approx(0)
    assert np.isclose(expected_calibration_error([False], [1.0]), 1)
