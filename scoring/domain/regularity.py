"""How regular a person's sleep was over the days that end with one. Never looks ahead."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta

import numpy as np

from scoring.domain.types import DayFeatures, Floats

WINDOW_DAYS = 30
# Nights until the spread of a person's sleep, and until its mean, are told with a reliability of
# 0.6: PMC10104388, 1,041 adults. Shares lie in the tails, so they need as many as the spread.
MIN_NIGHTS = 11
MIN_NIGHTS_OF_A_KIND = 3
FREE_DAYS = frozenset({5, 6})  # Saturday and Sunday mornings, unless told otherwise: assumption
SHORT_HOURS, LONG_HOURS = 6.0, 10.0


def nights_until(days: Iterable[DayFeatures], last: date, window_days: int) -> list[DayFeatures]:
    """The days with a known night among so many that end with ``last``, oldest first."""
    first = last - timedelta(days=window_days - 1)
    return sorted(
        (d for d in days if first <= d.day <= last and d.night_present), key=lambda d: d.day
    )


def known(nights: Iterable[DayFeatures], name: str) -> Floats:
    """That value of each night's sleep that has it."""
    values = [n.sleep.get(name) for n in nights]
    return np.array([v for v in values if v is not None], dtype=np.float64)


def regularity(
    days: Sequence[DayFeatures],
    day: date,
    window_days: int = WINDOW_DAYS,
    free_days: AbstractSet[int] = FREE_DAYS,
) -> dict[str, float | None]:
    """Spread of sleep over the window that ends with the day; None under MIN_NIGHTS nights.

    SDs (ddof 1) of the main sleep's onset and midpoint, taken round the clock, so that
    midnight is no edge; social jet lag in hours, positive if sleep is later before free days
    (Roenneberg et al. 2012, Curr Biol 22:939), from at least MIN_NIGHTS_OF_A_KIND nights of
    either kind; and the shares of nights with under 6 h and over 10 h asleep. ``free_days``
    are weekdays (Monday is 0) of the waking morning.
    """
    nights = nights_until(days, day, window_days)
    onset_sd = _spread_hours(known(nights, "onset_minutes") / 60)
    asleep = known(nights, "time_asleep_hours")
    enough = len(asleep) >= MIN_NIGHTS
    return {
        "onset_variability_minutes": None if onset_sd is None else onset_sd * 60,
        "midpoint_variability_hours": _spread_hours(known(nights, "midpoint_hours")),
        "social_jet_lag_hours": _social_jet_lag(nights, free_days),
        "short_night_share": float((asleep < SHORT_HOURS).mean()) if enough else None,
        "long_night_share": float((asleep > LONG_HOURS).mean()) if enough else None,
    }


def hours_between(later: Floats | float, earlier: Floats | float) -> Floats:
    """The shortest way round the clock, in [-12, 12) h.

    >>> float(hours_between(1.0, 23.0)), float(hours_between(23.0, 1.0))
    (2.0, -2.0)
    """
    return (np.asarray(later) - earlier + 12.0) % 24.0 - 12.0


def mean_hour(hours: Floats) -> float:
    """The mean round the clock, in [0, 24) h.

    >>> round(mean_hour(np.array([23.0, 2.0])), 6)
    0.5
    """
    angle = np.angle(np.exp(2j * np.pi / 24 * hours).mean())
    start = float(angle) * 24 / (2 * np.pi)
    # The direction of the mean vector is near the mean; from there on it is the arithmetic one.
    return (start + float(hours_between(hours, start).mean()) + 24.0) % 24.0


def _spread_hours(hours: Floats) -> float | None:
    if len(hours) < MIN_NIGHTS:
        return None
    return float(np.std(hours_between(hours, mean_hour(hours)), ddof=1))


def _social_jet_lag(nights: Sequence[DayFeatures], free_days: AbstractSet[int]) -> float | None:
    free, work = (
        known((n for n in nights if (n.day.weekday() in free_days) == is_free), "midpoint_hours")
        for is_free in (True, False)
    )
    if len(free) + len(work) < MIN_NIGHTS or min(len(free), len(work)) < MIN_NIGHTS_OF_A_KIND:
        return None
    return float(hours_between(mean_hour(free), mean_hour(work)))
