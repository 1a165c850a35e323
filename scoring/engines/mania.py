"""The mania track's two models at work: boosted trees over the 36 features, or all 51."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.domain.vector_names import OWN_VECTOR_NAMES, VECTOR_NAMES

OBJECTIVE = "binary:logistic"

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def load_booster(path: Path, threads: int = 1) -> xgb.Booster:
    """Read a booster (JSON or UBJ) of the 36 features in their order, or of Clarity's own 51.

    Raises InputError if the file is no booster, names other features, or gives no probability.
    """
    try:
        booster = xgb.Booster({"nthread": threads}, model_file=str(path))
    except xgb.core.XGBoostError as error:
        raise InputError(
            f"{path.name} cannot be read as an XGBoost model; give a .json or .ubj file."
        ) from error
    if tuple(booster.feature_names or ()) != OWN_VECTOR_NAMES:
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


def same_trees(one: xgb.Booster, other: xgb.Booster) -> bool:
    """Whether two boosters split and end alike in every tree, whatever their files are."""
    return bool(one.get_dump() == other.get_dump())


class ManiaEngine:
    """The manic and the hypomanic booster, read from verified files.

    Raises InputError as `load_booster` does.
    """

    def __init__(self, mania: Path, hypomania: Path, threads: int = 1) -> None:
        self._threads = threads
        self._boosters = [load_booster(path, threads) for path in (mania, hypomania)]
        widest = max(booster.num_features() for booster in self._boosters)
        self.names = OWN_VECTOR_NAMES[:widest]  # the columns of what goes in

    @property
    def is_one_twice(self) -> bool:
        """Whether both boosters hold the same trees: one of them then has a wrong name."""
        return same_trees(*self._boosters)

    def probabilities(self, vectors: NDArray[np.floating]) -> Pair:
        """Return the uncalibrated P(mania) and P(hypomania), each of shape (n,).

        `vectors` is (n, 36) in the order of `names`, or (n, 51); NaN is a missing feature.
        Raises ValueError on another shape or an infinite value.
        """
        return self._predict(vectors, width=0)

    def margins(self, vectors: NDArray[np.floating]) -> Pair:
        """Return the models' own margins ln(p / (1 - p)), each of shape (n,).

        What `margin_contributions` must sum to. Raises ValueError as `probabilities` does.
        """
        return self._predict(vectors, width=0, output_margin=True)

    def margin_contributions(self, vectors: NDArray[np.floating]) -> Pair:
        """Return the SHAP values of mania and hypomania in log-odds, each of shape (n, 37) or
        (n, 52).

        Columns: those of `names`, then the bias; a row sums to the model's margin
        ln(p / (1 - p)). A column that one of the two does not know is 0 there. Raises ValueError
        as `probabilities` does.
        """
        return self._predict(vectors, width=len(self.names) + 1)

    def _predict(
        self, vectors: NDArray[np.floating], width: int, output_margin: bool = False
    ) -> Pair:
        _check_vectors(vectors, len(self.names))
        if len(vectors) == 0:  # XGBoost warns and loses the width
            shape = (0, width) if width else (0,)
            return np.empty(shape), np.empty(shape)
        mania, hypomania = (
            self._of_one(booster, vectors, width, output_margin) for booster in self._boosters
        )
        return mania, hypomania

    def _of_one(
        self, booster: xgb.Booster, vectors: NDArray[np.floating], width: int, output_margin: bool
    ) -> NDArray[np.float64]:
        known = booster.num_features()
        # Named on purpose: an unnamed matrix would be matched by position alone.
        matrix = xgb.DMatrix(
            vectors[:, :known], feature_names=list(self.names[:known]), nthread=self._threads
        )
        found: NDArray[np.float64] = booster.predict(
            matrix, output_margin=output_margin, pred_contribs=bool(width)
        ).astype(np.float64)
        if not width:
            return found
        unknown = np.zeros((len(found), width - found.shape[1]))
        return np.concatenate((found[:, :-1], unknown, found[:, -1:]), axis=1)


def _check_vectors(vectors: NDArray[np.floating], columns: int) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != columns:
        raise ValueError(f"vectors must have shape (n, {columns}), not {vectors.shape}")
    if np.isinf(vectors).any():
        raise ValueError("vectors hold an infinite value: give NaN for a missing feature")
