"""When a series of days reaches a tier: how often that is, and how long before an onset."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scoring.domain.types import Mask

DAYS_A_MONTH = 30.4375
BEFORE_DAYS = AFTER_DAYS = 14  # around an onset; assumption


def crossings(people: NDArray[np.int64], flagged: Mask) -> Mask:
    """Rows that reach the tier while the person's row before did not; shape (n,).

    Rows are sorted by person and day. A person's first row counts as a crossing if it is
    flagged; a day without a row ends nothing.

    >>> crossings(np.array([1, 1, 1, 2]), np.array([True, True, False, True])).tolist()
    [True, False, False, True]
    """
    same = np.append(False, people[1:] == people[:-1])
    before = np.append(False, flagged[:-1]) & same
    return flagged & ~before


def alerts_per_patient_month(people: NDArray[np.int64], flagged: Mask) -> float:
    """Crossings over the months observed, a month being 30.4375 rows of a person.

    >>> alerts_per_patient_month(np.zeros(487, dtype=int), np.arange(487) == 3)
    0.0625
    """
    return float(crossings(people, flagged).sum() / (len(people) / DAYS_A_MONTH))


def lead_days(
    crossed: Sequence[int], onset: int, before: int = BEFORE_DAYS, after: int = AFTER_DAYS
) -> int | None:
    """Days from the first crossing around an onset to the onset; below 0 if it came after it.

    ``crossed`` are the days of one person's crossings. None if none lies within ``before`` days
    ahead of the onset and ``after`` behind it: what was flagged throughout announces nothing.

    >>> lead_days([2, 37, 44], 40)
    3
    """
    near = [day for day in crossed if onset - before <= day <= onset + after]
    return onset - min(near) if near else None
