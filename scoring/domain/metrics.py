"""How well scores tell yes from no: ranking, tier cut-offs, calibration, and how sure that is."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.domain.calibration import expected_calibration_error
from scoring.domain.types import Floats, Mask

ROUNDS, SEED = 2000, 0
PERCENTILES = (2.5, 97.5)
DRAWS_A_ROUND = 10  # so many may fail for one that counts; beyond that there is no interval
BINS = 10

Interval = tuple[float, float]
Statistic = Callable[[Floats], float | None]  # of a weight for each row


@dataclass(frozen=True)
class Ranking:
    """Rows from the highest score down, those of one score together.

    ``order`` (n,) sorts the rows, ``labels`` (n,) are theirs in that order, and ``ends`` (k,)
    has the place of the last row of each of the k distinct scores.
    """

    order: NDArray[np.int64]
    labels: Mask
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Mask, scores: Floats) -> "Ranking":
        """Of n labels and scores without NaN. Raises ValueError if there is one, or no row."""
        if len(scores) == 0 or np.isnan(scores).any():
            raise ValueError("a ranking needs rows, and a score in each of them")
        order = np.argsort(-scores, kind="stable")
        falls = np.flatnonzero(np.diff(scores[order]))
        return cls(order, labels[order].astype(bool), np.append(falls, len(scores) - 1))

    def counts(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """True and false positives if all down to each distinct score are called positive."""
        w = np.ones(len(self.order)) if weights is None else weights[self.order]
        return np.cumsum(w * self.labels)[self.ends], np.cumsum(w * ~self.labels)[self.ends]

    def auroc(self, weights: Floats | None = None) -> float | None:
        """Chance that a positive row scores higher than a negative one, ties counting half.

        The Mann-Whitney U of the mean ranks over n+ n-, as the area under the ROC curve by
        trapezoids (Hanley and McNeil 1982). None where one class is absent.

        >>> Ranking.of(np.array([True, True, False]), np.array([0.9, 0.2, 0.2])).auroc()
        0.75
        """
        tp, fp = self.counts(weights)
        if not (tp[-1] > 0 and fp[-1] > 0):
            return None
        area = np.sum(np.diff(fp, prepend=0) * (tp + np.append(0, tp[:-1])) / 2)
        return float(area / (tp[-1] * fp[-1]))

    def average_precision(self, weights: Floats | None = None) -> float | None:
        """AUPRC: precision at each distinct score, weighed by the recall it adds.

        sum_k (R_k - R_{k-1}) P_k, without interpolation. None where one class is absent.

        >>> Ranking.of(np.array([True, False, True]), np.array([0.9, 0.5, 0.1])).average_precision()
        0.8333333333333333
        """
        tp, fp = self.counts(weights)
        if not (tp[-1] > 0 and fp[-1] > 0):
            return None
        precision = tp / np.maximum(tp + fp, 1)
        return float(np.sum(np.diff(tp, prepend=0) * precision) / tp[-1])

    def roc_points(self) -> Floats:
        """False and true positive share from (0, 0) to (1, 1), shape (k + 1, 2)."""
        tp, fp = self.counts()
        return np.vstack(([0.0, 0.0], np.column_stack((fp / fp[-1], tp / tp[-1]))))

    def precision_points(self) -> Floats:
        """Recall and precision at each distinct score, shape (k, 2)."""
        tp, fp = self.counts()
        return np.column_stack((tp / tp[-1], tp / (tp + fp)))


def auroc(labels: Mask, scores: Floats) -> float | None:
    """``Ranking.auroc`` of n labels and scores.

    >>> auroc(np.array([True, False]), np.array([0.9, 0.1]))
    1.0
    """
    return Ranking.of(labels, scores).auroc()


def average_precision(labels: Mask, scores: Floats) -> float | None:
    """``Ranking.average_precision`` of n labels and scores.

    >>> average_precision(np.array([True, False]), np.array([0.9, 0.1]))
    1.0
    """
    return Ranking.of(labels, scores).average_precision()


def bootstrap_interval(
    statistic: Statistic,
    people: NDArray[Any],
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> Interval | None:
    """95 % interval of a statistic over resamples of people, by percentiles (Efron 1981).

    ``people`` (n,) says whose each row is. Each round draws as many people as there are, with
    replacement; the statistic is told how often each row was drawn. A draw for which it is None
    (one class only) is drawn again; None if that happens in nine of ten draws.

    >>> bootstrap_interval(lambda weights: float(weights.sum()), np.arange(9))
    (9.0, 9.0)
    """
    names, row_of = np.unique(people, return_inverse=True)
    rng = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(rounds * DRAWS_A_ROUND):
        drawn = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        value = statistic(drawn[row_of].astype(np.float64))
        if value is not None:
            found.append(value)
        if len(found) == rounds:
            low, high = np.percentile(found, PERCENTILES)
            return float(low), float(high)
    return None


@dataclass(frozen=True)
class AtCutoff:
    """Rows called positive or not, against what they were. Shares are None where undefined."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @classmethod
    def of(cls, labels: Mask, called: Mask) -> "AtCutoff":
        """Of n labels and calls.

        >>> AtCutoff.of(np.array([True, True, False]), np.array([True, False, False])).sensitivity
        0.5
        """
        yes, called = labels.astype(bool), called.astype(bool)
        pairs = (yes & called, ~yes & called, yes & ~called, ~yes & ~called)
        return cls(*(int(np.count_nonzero(pair)) for pair in pairs))

    @property
    def sensitivity(self) -> float | None:
        """TP / (TP + FN): of those it concerns, the share called."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> float | None:
        """TN / (TN + FP): of the others, the share not called."""
        return _share(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def ppv(self) -> float | None:
        """TP / (TP + FP): of those called, the share it concerns."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def npv(self) -> float | None:
        """TN / (TN + FN): of those not called, the share it does not concern."""
        return _share(self.true_negatives, self.true_negatives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN)."""
        wrong = self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, 2 * self.true_positives + wrong)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of sensitivity and specificity."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return (self.sensitivity + self.specificity) / 2

    def as_dict(self) -> dict[str, float | int | None]:
        """Counts and shares, JSON-ready."""
        shares = ("sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy")
        return {**asdict(self), **{name: getattr(self, name) for name in shares}}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def brier(labels: Mask, probabilities: Floats) -> float:
    """Mean squared gap between probability and outcome, 0 to 1 (Brier 1950).

    >>> brier(np.array([True, False]), np.array([0.5, 0.5]))
    0.25
    """
    return float(np.mean((probabilities - labels) ** 2))


def calibration_error(labels: Mask, probabilities: Floats) -> float:
    """ECE of ten bins of equal width: ``expected_calibration_error`` of arrays.

    >>> round(calibration_error(np.array([True, False]), np.array([0.9, 0.1])), 3)
    0.1
    """
    return expected_calibration_error([bool(y) for y in labels], probabilities.tolist(), BINS)


def reliability(labels: Mask, probabilities: Floats) -> list[dict[str, float | int]]:
    """Mean probability and observed share in each bin of equal width that has rows.

    >>> reliability(np.array([True, False]), np.array([0.25, 0.25]))
    [{'predicted': 0.25, 'observed': 0.5, 'n': 2}]
    """
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    inside = (bins == b for b in range(BINS))
    return [
        {
            "predicted": float(probabilities[rows].mean()),
            "observed": float(labels[rows].mean()),
            "n": int(rows.sum()),
        }
        for rows in inside
        if rows.any()
    ]
