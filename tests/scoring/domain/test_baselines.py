"""A person's output against the person's own history."""

from datetime import date, timedelta
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.baselines import (
    HISTORY_DAYS,
    LEAST_SD,
    MIN_VALUES,
    WINDOW_DAYS,
    baseline_delta,
    history_span,
)

SHARES = st.floats(0, 1)
HISTORIES = st.lists(SHARES, min_size=MIN_VALUES, max_size=HISTORY_DAYS)


def test_by_hand() -> None:
    history = [0.2, 0.4] * 10
    logits = [log(0.2 / 0.8), log(0.4 / 0.6)] * 10
    expected = (log(0.6 / 0.4) - np.mean(logits)) / np.std(logits, ddof=1)
    assert baseline_delta(0.6, history) == pytest.approx(expected)


def test_fewer_than_14_days_say_nothing() -> None:
    assert baseline_delta(0.9, [0.2] * 13) is None
    assert baseline_delta(0.9, [0.2] * 14) is not None


def test_a_history_without_spread_has_the_least_sd() -> None:
    assert baseline_delta(0.6, [0.5] * 20) == pytest.approx(log(1.5) / LEAST_SD)
    assert baseline_delta(1.0, [0.0] * 20) == pytest.approx(2 * log(99) / LEAST_SD)


def test_no_minute_of_the_scored_day_is_in_its_history() -> None:
    day = date(2026, 11, 19)
    first, last = history_span(day)
    assert last < day - timedelta(days=WINDOW_DAYS - 1)  # the first day that the output reads
    assert (last - first).days + 1 == HISTORY_DAYS


@given(SHARES, SHARES, HISTORIES)
def test_more_is_never_less_and_the_mirror_image_is_the_opposite(
    a: float, b: float, history: list[float]
) -> None:
    low, high = (baseline_delta(p, history) for p in sorted((a, b)))
    assert low is not None and high is not None and low <= high
    mirrored = baseline_delta(1 - a, [1 - p for p in history])
    assert mirrored == pytest.approx(-baseline_delta(a, history), rel=1e-6, abs=1e-6)
