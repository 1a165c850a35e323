"""A booster as somebody gives it (JSON, UBJ or the published pickle) made Clarity's own JSON."""

import math
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines import booster_child
from scoring.engines.booster_json import checked_model
from scoring.engines.closed_pickle import BOOSTER, BYTES, CLASSIFIER, SCALAR, Made, read_pickle
from scoring.engines.given_file import GivenFile, read_given, shown

MOST_BYTES = 32 << 20  # the published files have 1.6 and 3.3 MB
SECONDS = 120  # for reading one file, on a busy machine
WANTED = "an XGBoost model as .json or .ubj, or the published .pkl"
PROBE_ROWS = 500


@dataclass(frozen=True)
class ReadBooster:
    """A booster that has been read: itself, its JSON, and the file it came from."""

    given: GivenFile
    booster: xgb.Booster
    json: bytes
    trees: int

    def predict(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the uncalibrated probability of each row of `vectors`, (n, 36), NaN missing."""
        return _predict(self.booster, vectors)


def read_booster(path: Path) -> ReadBooster:
    """Read a booster, whichever way it is written, and turn it into JSON without loss.

    A pickle is read as data (`closed_pickle`); XGBoost meets the bytes in another process first
    and its trees are checked (`booster_json`) before this process loads them. Raises InputError
    for what is no booster of the 36 features, naming the class or the field.
    """
    given = read_given(path, MOST_BYTES, WANTED)
    is_model = given.data.lstrip()[:1] == b"{"  # so begin JSON and UBJ, and no pickle
    data = given.data if is_model else _snapshot(given)
    model = checked_model(given.name, _json_of(given, data, is_model))
    _check_rounds(given, model["learner"])
    original = _loaded(data, is_model)
    text = bytes(original.save_raw("json"))
    booster = _loaded(text, is_model=True)
    if not np.array_equal(_predict(original, _probe()), _predict(booster, _probe())):
        raise InputError(f"{given.name} gives other numbers once saved as JSON; give {WANTED}.")
    return ReadBooster(given, booster, text, booster.num_boosted_rounds())


def _snapshot(given: GivenFile) -> bytes:
    """The bytes that the pickled booster keeps its native model in."""
    made = read_pickle(given)
    if _is(made, CLASSIFIER) and isinstance(made.state, dict):
        _check_classifier(given, made.state)
        made = made.state.get("_Booster")
    handle = made.state.get("handle") if _is(made, BOOSTER) and type(made.state) is dict else None
    if _is(handle, BYTES) and len(handle.arguments) == 1:
        handle = handle.arguments[0]
    if not isinstance(handle, bytes | bytearray) or not handle:
        raise InputError(f"{given.name} holds no trained XGBClassifier or Booster; give {WANTED}.")
    return bytes(handle)


def _is(made: Any, name: str) -> TypeGuard[Made]:
    return isinstance(made, Made) and made.name == name


def _check_classifier(given: GivenFile, state: dict[str, Any]) -> None:
    """What the classifier does around its booster must be what Clarity does."""
    if "missing" in state and not _is_nan(state["missing"]):
        raise InputError(
            f"{given.name} takes another value than NaN as missing; give a model trained with "
            "missing values as NaN."
        )
    if state.get("n_classes_", 2) != 2:
        raise InputError(f"{given.name} has not two classes; give a binary classifier.")


def _is_nan(value: Any) -> bool:
    if _is(value, SCALAR) and len(value.arguments) == 2:
        raw = value.arguments[1]
        if type(raw) is not bytes or len(raw) not in (4, 8):
            return False
        value = float(np.frombuffer(raw, f"<f{len(raw)}")[0])
    return type(value) is float and math.isnan(value)


def _json_of(given: GivenFile, data: bytes, is_model: bool) -> bytes:
    """The model as JSON, by way of a process of its own."""
    command = [sys.executable, "-I", booster_child.__file__]
    try:
        child = subprocess.run(
            command if is_model else [*command, "snapshot"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1"},
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{given.name} takes too long to read; give {WANTED}.") from error
    if child.returncode or not child.stdout:
        raise InputError(f"{given.name} cannot be read as an XGBoost model; give {WANTED}.")
    return child.stdout


def _loaded(data: bytes, is_model: bool) -> xgb.Booster:
    """A booster of bytes that the child has read and whose trees are checked."""
    booster = xgb.Booster()
    with warnings.catch_warnings(), xgb.config_context(verbosity=0):
        warnings.simplefilter("ignore")  # of an older version's pickle: what matters is compared
        if is_model:
            booster.load_model(bytearray(data))
        else:
            booster.__setstate__({"handle": bytearray(data)})
        booster.set_param({"nthread": 1, "device": "cpu"})
    return booster


def _check_rounds(given: GivenFile, learner: dict[str, Any]) -> None:
    """A classifier predicts with the trees up to its best one, a booster with all."""
    best = str(learner.get("attributes", {}).get("best_iteration", ""))
    rounds = len(learner["gradient_booster"]["model"]["iteration_indptr"]) - 1
    if best and best != str(rounds - 1):
        raise InputError(
            f"{given.name} has {rounds} rounds of trees and uses those up to {shown(best)}; give "
            "a booster of those alone, as .json or .ubj."
        )


def _predict(booster: xgb.Booster, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    if len(vectors) == 0:
        return np.empty(0, np.float32)
    matrix = xgb.DMatrix(vectors, feature_names=list(VECTOR_NAMES), nthread=1)
    probabilities: NDArray[np.float32] = booster.predict(matrix)
    return probabilities


def _probe() -> NDArray[np.float32]:
    """Vectors of many sizes with missing values, the last with nothing known, (500, 36)."""
    rng = np.random.default_rng(36)
    shape = (PROBE_ROWS, len(VECTOR_NAMES))
    vectors = rng.normal(0, rng.choice([0.1, 1, 5, 30], shape)).astype(np.float32)
    vectors[rng.random(shape) < 0.2] = np.nan
    vectors[-1] = np.nan
    return vectors
