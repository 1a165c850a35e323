"""Isotonic calibration, fitted on people that the model has not seen; and how well it holds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from scoring.domain.calibration import IsotonicCalibrator, expected_calibration_error

Floats = NDArray[np.float64]

# Fewer positives give a line of a few steps that looks exact: assumption.
MIN_POSITIVES, MIN_POSITIVE_PEOPLE = 50, 10
MOST_POINTS = 100
BOOTSTRAPS = 500


class TooFewPositives(ValueError):
    """A model cannot be calibrated: the message says how many positives there are."""


def calibrator_of(
    labels: Floats, raw: Floats, people: NDArray[np.int64], weights: Floats | None = None
) -> IsotonicCalibrator:
    """Isotonic regression of the labels on out-of-fold outputs; all of shape (n,).

    Each step of the fit is the mean of its rows and half a positive and half a negative more, so
    that no probability is 0 or 1; a step is drawn from the mean raw output of its rows to the next
    one's. ``weights`` bring an enriched sample back to its natural prevalence. Raises
    TooFewPositives below 50 positive rows or 10 people with one: such a curve would say nothing.
    """
    positive = labels > 0
    of_people = len(np.unique(people[positive]))
    if positive.sum() < MIN_POSITIVES or of_people < MIN_POSITIVE_PEOPLE:
        raise TooFewPositives(
            f"{int(positive.sum())} positive days of {of_people} people are too few to calibrate: "
            f"{MIN_POSITIVES} days of {MIN_POSITIVE_PEOPLE} people are needed."
        )
    w = np.ones_like(raw) if weights is None else weights * len(raw) / weights.sum()
    steps = IsotonicRegression(out_of_bounds="clip").fit_transform(raw, labels, sample_weight=w)
    _, step = np.unique(steps, return_inverse=True)
    step = _merged(step, w)
    total = np.bincount(step, weights=w)
    x = np.bincount(step, weights=w * raw) / total
    y = (np.bincount(step, weights=w * labels) + 0.5) / (total + 1.0)
    keep = np.concatenate(([True], np.diff(x) > 1e-9))
    x, y = x[keep], np.maximum.accumulate(y[keep])
    if len(x) < 2:
        raise TooFewPositives("The outputs do not rise with the labels: nothing to calibrate.")
    return IsotonicCalibrator(tuple(x.round(9).tolist()), tuple(y.round(9).tolist()))


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


def measured(
    labels: Floats, probabilities: Floats, people: NDArray[np.int64], seed: int = 0
) -> dict[str, Any]:
    """Discrimination and calibration of probabilities; intervals by drawing people anew.

    The reliability curve is a list of [mean predicted, observed share, rows] over ten bins.
    """
    low, high = _interval(labels, probabilities, people, seed)
    return {
        "auroc": round(float(roc_auc_score(labels, probabilities)), 4),
        "auroc_ci": [round(low, 4), round(high, 4)],
        "auprc": round(float(average_precision_score(labels, probabilities)), 4),
        "brier": round(float(brier_score_loss(labels, probabilities)), 5),
        "ece": round(expected_calibration_error((labels > 0).tolist(), probabilities.tolist()), 5),
        "prevalence": round(float(labels.mean()), 5),
        "n": int(len(labels)),
        "people": int(len(np.unique(people))),
        "reliability": _reliability(labels, probabilities),
    }


def _interval(
    labels: Floats, probabilities: Floats, people: NDArray[np.int64], seed: int
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    ids, index = np.unique(people, return_inverse=True)
    order = np.argsort(probabilities, kind="stable")
    y, who = labels[order] > 0, index[order]
    found = []
    for _ in range(BOOTSTRAPS):
        w = np.bincount(rng.integers(0, len(ids), len(ids)), minlength=len(ids))[who]
        negatives, positives = np.cumsum(w * ~y), w * y
        if positives.sum() and negatives[-1]:
            found.append((positives * negatives).sum() / positives.sum() / negatives[-1])
    low, high = np.percentile(found, (2.5, 97.5)).tolist()
    return low, high


def _reliability(labels: Floats, probabilities: Floats) -> list[list[float]]:
    bin_of = np.minimum((probabilities * 10).astype(int), 9)
    return [
        [
            round(float(probabilities[bin_of == b].mean()), 4),
            round(float(labels[bin_of == b].mean()), 4),
            int((bin_of == b).sum()),
        ]
        for b in range(10)
        if (bin_of == b).any()
    ]


def at_cut_off(labels: Floats, probabilities: Floats, cut_off: float) -> dict[str, float | None]:
    """Sensitivity, specificity, PPV and NPV of "at or above"; None where nothing is counted."""
    told, true = probabilities >= cut_off, labels > 0

    def share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
        return round(float(of[among].mean()), 4) if among.any() else None

    return {
        "sensitivity": share(told, true),
        "specificity": share(~told, ~true),
        "ppv": share(true, told),
        "npv": share(~true, ~told),
    }
