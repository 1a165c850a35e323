"""Isotonic calibration, fitted on people that the model has not seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from scoring.domain.calibration import IsotonicCalibrator

Floats = NDArray[np.float64]

# Fewer positives give a line of a few steps that looks exact: assumption.
MIN_POSITIVES, MIN_POSITIVE_PEOPLE = 50, 10
MOST_POINTS = 100


class TooFewPositives(ValueError):
    """A model cannot be calibrated: the message says how many positives there are."""


def calibrator_of(
    labels: Floats, raw: Floats, people: NDArray[np.int64], weights: Floats | None = None
) -> IsotonicCalibrator:
    """Isotonic regression of the labels on out-of-fold outputs; all of shape (n,).

    Each step of the fit is the mean of its rows and half a positive and half a negative more, so
    that no probability is 0 or 1. Steps are joined at their means (centred isotonic regression,
    Oron and Flournoy 2017), so that between the first and the last a higher output always gets a
    higher probability, and no edge of a tier lies on a level stretch. ``weights`` bring an
    enriched sample back to its natural prevalence. Raises TooFewPositives below 50 positive rows or
    10 people with one: such a curve would say nothing.
    """
    check_positives(labels, people)
    w = np.ones_like(raw) if weights is None else weights * len(raw) / weights.sum()
    steps = IsotonicRegression(out_of_bounds="clip").fit_transform(raw, labels, sample_weight=w)
    _, step = np.unique(steps, return_inverse=True)
    step = _merged(step, w)
    total = np.bincount(step, weights=w)
    x = np.bincount(step, weights=w * raw) / total
    y = (np.bincount(step, weights=w * labels) + 0.5) / (total + 1.0)
    x, y = (points.round(9) for points in _rising(x, y, total + 1.0))
    if len(x) < 2:
        raise TooFewPositives("The outputs do not rise with the labels: nothing to calibrate.")
    return IsotonicCalibrator(tuple(x.tolist()), tuple(y.tolist()))


def _rising(x: Floats, y: Floats, weights: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Neighbouring points that do not rise become one at their means: both rise strictly then."""
    level = IsotonicRegression().fit_transform(x, y, sample_weight=weights)
    _, block = np.unique(level, return_inverse=True)
    total = np.bincount(block, weights=weights)
    mean_x, mean_y = (np.bincount(block, weights=weights * values) / total for values in (x, y))
    return mean_x, mean_y


def check_positives(labels: Floats, people: NDArray[np.int64]) -> None:
    """TooFewPositives below 50 positive rows or 10 people with one."""
    positive = labels > 0
    of_people = len(np.unique(people[positive]))
    if positive.sum() < MIN_POSITIVES or of_people < MIN_POSITIVE_PEOPLE:
        raise TooFewPositives(
            f"{int(positive.sum())} positive days of {of_people} people are too few to calibrate: "
            f"{MIN_POSITIVES} days of {MIN_POSITIVE_PEOPLE} people are needed."
        )


def _merged(step: NDArray[np.int64], weights: Floats) -> NDArray[np.int64]:
    """Neighbouring steps together, until each holds its share of MOST_POINTS of the weight."""
    total = np.bincount(step, weights=weights)
    least, group, held = total.sum() / (20 * MOST_POINTS), 0, 0.0
    groups = np.zeros(len(total), np.int64)
    for number, weight in enumerate(total):
        groups[number] = group
        held += weight
        if held >= least:
            group, held = group + 1, 0.0
    return groups[step]
