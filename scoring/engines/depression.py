"""The depression track's model at work: PAT with its head, loaded once, run in small chunks."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scoring.engines.pat import WEEK_MINUTES, PatSize, build_classifier
from scoring.engines.pat_folded import FoldedPat
from scoring.engines.pat_h5 import load_classifier
from scoring.engines.quiet_tensorflow import tf

CHUNK = 1  # weeks at once: a tenth faster than 4, as one week's scores stay nearer the cores


class DepressionEngine:
    """A PAT classifier read from a verified weights file.

    Raises InputError if the file does not hold a classifier of this size.
    """

    def __init__(self, weights: Path, size: PatSize) -> None:
        model = build_classifier(size)
        load_classifier(model, size, weights)
        pat = FoldedPat(model, size)
        week = [tf.TensorSpec((None, WEEK_MINUTES), tf.float32)]
        self._patch_minutes = size.patch_minutes
        self._probability = tf.function(pat.probability, input_signature=week)
        self._attention = tf.function(pat.received, input_signature=week)

    def probabilities(self, weeks: NDArray[np.float32], chunk: int = CHUNK) -> NDArray[np.float64]:
        """Return the uncalibrated P(depression) of each week, shape (n,).

        `weeks` is (n, 10080): minutes standardised per minute of the week, no NaN.
        Raises ValueError on another shape or a value that is not finite.
        """
        parts = [self._probability(part).numpy() for part in _chunks(weeks, chunk)]
        return np.concatenate([np.empty(0), *parts])

    def attention(self, weeks: NDArray[np.float32], chunk: int = CHUNK) -> NDArray[np.float64]:
        """Return the attention each minute receives, shape (n, 10080).

        Last layer's scores summed over the queries, averaged over the heads, divided by
        their total over the patches (so patches sum to 1), each patch's share repeated for
        each of its minutes. Summing over keys instead would give 1 everywhere.
        Raises ValueError as `probabilities` does.
        """
        parts = [self._attention(part).numpy() for part in _chunks(weeks, chunk)]
        tokens = WEEK_MINUTES // self._patch_minutes
        received = np.concatenate([np.empty((0, tokens)), *parts])
        shares = received / received.sum(axis=1, keepdims=True)
        return np.repeat(shares, self._patch_minutes, axis=1)


def _chunks(weeks: NDArray[np.float32], chunk: int) -> list[NDArray[np.float32]]:
    if weeks.ndim != 2 or weeks.shape[1] != WEEK_MINUTES:
        raise ValueError(f"weeks must have shape (n, {WEEK_MINUTES}), not {weeks.shape}")
    if not np.isfinite(weeks).all():
        raise ValueError("weeks hold a value that is not finite: fill gaps before scoring")
    weeks = np.ascontiguousarray(weeks, dtype=np.float32)
    return [weeks[start : start + chunk] for start in range(0, len(weeks), chunk)]
