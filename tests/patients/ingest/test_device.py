"""Walks spread over their minutes, a block at a time."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.ingest.common import device
from patients.ingest.common.base import Rejected
from patients.ingest.common.device import walked

Walks = dict[tuple[int, int], float]

spans = st.tuples(st.integers(0, 9000), st.integers(0, 3600)).map(lambda s: (s[0], s[0] + s[1]))
walks = st.dictionaries(spans, st.integers(0, 200).map(float), min_size=1, max_size=30)


def test_two_walks_share_the_minute_that_both_touch() -> None:
    series = walked({(0, 90): 90, (90, 150): 30}, Rejected())
    assert series is not None
    assert series.values.tolist() == [60, 30 + 15, 15]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(found=walks, size=st.integers(1, 7))
def test_the_size_of_the_blocks_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, found: Walks, size: int
) -> None:
    monkeypatch.setattr(device, "BLOCK", 10_000)
    at_once, counted = Rejected(), Rejected()
    expected = walked(found, at_once)
    monkeypatch.setattr(device, "BLOCK", size)
    series = walked(found, counted)
    assert (series is None) == (expected is None) and +counted == +at_once
    if series is not None and expected is not None:
        assert (series.start, series.partial) == (expected.start, expected.partial)
        np.testing.assert_array_equal(series.values, expected.values)
