"""The mania track's two models at work: boosted trees over the 36 features."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.domain.vector_names import VECTOR_NAMES

OBJECTIVE = "binary:logistic"

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def load_booster(path: Path, threads: int = 1) -> xgb.Booster:
    """Read a booster (JSON or UBJ) and check that it takes the 36 features in their order.

    Raises InputError if the file is no booster, names other features, or gives no probability.
    """
    try:
        booster = xgb.Booster({"nthread": threads}, model_file=str(path))
    except xgb.core.XGBoostError as error:
        raise InputError(
            f"{path.name} cannot be read as an XGBoost model; give a .json or .ubj file."
        ) from error
    check_names(path.name, booster.feature_names or [])
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective != OBJECTIVE:
        raise InputError(f"{path.name} was trained for {objective}; give a {OBJECTIVE} model.")
    return booster


def check_names(file: str, names: Sequence[str]) -> None:
    """Raise InputError naming the first feature that is not the published one in its place."""
    if len(names) != len(VECTOR_NAMES):
        raise InputError(
            f"{file} names {len(names)} features; give a model trained on the "
            f"{len(VECTOR_NAMES)} named features."
        )
    for column, (found, expected) in enumerate(zip(names, VECTOR_NAMES, strict=True), start=1):
        if found != expected:
            raise InputError(
                f"{file} has {found} where feature {column} must be {expected}; "
                "give a model trained on the published features in their order."
            )


class ManiaEngine:
    """The manic and the hypomanic booster, read from verified files.

    Raises InputError as `load_booster` does.
    """

    def __init__(self, mania: Path, hypomania: Path, threads: int = 1) -> None:
        self._threads = threads
        self._mania = load_booster(mania, threads)
        self._hypomania = load_booster(hypomania, threads)

    def probabilities(self, vectors: NDArray[np.floating]) -> Pair:
        """Return the uncalibrated P(mania) and P(hypomania), each of shape (n,).

        `vectors` is (n, 36) in the order of VECTOR_NAMES; NaN is a missing feature.
        Raises ValueError on another shape or an infinite value.
        """
        return self._predict(vectors, width=0)

    def margins(self, vectors: NDArray[np.floating]) -> Pair:
        """Return the models' own margins ln(p / (1 - p)), each of shape (n,).

        What `margin_contributions` must sum to. Raises ValueError as `probabilities` does.
        """
        return self._predict(vectors, width=0, output_margin=True)

    def margin_contributions(self, vectors: NDArray[np.floating]) -> Pair:
        """Return the SHAP values of mania and hypomania in log-odds, each of shape (n, 37).

        Columns: the 36 features, then the bias; a row sums to the model's margin
        ln(p / (1 - p)). Raises ValueError as `probabilities` does.
        """
        return self._predict(vectors, width=len(VECTOR_NAMES) + 1)

    def _predict(
        self, vectors: NDArray[np.floating], width: int, output_margin: bool = False
    ) -> Pair:
        _check_vectors(vectors)
        if len(vectors) == 0:  # XGBoost warns and loses the width
            shape = (0, width) if width else (0,)
            return np.empty(shape), np.empty(shape)
        # Named on purpose: an unnamed matrix would be matched by position alone.
        matrix = xgb.DMatrix(vectors, feature_names=list(VECTOR_NAMES), nthread=self._threads)
        mania, hypomania = (
            booster.predict(matrix, output_margin=output_margin, pred_contribs=bool(width)).astype(
                np.float64
            )
            for booster in (self._mania, self._hypomania)
        )
        return mania, hypomania


def _check_vectors(vectors: NDArray[np.floating]) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != len(VECTOR_NAMES):
        raise ValueError(f"vectors must have shape (n, {len(VECTOR_NAMES)}), not {vectors.shape}")
    if np.isinf(vectors).any():
        raise ValueError("vectors hold an infinite value: give NaN for a missing feature")
