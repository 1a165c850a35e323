"""How well the same models do when they are fitted again on a part of a table's person-days.

By fold, on other people; by calendar, on earlier days. Boosters are trained anew with the shipped
settings. PAT is fine-tuned from the shipped weights: from nothing it needs far more weeks than a
table has.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.domain.types import Floats, Mask
from scoring.engines.models import Models
from scoring.learning.cohort import PHQ8_CUTOFF, PersonDays
from scoring.learning.evaluate import FEW_ROUNDS, FOLDS, later_days
from scoring.learning.fit import folds_of
from scoring.learning.fit_mania import KINDS, boosted
from scoring.learning.outcome import Measured, discrimination

SEED = 0
WEEKS_EVERY = 10  # days: weeks of neighbouring days are nearly the same

Refit = Callable[[Mask, Mask], Floats]  # rows to learn from, rows to tell of: outputs of these


def refitted(days: PersonDays, models: Models) -> dict[str, dict[str, Measured]]:
    """Discrimination of the refitted models, by outcome and by what they were not fitted on.

    A fold whose other people hold no positive is left out, as are all of an outcome whose
    shipped model was not fitted here.
    """
    found = {}
    for name, kind in KINDS.items():
        labels = days.kinds == kind
        training = models.facts("mania").facts[name]["training"]
        if {"settings", "trees"} <= training.keys():
            refit = partial(_boosted, days.inputs, labels, name, training)
            found[name] = _measured(refit, labels, days.people, days.days)
    some = np.flatnonzero(days.days[days.week_rows] % WEEKS_EVERY == 0)
    at = days.week_rows[some]
    labels = days.phq8[at] >= PHQ8_CUTOFF
    tune = partial(_tuned, days.weeks[some], labels, models)
    found["depression"] = _measured(tune, labels, days.people[at], days.days[at])
    return found


def _measured(
    refit: Refit, labels: Mask, people: NDArray[np.int64], days: NDArray[np.int64]
) -> dict[str, Measured]:
    folds = folds_of(people, SEED, FOLDS)
    parts = {f"fifth {f + 1} of the people": folds == f for f in range(FOLDS)}
    parts["later days"] = later_days(days)
    return {
        name: discrimination(labels[out], refit(~out, out), people[out], FEW_ROUNDS)
        for name, out in parts.items()
        if len(np.unique(labels[~out])) == 2 and out.any()
    }


def _boosted(
    inputs: Floats, labels: Mask, name: str, training: dict[str, Any], learn: Mask, out: Mask
) -> Floats:
    booster = boosted(
        inputs[learn], labels[learn].astype(np.float64), name, training["settings"],
        training["trees"], SEED,
    )  # fmt: skip
    told = xgb.DMatrix(inputs[out], feature_names=booster.feature_names)
    return booster.predict(told).astype(np.float64)


def _tuned(
    weeks: NDArray[np.float16], labels: Mask, models: Models, learn: Mask, out: Mask
) -> Floats:
    from scoring.learning.fit_depression import fine_tuned

    weights, size = models.depression_weights
    model = fine_tuned(weights, size, weeks[learn], labels[learn], SEED)
    told = model.predict(weeks[out].astype(np.float32), batch_size=32, verbose=0)
    return np.asarray(told, dtype=np.float64).ravel()
