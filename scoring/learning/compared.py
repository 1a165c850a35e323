"""Plain things a model must beat: mean activity, and logistic regression on six features."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from scoring.domain.pat_window import PatWeek
from scoring.domain.rhythm import nonparametric
from scoring.domain.types import Floats, Mask

FOLDS, SEED = 5, 0
NOON = 720
SIX = (
    "mean_activity",
    "interdaily_stability",
    "intradaily_variability",
    "relative_amplitude",
    "l5_onset_hour",
    "m10_onset_hour",
)


def six_features(week: PatWeek) -> Mapping[str, float]:
    """SIX of a week's worn minutes, NaN where the data do not allow one.

    Onsets are hours: L5 after noon (so that a night is not cut at midnight), M10 after midnight.
    """
    known = np.where(week.worn, week.activity, np.nan).astype(np.float64)
    found = nonparametric(known)
    l5, m10 = found.l5_onset_minute, found.m10_onset_minute
    values = (
        float(np.nanmean(known)) if not np.isnan(known).all() else None,
        found.interdaily_stability,
        found.intradaily_variability,
        found.relative_amplitude,
        None if l5 is None else (l5 - NOON) % 1440 / 60,
        None if m10 is None else m10 / 60,
    )
    return {n: np.nan if v is None else v for n, v in zip(SIX, values, strict=True)}


def out_of_fold(
    features: Floats, labels: Mask, people: NDArray[Any], folds: int = FOLDS, seed: int = SEED
) -> Floats | None:
    """Logistic regression's probability of each row, from folds that do not hold its person.

    ``features`` (n, m) may hold NaN. None where a class has fewer people than two folds need.
    """
    of_class = [len(np.unique(people[labels == label])) for label in (False, True)]
    folds = min(folds, *of_class)
    if folds < 2:
        return None
    found = np.full(len(labels), np.nan)
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for train, test in splits.split(features, labels, people):
        if len(np.unique(labels[train])) < 2:
            return None
        found[test] = fitted_logistic(features[train], labels[train]).predict_proba(features[test])[
            :, 1
        ]
    return found


def fitted_logistic(features: Floats, labels: Mask) -> Pipeline:
    """Median for what is missing, unit variance, L2 of 1: nothing is tuned."""
    steps = (
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(),
    )
    return make_pipeline(*steps).fit(features, labels)
