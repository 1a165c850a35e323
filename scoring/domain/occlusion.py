"""What moved the depression track's probability: minutes replaced by the person's usual ones.

Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901): how far the probability falls when the minutes
of one day, or of one part of every day, are as in the person's typical week. Points of days and
of parts are two views of one week; they do not add up to anything.

The typical week is one that the person lived, not a mean of several: a mean of minutes is
smoother than any real week, and to a model that reads smoothness it is itself a sign
(docs/adr/0008-points-that-add-up.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import Minutes
from scoring.domain.explain import Label
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek, Reference, standardised
from scoring.domain.types import Contribution, Floats, Mask
from scoring.domain.vector_names import PARTS

DAY = 1440
AGAINST_REFERENCE = "compared with the reference group"


@dataclass(frozen=True)
class TypicalWeek:
    """What takes the place of occluded minutes; each of shape (10080,).

    ``inputs`` are standardised, ``activity`` is in the sensor's unit. Where the person has no
    minute of their own they are the reference's mean, and ``own`` is False.
    """

    inputs: NDArray[np.float32]
    activity: Minutes
    own: Mask


def typical_week(earlier: Sequence[PatWeek], reference: Reference) -> TypicalWeek:
    """One of the weeks before, newest first: the one nearest to what is usual by the hour.

    Usual is the mean of all of them by hour of the day, in standardised units. The week just
    before can only fill gaps: a change that has begun by then is not usual. What the chosen week
    lacks comes from the others, minute by minute of the week.
    """
    inputs = np.zeros(WEEK_MINUTES, dtype=np.float32)
    activity = reference.mean.astype(np.float32)
    own = np.zeros(WEEK_MINUTES, dtype=bool)
    z = [standardised(week, reference) for week in earlier]
    for k in _by_likeness([week.known for week in earlier], z):
        fills = earlier[k].known & ~own
        inputs[fills], activity[fills] = z[k][fills], earlier[k].activity[fills]
        own |= fills
    return TypicalWeek(inputs, activity, own)


def _by_likeness(known: Sequence[Mask], z: Sequence[NDArray[np.float32]]) -> list[int]:
    """The weeks, the most usual first and the newest last; of equals the older first."""
    if not known:
        return []
    shape = (len(known), 7, 24, 60)
    minutes = np.stack(known).reshape(shape).sum(axis=3)
    sums = np.where(np.stack(known), np.stack(z), 0.0).reshape(shape).sum(axis=3)
    usual = sums.sum(axis=(0, 1)) / np.maximum(minutes.sum(axis=(0, 1)), 1)
    square = (sums / np.maximum(minutes, 1) - usual) ** 2
    worn = minutes.sum(axis=(1, 2))
    away = np.where(worn > 0, (square * minutes).sum(axis=(1, 2)) / np.maximum(worn, 1), np.inf)
    return [*sorted(range(len(known) - 1, 0, -1), key=lambda k: away[k]), 0]


def occlusions(last_day: date) -> dict[str, Mask]:
    """The minutes of each of the seven days and of each quarter of all days, by name.

    Eleven masks of shape (10080,): ``day_2026-03-01`` and so on, then ``part_night`` to
    ``part_evening``.
    """
    minute = np.arange(WEEK_MINUTES)
    days = {
        f"day_{last_day - timedelta(days=6 - n)}": minute // DAY == n
        for n in range(WEEK_MINUTES // DAY)
    }
    parts = {name: minute % DAY // (DAY // 4) == n for n, name in enumerate(PARTS)}
    return days | parts


def occluded(
    inputs: NDArray[np.float32], minutes: Mask, typical: TypicalWeek
) -> NDArray[np.float32]:
    """The standardised week with those minutes as in the typical week; shape (10080,).

    Only worn minutes should be given: one that was not worn says nothing that could be taken away.
    """
    return np.where(minutes, typical.inputs, inputs)


def depression_contributions(
    probability: float,
    without: Mapping[str, float],
    week: PatWeek,
    typical: TypicalWeek,
    last_day: date,
    unit: str,
    labels: Mapping[str, Label],
) -> tuple[Contribution, ...]:
    """Days and parts of the day by how far the probability falls without what they show.

    ``without`` is the probability for each name of ``occlusions``. ``usual`` is the typical week's
    mean over the same minutes; None where most of them are the reference's, which the label says.
    """
    found = []
    for name, minutes in occlusions(last_day).items():
        worn = minutes & week.known
        is_own = bool(typical.own[worn].mean() >= 0.5) if worn.any() else True
        label = labels[name].label if name in labels else _day_label(name)
        found.append(
            Contribution(
                name=name,
                label=label if is_own else f"{label}, {AGAINST_REFERENCE}",
                value=_mean(week.activity[worn]),
                unit=unit,
                usual=_mean(typical.activity[worn]) if is_own else None,
                points=100.0 * (probability - without[name]),
            )
        )
    return tuple(sorted(found, key=lambda c: -abs(c.points)))


def _day_label(name: str) -> str:
    day = date.fromisoformat(name.removeprefix("day_"))
    return f"Activity on {day:%A} {day.day} {day:%B}"


def _mean(values: Minutes) -> float | None:
    return float(values.mean(dtype=np.float64)) if values.size else None


def attention_shares(attention: Floats, last_day: date) -> dict[str, float]:
    """Share of the attention that each day and each part receives, by the names of occlusions.

    ``attention`` is of shape (10080,) and sums to 1 over patches. The days' shares sum to 1, and
    so do the parts'. It says where the model looked, not what moved its probability.
    """
    total = float(attention.sum())
    return {
        name: float(attention[minutes].sum()) / total
        for name, minutes in occlusions(last_day).items()
    }
