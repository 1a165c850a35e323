"""A person's output against that person's own earlier ones."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import log

import numpy as np

# PAT reads the 7 days that end with the scored one: the last output that shares no minute with
# it is that of 7 days before. Eight weeks are long enough for 14 scored days in spite of gaps
# and short enough to leave the season before out; assumption.
WINDOW_DAYS = 7
HISTORY_DAYS = 56
MIN_VALUES = 14  # as for a baseline of features
# Beyond these a calibrator fitted on some hundred people cannot tell apart; assumption.
LEAST, MOST = 0.01, 0.99
# In log-odds. What a calibration error of 0.05 makes at a probability of 0.5: a spread below it
# (isotonic calibrators have steps, so it may be 0) is no finer than the output itself.
LEAST_SD = 0.2


def history_span(day: date) -> tuple[date, date]:
    """First and last day whose outputs are the history of that day's.

    >>> history_span(date(2026, 11, 19))
    (datetime.date(2026, 9, 18), datetime.date(2026, 11, 12))
    """
    last = day - timedelta(days=WINDOW_DAYS)
    return last - timedelta(days=HISTORY_DAYS - 1), last


def baseline_delta(probability: float, history: Sequence[float]) -> float | None:
    """How many SD a calibrated probability lies above the person's own earlier ones.

    (logit p - mean of logit h) / max(SD of logit h, 0.2), SD with ddof 1; None for fewer than
    14 values. ``history`` has one value a day, all of the same model. In log-odds, because on
    the scale of probabilities a person's spread shrinks towards 0 and 1 with p (1 - p), and
    the same move would count for more in somebody who is usually well.

    Window, least number and floors are assumptions: no source gives any for this output.

    >>> baseline_delta(0.5, [0.5] * 14)
    0.0
    """
    if len(history) < MIN_VALUES:
        return None
    usual = np.array([_logit(p) for p in history])
    sd = max(float(usual.std(ddof=1)), LEAST_SD)
    return (_logit(probability) - float(usual.mean())) / sd


def _logit(probability: float) -> float:
    p = min(max(probability, LEAST), MOST)
    return log(p / (1 - p))
