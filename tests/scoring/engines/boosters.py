"""Tiny classifiers of the 36 features, and pickles that are not what they seem."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

from scoring.domain.vector_names import VECTOR_NAMES


def frame(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Vectors under their names, a tenth of the values missing."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, len(VECTOR_NAMES)))
    values[rng.random(values.shape) < 0.1] = np.nan
    return pd.DataFrame(values, columns=list(VECTOR_NAMES))


def classifier(seed: int = 0, **settings: Any) -> xgb.XGBClassifier:
    """A trained XGBClassifier with the settings that the published ones have, but small."""
    vectors = frame(seed=seed)
    labels = (vectors.iloc[:, seed].fillna(0) + vectors.iloc[:, 5].fillna(0) > 0.2).astype(int)
    given = {
        "n_estimators": 12,
        "max_depth": np.int64(4),
        "learning_rate": np.float64(0.3),
        "gamma": 0.5,
        "tree_method": "exact",  # prunes, so that deleted nodes stay in the file
        "n_jobs": 1,
    }
    return xgb.XGBClassifier(**given | settings).fit(vectors, labels)


def pickled(path: Path, model: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(model, protocol))
    return path


def old_numpy(path: Path, model: Any) -> Path:
    """A pickle that names NumPy's core as NumPy 1 did, as the published files do."""
    data = pickle.dumps(model, 3)
    assert b"numpy._core" in data
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    return path


class Calls:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def changed_json(path: Path, model: xgb.XGBClassifier, change: Callable[[Any], None]) -> Path:
    """The booster's JSON with a change made to it."""
    content = json.loads(bytes(model.get_booster().save_raw("json")))
    change(content)
    path.write_text(json.dumps(content))
    return path
