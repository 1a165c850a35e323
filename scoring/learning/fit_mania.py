"""The mania track's two boosters: searched, trained and calibrated on person-days."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from tqdm import tqdm

from scoring.domain.calibration import IsotonicCalibrator
from scoring.domain.vector_names import BODY_VECTOR_NAMES, VECTOR_NAMES
from scoring.engines.artifacts import Artifact
from scoring.learning.calibrate import calibrator_of, check_positives
from scoring.learning.cohort import PersonDays
from scoring.learning.fit import artifact, folds_of
from scoring.learning.people import HYPOMANIA, MANIA

Floats = NDArray[np.float64]
NAMES = VECTOR_NAMES + BODY_VECTOR_NAMES
KINDS = {"mania": MANIA, "hypomania": HYPOMANIA}
# Less need of sleep is a criterion of both (DSM-5), so less sleep than usual never lowers either.
# An earlier phase raises mania (Lim et al. 2024); hypomania shows no direction there.
FALLING = {
    "mania": ("ST_long_Zscore", "Sleep_percentage_Zscore", "Circadian_phase_Zscore"),
    "hypomania": ("ST_long_Zscore", "Sleep_percentage_Zscore"),
}
SEARCHED = {
    "max_depth": (3, 4, 6),
    "min_child_weight": (5.0, 20.0),
    "colsample_bytree": (0.3, 0.6),
    "subsample": (0.6, 0.8),
    "reg_lambda": (1.0, 10.0),
    "positive_weight_power": (0.0, 0.5),  # scale_pos_weight = (negatives / positives) ** power
}
TRIALS, MOST_ROUNDS, PATIENCE = 8, 600, 30


@dataclass(frozen=True)
class Searched:
    """The best settings, their trees, the out-of-fold outputs (n,) and every trial's figure."""

    settings: dict[str, Any]
    rounds: int
    out_of_fold: Floats
    trials: list[dict[str, Any]]


def fit_mania(
    days: PersonDays, natural: Floats, folder: Path, seed: int, trials: int = TRIALS
) -> list[Artifact]:
    """Train both boosters on all people; calibrate each on outputs from the folds.

    ``natural`` (4,) is the share of days in each kind of episode where none are enriched: the
    calibrators are fitted for that. Metrics are left empty for people never seen.
    """
    of_kind = {name: (days.kinds == kind).astype(np.float64) for name, kind in KINDS.items()}
    for labels in of_kind.values():
        check_positives(labels, days.people)  # before the search, not after
    made, weights = [], natural_weights(days.kinds, natural)
    for name, labels in of_kind.items():
        found = search(days, labels, name, seed, trials)
        calibrator = calibrator_of(labels, found.out_of_fold, days.people, weights)
        booster = boosted(days.inputs, labels, name, found.settings, found.rounds, seed)
        path = folder / f"boosted_{name}.json"
        booster.save_model(path)
        made.append(
            artifact(path, name, "booster", _training(days, found, calibrator, name, seed), {})
        )
    return made


def boosted(
    inputs: Floats,
    labels: Floats,
    name: str,
    settings: dict[str, Any],
    rounds: int,
    seed: int,
) -> xgb.Booster:
    """So many trees of these settings on rows (n, 51); ``name`` is mania or hypomania."""
    parameters = _parameters(settings, labels, name, seed)
    return xgb.train(parameters, _matrix(inputs, labels), num_boost_round=rounds)


def natural_weights(kinds: NDArray[np.int8], natural: Floats) -> Floats:
    """Weights (n,) under which every kind of episode has its natural share (4,) of the rows.

    Of every kind, not of the one to be told alone: enriched hypomania among mania's negatives
    would make mania look rarer, where the two look alike, than it is.
    """
    seen = np.bincount(kinds, minlength=len(natural)) / len(kinds)
    return np.divide(natural, seen, out=np.zeros(len(natural)), where=seen > 0)[kinds]


def search(days: PersonDays, labels: Floats, name: str, seed: int, trials: int) -> Searched:
    """Random settings, each by person-grouped cross-validation with early stopping.

    The best average precision wins: of a rare class, the top of the list is what matters.
    """
    rng = np.random.default_rng(seed)
    folds, best, tried = folds_of(days.people, seed), None, []
    for _ in range(trials):
        settings = {key: values[rng.integers(len(values))] for key, values in SEARCHED.items()}
        outputs, rounds = _cross_validated(days.inputs, labels, folds, settings, name, seed)
        figure = float(average_precision_score(labels, outputs))
        tried.append(settings | {"rounds": rounds, "average_precision": round(figure, 4)})
        tqdm.write(f"{name}: {tried[-1]}")
        if best is None or figure > best[0]:
            best = (figure, Searched(settings, rounds, outputs, tried))
    assert best is not None
    return best[1]


def _cross_validated(
    inputs: Floats,
    labels: Floats,
    folds: NDArray[np.int64],
    settings: dict[str, Any],
    name: str,
    seed: int,
) -> tuple[Floats, int]:
    outputs, rounds = np.empty(len(labels)), []
    for fold in np.unique(folds):
        rest, out = folds != fold, folds == fold
        held = _matrix(inputs[out], labels[out])
        booster = xgb.train(
            _parameters(settings, labels[rest], name, seed),
            _matrix(inputs[rest], labels[rest]),
            num_boost_round=MOST_ROUNDS,
            evals=[(held, "held_out")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        rounds.append(booster.best_iteration + 1)
        outputs[out] = booster.predict(held, iteration_range=(0, rounds[-1]))
    return outputs, int(np.median(rounds))


def _parameters(settings: dict[str, Any], labels: Floats, name: str, seed: int) -> dict[str, Any]:
    chosen = dict(settings)
    power = chosen.pop("positive_weight_power")
    return chosen | {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "eta": 0.05,
        "tree_method": "hist",
        "scale_pos_weight": float(((1 - labels.mean()) / labels.mean()) ** power),
        "monotone_constraints": "(" + ",".join(_directions(name)) + ")",
        "seed": seed,
        "nthread": 2,
    }


def _directions(name: str) -> Sequence[str]:
    return ["-1" if column in FALLING[name] else "0" for column in NAMES]


def _matrix(inputs: Floats, labels: Floats) -> xgb.DMatrix:
    return xgb.DMatrix(inputs, labels, feature_names=list(NAMES))


def _training(
    days: PersonDays, found: Searched, calibrator: IsotonicCalibrator, name: str, seed: int
) -> dict[str, Any]:
    return {
        "seed": seed,
        "people": len(days.members),
        "days": int(len(days.kinds)),
        "episode_days": int((days.kinds == KINDS[name]).sum()),
        "trees": found.rounds,
        "settings": found.settings,
        "trials": found.trials,
        "falling_in": list(FALLING[name]),
        "calibrator": calibrator.as_dict(),
        "calibrated_on": "outputs of person-grouped folds, "
        "every kind of episode weighted to its natural share",
        "label": f"simulated {name} on the scored day",
    }
