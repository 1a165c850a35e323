"""The calibrator of the two tracks' combination: what share of such days was one of either pole."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.domain.calibration import IsotonicCalibrator
from scoring.domain.early_warning import EarlyWarning
from scoring.domain.router import Antidepressant, decide
from scoring.domain.rules import RouterRules
from scoring.domain.types import TrackOutput
from scoring.engines.artifacts import Artifact
from scoring.engines.models import COMBINATION, FITTED_FOR
from scoring.learning.calibrate import TooFewPositives, calibrator_of
from scoring.learning.fit import artifact
from scoring.learning.outcome import calibration

FILE, KIND = "combination.json", "calibrator"
ANY_DAY = date(2025, 1, 6)
Floats = NDArray[np.float64]


def fitted(
    learns: pd.DataFrame,
    learns_worn: pd.Series,
    unseen: pd.DataFrame,
    unseen_worn: pd.Series,
    folder: Path,
    rules: RouterRules,
    seed: int,
    pair: Mapping[str, str],
) -> list[Artifact]:
    """Isotonic regression of "PHQ-8 of 10 or more, mania or hypomania" on the router's weighted
    mean, without medication; on the days on which both tracks gave a number.

    Rows are those of a table of person-days, ``worn`` the share of the week worn; ``pair`` is the
    hash of each track's model, of which it holds. An empty list
    where there are too few positives: the router then keeps the mean as it is.
    """
    raw, labels, people = _combined(learns, learns_worn, rules)
    try:
        calibrate = calibrator_of(labels, raw, people)
    except TooFewPositives:
        return []
    raw, labels, people = _combined(unseen, unseen_worn, rules)
    told = _combined(unseen, unseen_worn, rules, calibrate)[0]
    path = folder / FILE
    path.write_text(json.dumps(calibrate.as_dict(), indent=1) + "\n", "utf-8")
    training: dict[str, Any] = {
        "seed": seed,
        "people": int(learns["person"].nunique()),
        "label": "PHQ-8 >= 10, mania or hypomania on the scored day",
        FITTED_FOR: dict(pair),
    }
    metrics = {"n": len(labels), "people": len(np.unique(people))}
    metrics |= calibration(labels > 0, told)
    metrics["ece_of_the_mean"] = calibration(labels > 0, raw)["ece"]
    return [artifact(path, COMBINATION, KIND, training, metrics)]


def _combined(
    days: pd.DataFrame,
    worn: pd.Series,
    rules: RouterRules,
    calibrate: IsotonicCalibrator | None = None,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    both = days["p_depression"].notna().to_numpy()
    rows, share = days[both], worn[both]
    mania = np.minimum(rows["p_mania"] + rows["p_hypomania"], 1.0)
    raw = [
        _weighted(float(d), float(m), float(w), rules, calibrate)
        for d, m, w in zip(rows["p_depression"], mania, share, strict=True)
    ]
    named = ["label_depression", "label_mania", "label_hypomania"]
    labels = np.array(rows[named].any(axis=1), dtype=np.float64)
    return np.array(raw), labels, np.array(rows["person"], dtype=np.int64)


def _weighted(
    depression: float,
    mania: float,
    worn: float,
    rules: RouterRules,
    calibrate: IsotonicCalibrator | None,
) -> float:
    decision = decide(
        ANY_DAY,
        TrackOutput("ok", None, depression, worn),
        TrackOutput("ok", None, mania, 1.0),
        Antidepressant.NONE,
        EarlyWarning(None, ()),
        rules,
        calibrate,
    )
    assert decision.probability is not None
    return decision.probability
