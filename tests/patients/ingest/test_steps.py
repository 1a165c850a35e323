"""What an adapter does with the walks it was told: left out and counted, or on the grid."""

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.walks import WALK
from patients.ingest.common.base import Rejected
from patients.ingest.common.steps import good_steps, steps_series, teller_of


def test_steps_left_out_are_counted_by_reason() -> None:
    rejected = Rejected()
    rows = [
        (0, 60, 301.0, 0),  # too many
        (60, 120, float("nan"), 0),
        (60, 0, 5.0, 0),  # ends before it starts
        (0, 24 * 3600, 9000.0, 0),  # a day's total
        (120, 125, 200.0, 0),
        (130, 135, 200.0, 0),  # 400 in one minute, in two records
        (180, 240, 7.0, 0),
        (180, 240, 7.0, 0),  # told twice
    ]
    walks = np.array(rows, WALK)
    good = good_steps(walks["start"], walks["end"], walks["steps"], rejected)
    series = steps_series(walks[good], rejected)
    assert series is not None and series.walks is not None
    there = {int(i): float(series.values[i]) for i in np.flatnonzero(~np.isnan(series.values))}
    assert there == {1: 7} and series.start.minute == 2
    assert series.walks.size == 3
    assert rejected == {
        "steps_out_of_range": 2,
        "steps_bad_duration": 2,
        "steps_minute_out_of_range": 1,
        "steps_duplicate": 1,
    }


def test_walks_decades_apart_are_refused() -> None:
    walks = np.array([(0, 60, 1.0, 0), (10**9, 10**9 + 60, 1.0, 0)], WALK)
    with pytest.raises(InputError, match="20 years"):
        steps_series(walks, Rejected())


def test_no_walks_are_no_series() -> None:
    assert steps_series(np.empty(0, WALK), Rejected()) is None


def test_a_teller_is_a_number_that_tells_no_name() -> None:
    assert 0 <= teller_of("Sam’s iPhone") < 2**16
    assert teller_of("Sam’s iPhone") != teller_of("Sam’s Apple Watch")
