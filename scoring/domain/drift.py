"""How far the clinic's days have moved from those that the models were made from.

A reference is kept of each input and output; a week of the clinic is held against it by two
figures. Neither says that a model is wrong: they say that it now reads other values than those
it was tested on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patients.domain.errors import InputError
from scoring.domain.types import Floats

DECILES = np.arange(1, 10) / 10
PERCENTILES = np.arange(101) / 100


@dataclass(frozen=True)
class ReferenceDistribution:
    """What one input or output looked like where the models were made.

    ``edges`` rise and part the line into ``len(edges) + 1`` bins, each with its upper edge;
    ``shares`` of the bins and ``missing`` sum to 1 over all ``n`` values. ``quantiles`` are the
    101 percentiles, 0 to 100, of the values that are not missing; none where all are.
    """

    name: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    missing: float
    n: int
    quantiles: tuple[float, ...]


def reference_of(name: str, values: Floats | Sequence[float]) -> ReferenceDistribution:
    """The reference of these values; NaN and infinite ones count as missing.

    Bins are cut at the deciles. A value on which two or more deciles fall, as the many zeros of
    a count of naps, is a bin of its own. Raises InputError for no value at all.

    >>> reference_of("naps", [0, 0, 0, 1, float("nan")]).missing
    0.2
    """
    given = np.asarray(values, dtype=np.float64)
    if given.size == 0:
        raise InputError(f"{name} has no value: a reference distribution needs some.")
    known = given[np.isfinite(given)]
    edges, quantiles = np.array([]), np.array([])
    if known.size:
        edges = _edges(np.quantile(known, DECILES, method="inverted_cdf"))
        quantiles = np.quantile(known, PERCENTILES, method="inverted_cdf")
    *shares, missing = _shares(edges, given)
    return ReferenceDistribution(
        name, tuple(edges.tolist()), tuple(shares), missing, given.size, tuple(quantiles.tolist())
    )


def _edges(deciles: Floats) -> Floats:
    repeated = deciles[1:][deciles[1:] == deciles[:-1]]
    return np.unique(np.concatenate((deciles, np.nextafter(repeated, -np.inf))))


def _shares(edges: Floats, values: Floats) -> list[float]:
    """Share of each bin, then of what is missing; shape (len(edges) + 2,)."""
    known = values[np.isfinite(values)]
    counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    return [*(counts / values.size).tolist(), (values.size - known.size) / values.size]


def psi(reference: ReferenceDistribution, values: Floats | Sequence[float]) -> float | None:
    """Population stability index: sum over bins of (a - e) ln(a / e); None for no value.

    a is the share now, e the reference's; missing values are a bin of their own. A share below
    half an observation of the smaller of the two samples is taken as that half, on both sides,
    so that an empty bin gives a finite index and one empty in both gives nothing. It is 0 for
    equal shares and else positive; a normal variable that shifts by d SD gives a little under
    d squared.

    Source: Siddiqi 2006, Credit Risk Scorecards, ch. 10; it is Jeffreys' divergence
    (Jeffreys 1946) of the binned samples.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.size == 0:
        return None
    least = 0.5 / min(reference.n, given.size)
    now = np.maximum(_shares(np.array(reference.edges), given), least)
    then = np.maximum([*reference.shares, reference.missing], least)
    return float(np.sum((now - then) * np.log(now / then)))


def kolmogorov_smirnov(
    reference: ReferenceDistribution, values: Floats | Sequence[float]
) -> float | None:
    """Largest distance between the two distribution functions, 0 to 1; None where one is empty.

    Missing values are left out. The reference's function is drawn straight between its 101
    percentiles, so the statistic lies within 0.01 + 1 / n, n the reference's values, of that of
    the two samples themselves.

    Source: Smirnov 1939; the two-sample statistic of scipy.stats.ks_2samp.
    """
    given = np.asarray(values, dtype=np.float64)
    known, quantiles = np.sort(given[np.isfinite(given)]), np.array(reference.quantiles)
    if known.size == 0 or quantiles.size == 0:
        return None
    points = np.concatenate((known, quantiles))
    return max(_largest_gap(quantiles, known, points, side) for side in ("left", "right"))


def _largest_gap(quantiles: Floats, known: Floats, points: Floats, side: str) -> float:
    """At the points: just before each of them (left), or with it (right)."""
    below = np.searchsorted(quantiles, points, side)  # type: ignore[call-overload]
    at = np.clip(below - 1, 0, len(quantiles) - 2)
    low, high = quantiles[at], quantiles[at + 1]
    within = np.divide(points - low, high - low, out=np.zeros(len(points)), where=high > low)
    then = np.where(below == len(quantiles), 1.0, (at + within) / (len(quantiles) - 1))
    then = np.where(below == 0, 0.0, then)
    now = np.searchsorted(known, points, side) / known.size  # type: ignore[call-overload]
    return float(np.max(np.abs(then - now)))
