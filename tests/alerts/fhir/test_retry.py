from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.fhir.retry import GIVE_UP_AFTER, MAX_DELAY_S, next_attempt_delay_s

ATTEMPTS = st.integers(min_value=1, max_value=10**9)
JITTERS = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(ATTEMPTS, JITTERS)
def test_delay_is_between_a_minute_and_six_hours(attempt: int, jitter: float) -> None:
    assert 60 <= next_attempt_delay_s(attempt, jitter) <= 6 * 3600


@given(ATTEMPTS, JITTERS)
def test_delay_never_shrinks_with_the_attempts(attempt: int, jitter: float) -> None:
    assert next_attempt_delay_s(attempt, jitter) <= next_attempt_delay_s(attempt + 1, jitter)


@given(ATTEMPTS, JITTERS)
def test_jitter_spreads_the_delay_over_its_own_length(attempt: int, jitter: float) -> None:
    shortest = next_attempt_delay_s(attempt, 0)
    assert next_attempt_delay_s(attempt, jitter) == pytest.approx(shortest * (1 + jitter))


def test_delay_doubles_up_to_its_cap() -> None:
    delays = [next_attempt_delay_s(attempt, 0) for attempt in range(1, 12)]
    assert delays == [60, 120, 240, 480, 960, 1920, 3840, 7680, 10800, 10800, 10800]


def test_giving_up_leaves_many_tries() -> None:
    latest = [next_attempt_delay_s(attempt, 0.999) for attempt in range(1, 15)]
    assert timedelta(seconds=sum(latest)) < GIVE_UP_AFTER
    assert max(latest) < MAX_DELAY_S


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.5), (1, 1.0), (1, -0.1), (1, float("nan"))])
def test_a_number_out_of_range_is_refused(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        next_attempt_delay_s(attempt, jitter)
