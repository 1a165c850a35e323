"""Drift figures: by hand, against scipy, and what must hold for any sample."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from patients.domain.errors import InputError
from scoring.domain.drift import kolmogorov_smirnov, psi, reference_of

NAN = float("nan")
# Few distinct values among them, so that ties are common.
NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6), st.just(NAN))
SAMPLES = arrays(np.float64, st.integers(1, 300), elements=NUMBERS)


def known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def test_psi_by_hand() -> None:
    reference = reference_of("x", np.arange(1, 11))  # ten bins of a tenth
    assert reference.edges == tuple(range(1, 10)) and reference.shares == (0.1,) * 10
    now = [1, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # the first bin twice, the last empty: half a value
    expected = 0.1 * math.log(0.2 / 0.1) + (0.05 - 0.1) * math.log(0.05 / 0.1)
    assert psi(reference, now) == pytest.approx(expected)


def test_missing_values_are_a_bin_of_their_own() -> None:
    reference = reference_of("x", [*range(90), *[NAN] * 10])
    assert reference.missing == pytest.approx(0.1) and sum(reference.shares) == pytest.approx(0.9)
    none_missing = psi(reference, np.tile(np.arange(90), 10))
    assert none_missing is not None and none_missing > 0.1
    assert psi(reference, [NAN] * 50) > 1
    assert kolmogorov_smirnov(reference, [NAN, math.inf]) is None
    assert reference_of("x", [NAN, 1.0]).missing == reference_of("x", [math.inf, 1.0]).missing


def test_a_value_that_fills_deciles_is_a_bin_of_its_own() -> None:
    naps = reference_of("naps", [0.0] * 70 + [1.0] * 10 + [2.0] * 10 + [3.0] * 10)
    assert naps.shares[0] == 0 and naps.shares[1] == 0.7
    assert psi(naps, [-1.0] * 70 + [1.0] * 10 + [2.0] * 10 + [3.0] * 10) > 1
    constant = reference_of("x", [5.0] * 20)
    assert constant.shares == (0.0, 1.0, 0.0)
    assert psi(constant, [5.0] * 3) == 0 and psi(constant, [4.9] * 3) == psi(constant, [5.1] * 3)


def test_a_sample_without_values_has_no_figure() -> None:
    with pytest.raises(InputError, match="sleep has no value"):
        reference_of("sleep", [])
    assert psi(reference_of("x", [1.0]), []) is None
    assert kolmogorov_smirnov(reference_of("x", [NAN]), [1.0]) is None
    assert reference_of("x", [NAN]).missing == 1 and psi(reference_of("x", [NAN]), [NAN]) == 0


@given(SAMPLES)
def test_of_the_same_sample_nothing_has_moved(values: np.ndarray) -> None:
    reference = reference_of("x", values)
    assert psi(reference, values) == 0
    if known(values).size:
        moved = kolmogorov_smirnov(reference, values)
        assert moved is not None and moved <= 0.01 + 1 / known(values).size


@given(SAMPLES, SAMPLES)
def test_figures_keep_their_range_and_forget_the_order(then: np.ndarray, now: np.ndarray) -> None:
    reference, turned = reference_of("x", then), now[::-1]
    index, statistic = psi(reference, now), kolmogorov_smirnov(reference, now)
    assert index is not None and 0 <= index < math.inf
    assert statistic is None or 0 <= statistic <= 1
    assert (psi(reference, turned), kolmogorov_smirnov(reference, turned)) == (index, statistic)
    assert reference_of("x", then[::-1]) == reference
    assert sum(reference.shares) + reference.missing == pytest.approx(1)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of scipy's p, which is not looked at
@given(SAMPLES, SAMPLES)
def test_the_statistic_is_that_of_the_two_samples(then: np.ndarray, now: np.ndarray) -> None:
    assume(known(then).size and known(now).size)
    exact = ks_2samp(known(then), known(now), method="asymp").statistic
    found = kolmogorov_smirnov(reference_of("x", then), now)
    assert found == pytest.approx(exact, abs=0.01 + 1 / known(then).size)


@pytest.mark.parametrize(("shift", "index", "statistic"), [(0.316, 0.1, 0.125), (0.5, 0.25, 0.2)])
def test_a_shift_gives_the_figures_that_the_limits_stand_for(
    shift: float, index: float, statistic: float
) -> None:
    then, now = np.random.default_rng(5).normal(size=(2, 40_000))
    reference = reference_of("x", then)
    assert psi(reference, now) == pytest.approx(0, abs=0.002)
    assert psi(reference, now + shift) == pytest.approx(index, rel=0.15)
    assert kolmogorov_smirnov(reference, now + shift) == pytest.approx(statistic, abs=0.01)
