"""Where a person's own indicator usually lies, day by day: the band behind the time line."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from scoring.domain.baselines import HISTORY_DAYS, MIN_VALUES, WINDOW_DAYS

LOW_SHARE, HIGH_SHARE = 0.1, 0.9  # eight of ten of the person's own days lie within
DAYS_BEFORE = HISTORY_DAYS + WINDOW_DAYS - 1  # that must be known for a day to have its band

Band = tuple[float, float]


def usual_bands(
    values: Sequence[float | None], models: Sequence[Hashable]
) -> list[tuple[float, float] | None]:
    """The 10th and 90th percentile of the person's own values of the 8 weeks before each day.

    ``values`` are probabilities of consecutive days (None: not assessed) and ``models`` what
    made each; days of another model than the day's own do not count, because two models do not
    mean the same by a number. The week that ends with the day is left out: PAT reads seven days,
    and a band that follows the last days would hide what moved. None where fewer than 14 days
    are left, and on a day without a value. Linear interpolation, as in numpy's percentile.

    It says where the person's indicator was, and nothing of how sure the day's number is.

    >>> usual_bands([0.2] * 63 + [0.9], ["a"] * 64)[-1]
    (0.2, 0.2)
    >>> usual_bands([0.2] * 10, ["a"] * 10)[-1] is None
    True
    """
    if not values:
        return []
    known = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    numbers = {model: at for at, model in enumerate(dict.fromkeys(models))}
    model = np.array([numbers[m] for m in models])
    history, of_model = _before(known, np.nan), _before(model, -1)
    history = np.where(of_model == model[:, None], history, np.nan)
    count = (~np.isnan(history)).sum(axis=1)
    ordered = np.sort(history, axis=1)  # NaN last
    low, high = (_percentile(ordered, count, share) for share in (LOW_SHARE, HIGH_SHARE))
    shown = (count >= MIN_VALUES) & ~np.isnan(known)
    return [
        (float(a), float(b)) if there else None
        for a, b, there in zip(low, high, shown, strict=True)
    ]


def _before(values: np.ndarray, fill: float) -> np.ndarray:
    """(n, 56): of each day the values from 62 to 7 days before."""
    padded = np.concatenate([np.full(DAYS_BEFORE, fill, dtype=values.dtype), values])
    return sliding_window_view(padded, DAYS_BEFORE + 1)[:, :HISTORY_DAYS]


def _percentile(ordered: np.ndarray, count: np.ndarray, share: float) -> np.ndarray:
    place = np.maximum(count - 1, 0) * share
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(ordered))
    start, end = ordered[rows, below], ordered[rows, above]
    return start + (end - start) * (place - below)
