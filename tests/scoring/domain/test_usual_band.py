"""The person's own usual band, beside a slow and plain way to it."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.baselines import MIN_VALUES, history_span
from scoring.domain.usual_band import usual_bands

DAYS = st.lists(
    st.tuples(st.none() | st.floats(0, 1), st.sampled_from(["a", "b"])), min_size=1, max_size=140
)


def plainly(values: list[float | None], models: list[str], at: int) -> tuple[float, float] | None:
    """Day by day over the days of the history, as numpy's percentile has it."""
    start = date(2026, 1, 1)
    first, last = history_span(start + timedelta(days=at))
    found = [
        v
        for n, (v, m) in enumerate(zip(values, models, strict=True))
        if first <= start + timedelta(days=n) <= last and v is not None and m == models[at]
    ]
    if len(found) < MIN_VALUES or values[at] is None:
        return None
    low, high = np.percentile(found, (10, 90))
    return float(low), float(high)


@given(DAYS)
def test_the_band_is_that_of_the_eight_weeks_before(days: list[tuple[float | None, str]]) -> None:
    values, models = [v for v, _ in days], [m for _, m in days]
    bands = usual_bands(values, models)
    assert len(bands) == len(values)
    for at, band in enumerate(bands):
        wanted = plainly(values, models, at)
        assert (band is None) == (wanted is None)
        if band and wanted:
            assert np.allclose(band, wanted, atol=1e-9)


def test_what_moved_in_the_last_week_does_not_move_the_band() -> None:
    steady = [0.2] * 70
    assert usual_bands([*steady, *[0.9] * 7], ["a"] * 77)[-1] == (0.2, 0.2)


def test_a_new_model_begins_without_a_band() -> None:
    assert usual_bands([0.2] * 80, ["a"] * 40 + ["b"] * 40)[45] is None


def test_nothing_has_no_band() -> None:
    assert usual_bands([], []) == []
