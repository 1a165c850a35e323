"""From a raw output to a probability, and how far off it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.calibration import LogitCalibrator, expected_calibration_error

SHARE = st.floats(0, 1)


@given(SHARE, SHARE, st.floats(0.05, 10), st.floats(-5, 5))
def test_order_of_two_probabilities_is_kept(a: float, b: float, slope: float, cut: float) -> None:
    calibrate = LogitCalibrator(slope, cut)
    low, high = sorted((a, b))
    assert 0 <= calibrate(low) <= calibrate(high) <= 1


@given(st.floats(1e-6, 1 - 1e-6))
def test_identity_changes_nothing(probability: float) -> None:
    assert LogitCalibrator()(probability) == pytest.approx(probability, rel=1e-9)


def test_intercept_and_slope_by_hand() -> None:
    # logit(0.8) = ln 4, so 2 * ln 4 - ln 4 is back at 0.8; at 0.5 only the intercept is left.
    assert LogitCalibrator(2.0, -1.3862943611198906)(0.8) == pytest.approx(0.8)
    assert LogitCalibrator(3.0, 1.3862943611198906)(0.5) == pytest.approx(0.8)


@pytest.mark.parametrize("slope", [0.0, -1.0, float("nan")])
def test_slope_that_would_turn_the_order_is_refused(slope: float) -> None:
    with pytest.raises(ValueError, match="slope must be above 0"):
        LogitCalibrator(slope, 0.0)


def test_calibration_error_by_hand() -> None:
    # Bin of 0.2: one of four true. Bin of 0.9: one of two true.
    outcomes = [True, False, False, False, True, False]
    probabilities = [0.25] * 4 + [0.95] * 2
    error = expected_calibration_error(outcomes, probabilities)
    assert error == pytest.approx((4 * 0.0 + 2 * 0.45) / 6)


def test_calibration_error_of_certainty() -> None:
    assert expected_calibration_error([True, False], [1.0, 0.0]) == 0.0
    assert expected_calibration_error([False, True], [1.0, 0.0]) == 1.0
    assert expected_calibration_error([], []) == 0.0
