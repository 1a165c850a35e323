"""When to try a delivery again. Pure: the caller brings the random number and the clock."""

from datetime import timedelta

FIRST_DELAY_S = 60.0
MAX_DELAY_S = 6 * 3600.0
GIVE_UP_AFTER = timedelta(hours=72)
"""After this long a message is left to an administrator."""


def next_attempt_delay_s(attempt: int, jitter: float) -> float:
    """Seconds to wait after the `attempt`-th failure (from 1); `jitter` is in [0, 1).

    b * (1 + jitter) with b = 1 min * 2^(attempt - 1), at most 3 h: always within [1 min, 6 h),
    and spread over as long as it waits, so that messages held back together return apart.

    >>> next_attempt_delay_s(1, 0.0), next_attempt_delay_s(3, 0.5), next_attempt_delay_s(99, 0.0)
    (60.0, 360.0, 10800.0)
    """
    if attempt < 1:
        raise ValueError("attempt must be 1 or more.")
    if not 0 <= jitter < 1:
        raise ValueError("jitter must be in [0, 1).")
    doublings = min(attempt - 1, 16)  # past the cap long before; keeps 2**n small
    return min(FIRST_DELAY_S * 2.0**doublings, MAX_DELAY_S / 2) * (1 + jitter)
