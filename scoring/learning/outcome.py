"""One yes-or-no outcome against its probabilities, measured with intervals over people."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.domain.metrics import (
    ROUNDS,
    AtCutoff,
    Ranking,
    Statistic,
    bootstrap_interval,
    brier,
    calibration_error,
    reliability,
)
from scoring.domain.types import Floats, Mask

CURVE_POINTS = 400  # of a long curve; a plot shows no more
DECIMALS = 6
FEW_ROUNDS = 500  # bootstraps of what there is much of
LEAST_PEOPLE = 5  # of an interval: with two it is from one of them to the other
EXPECTED_FROM = 0.1  # the probability from which observed is held against expected

Measured = dict[str, Any]


def discrimination(
    labels: Mask, scores: Floats, people: NDArray[Any], rounds: int = ROUNDS
) -> Measured:
    """AUROC and AUPRC of n rows, each with its interval over people; None where undefined."""
    found: Measured = {
        "n": int(len(labels)),
        "people": int(len(np.unique(people))),
        "positives": int(np.count_nonzero(labels)),
    }
    if len(labels) == 0:
        return found | dict.fromkeys(("auroc", "auroc_ci", "auprc", "auprc_ci"))
    ranking = Ranking.of(labels, scores)
    for name, statistic in (("auroc", ranking.auroc), ("auprc", ranking.average_precision)):
        found[name] = rounded(statistic())
        found[f"{name}_ci"] = _interval(statistic, people, rounds, found[name])
    return found


def calibration(labels: Mask, probabilities: Floats) -> Measured:
    """Brier score, ECE and the reliability curve of n rows."""
    return {
        "brier": rounded(brier(labels, probabilities)),
        "ece": rounded(calibration_error(labels, probabilities)),
        "prevalence": rounded(float(np.mean(labels))),
        "reliability": reliability(labels, probabilities),
    }


def observed_to_expected(
    labels: Mask, probabilities: Floats, people: NDArray[Any], rounds: int = FEW_ROUNDS
) -> Measured:
    """Positives over the sum of probabilities, on the rows of 0.1 and more.

    Below it nearly all rows of a rare outcome lie, and ECE hardly sees the others. 1 is as
    expected, above 1 more happened than was said; the interval is over people.
    """
    high = probabilities >= EXPECTED_FROM
    y, p = labels[high].astype(np.float64), probabilities[high]

    def ratio(weights: Floats | None = None) -> float | None:
        w = np.ones(len(p)) if weights is None else weights
        expected = float(np.sum(w * p))
        return float(np.sum(w * y)) / expected if expected else None

    value = rounded(ratio())
    return {
        "from": EXPECTED_FROM,
        "n": len(p),
        "observed": int(y.sum()),
        "expected": rounded(float(p.sum())),
        "ratio": value,
        "ratio_ci": _interval(ratio, people[high], rounds, value),
    }


def at_cutoffs(
    labels: Mask, probabilities: Floats, people: NDArray[Any], cutoffs: Mapping[str, float]
) -> Measured:
    """What each tier's lower edge calls, as `called_measured` tells it."""
    return {
        tier: {"cutoff": edge, **called_measured(labels, probabilities >= edge, people)}
        for tier, edge in cutoffs.items()
    }


def called_measured(
    labels: Mask, called: Mask, people: NDArray[Any], rounds: int = FEW_ROUNDS
) -> Measured:
    """Counts and shares of n rows called or not; sensitivity and NPV with intervals over people."""
    found: Measured = dict(AtCutoff.of(labels, called).as_dict())
    for name, whole, part in (
        ("sensitivity", labels, labels & called),
        ("npv", ~called, ~called & ~labels),
    ):
        found[f"{name}_ci"] = share_interval(part, whole, people, rounds)
    return found


def share_interval(
    part: Mask, whole: Mask, people: NDArray[Any], rounds: int = FEW_ROUNDS
) -> list[float] | None:
    """The interval over people of the share of ``whole`` rows that are ``part``; all (n,)."""

    def share(weights: Floats) -> float | None:
        total = float(np.sum(weights * whole))
        return float(np.sum(weights * part)) / total if total else None

    return _interval(share, people, rounds, 0.0 if whole.any() else None)


def curves(labels: Mask, scores: Floats) -> Measured:
    """ROC and precision-recall points, thinned for a plot; empty where a class is absent."""
    if not (labels.any() and (~labels).any()):
        return {"roc": [], "precision_recall": []}
    ranking = Ranking.of(labels, scores)
    return {
        "roc": _thinned(ranking.roc_points()),
        "precision_recall": _thinned(ranking.precision_points()),
    }


def difference(
    labels: Mask, ours: Floats, theirs: Floats, people: NDArray[Any], rounds: int = ROUNDS
) -> Measured:
    """AUROC of ours less theirs on the same rows, with its paired interval over people."""
    a, b = Ranking.of(labels, ours), Ranking.of(labels, theirs)

    def gap(weights: Floats | None = None) -> float | None:
        one, other = a.auroc(weights), b.auroc(weights)
        return None if one is None or other is None else one - other

    value = rounded(gap())
    return {"auroc": value, "auroc_ci": _interval(gap, people, rounds, value)}


def rounded(value: float | None) -> float | None:
    """To six decimals: what lies behind them is the machine's."""
    return None if value is None else round(value, DECIMALS)


def _interval(
    statistic: Statistic, people: NDArray[Any], rounds: int, value: float | None
) -> list[float] | None:
    if value is None or len(np.unique(people)) < LEAST_PEOPLE:
        return None
    found = bootstrap_interval(statistic, people, rounds)
    if found and found[0] == found[1]:  # every resample says the same: it is none
        return None
    return [round(edge, DECIMALS) for edge in found] if found else None


def _thinned(points: Floats) -> list[list[float]]:
    keep = np.unique(np.linspace(0, len(points) - 1, min(len(points), CURVE_POINTS)).astype(int))
    return [[round(float(x), 4), round(float(y), 4)] for x, y in points[keep]]
