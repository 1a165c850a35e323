"""Boosters as somebody gives them: JSON, UBJ and pickles, read alike; crafted ones refused."""

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from patients.domain.errors import InputError
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.booster_file import read_booster
from tests.scoring.engines.boosters import (
    Calls,
    changed_json,
    classifier,
    frame,
    old_numpy,
    pickled,
)


@pytest.fixture(scope="module")
def model() -> xgb.XGBClassifier:
    return classifier()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_booster(path)
    message = str(refused.value)
    assert message.startswith(path.name) and "\n" not in message and len(message) < 400
    return message


def write(path: Path, model: xgb.XGBClassifier) -> Path:
    """As the name's ending says."""
    if path.suffix == ".pkl":
        return pickled(path, model)
    model.save_model(path)
    return path


@pytest.mark.parametrize("name", ["me.json", "me.ubj", "me.pkl"])
def test_every_format_predicts_as_the_classifier_itself(
    name: str, tmp_path: Path, model: xgb.XGBClassifier
) -> None:
    read = read_booster(write(tmp_path / name, model))
    vectors = frame(seed=9)
    expected = model.predict_proba(vectors)[:, 1]
    assert np.ptp(expected) > 0.3
    np.testing.assert_array_equal(read.predict(vectors.to_numpy()), expected)
    assert read.trees == 12
    stored = xgb.Booster(model_file=bytearray(read.json))
    assert stored.feature_names == list(VECTOR_NAMES)
    matrix = xgb.DMatrix(vectors)
    np.testing.assert_array_equal(stored.predict(matrix), expected)


def test_formats_give_the_same_json(tmp_path: Path, model: xgb.XGBClassifier) -> None:
    texts = {read_booster(write(tmp_path / f"m{end}", model)).json for end in (".json", ".ubj")}
    assert len(texts) == 1


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pickles_of_every_protocol(protocol: int, tmp_path: Path, model: xgb.XGBClassifier) -> None:
    assert read_booster(pickled(tmp_path / "m.pkl", model, protocol)).trees == 12


def test_numpys_old_module_names_are_taken(tmp_path: Path, model: xgb.XGBClassifier) -> None:
    assert read_booster(old_numpy(tmp_path / "m.pkl", model)).trees == 12


def test_a_pickled_booster_alone_is_taken(tmp_path: Path, model: xgb.XGBClassifier) -> None:
    assert read_booster(pickled(tmp_path / "m.pkl", model.get_booster())).trees == 12


def test_missing_as_a_numpy_nan_is_taken(tmp_path: Path) -> None:
    model = classifier(missing=np.float64("nan"))
    assert read_booster(pickled(tmp_path / "m.pkl", model)).trees == 12


def test_another_missing_value_is_refused(tmp_path: Path) -> None:
    model = classifier(missing=-1.0)
    assert "missing" in refusal(pickled(tmp_path / "m.pkl", model))


def test_a_classifier_that_uses_fewer_trees_than_it_has_is_refused(tmp_path: Path) -> None:
    vectors = frame(seed=3)
    labels = np.random.default_rng(3).integers(0, 2, len(vectors))
    model = xgb.XGBClassifier(n_estimators=40, early_stopping_rounds=2, n_jobs=1)
    known = (frame().iloc[:, 0].fillna(0) > 0).astype(int)
    model.fit(frame(), known, eval_set=[(vectors, labels)], verbose=False)
    assert "collections.OrderedDict" in refusal(pickled(tmp_path / "m.pkl", model))
    del model.evals_result_
    rounds = model.get_booster().num_boosted_rounds()
    message = refusal(pickled(tmp_path / "m.pkl", model))
    assert f"has {rounds} rounds of trees and uses those up to {model.best_iteration};" in message
    model.save_model(tmp_path / "m.json")
    assert f"uses those up to {model.best_iteration};" in refusal(tmp_path / "m.json")
    model.get_booster()[: model.best_iteration + 1].save_model(tmp_path / "cut.json")
    assert read_booster(tmp_path / "cut.json").trees == model.best_iteration + 1


def test_a_classifier_that_was_not_trained_is_refused(tmp_path: Path) -> None:
    assert "no trained XGBClassifier" in refusal(pickled(tmp_path / "m.pkl", xgb.XGBClassifier()))


@pytest.mark.parametrize("value", [1, "text", {"_Booster": b"x"}, [1]])
def test_a_pickle_of_something_else_is_refused(value: Any, tmp_path: Path) -> None:
    assert "no trained XGBClassifier" in refusal(pickled(tmp_path / "m.pkl", value))


def test_a_regressor_is_refused_by_its_class(tmp_path: Path) -> None:
    model = xgb.XGBRegressor(n_estimators=1).fit(frame(50), np.arange(50))
    assert "xgboost.sklearn.XGBRegressor" in refusal(pickled(tmp_path / "m.pkl", model))


def test_a_payload_in_a_classifier_is_refused_by_its_class(
    tmp_path: Path, model: xgb.XGBClassifier
) -> None:
    made = tmp_path / "made"
    spoiled = classifier()
    spoiled.callbacks = [Calls(os.system, f"touch {made}")]
    assert "os.system" in refusal(pickled(tmp_path / "m.pkl", spoiled))
    assert not made.exists()


def test_a_pickle_with_the_ending_of_json_is_read_as_a_pickle(tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = pickled(tmp_path / "m.json", Calls(os.system, f"touch {made}"))
    assert "os.system" in refusal(path) and not made.exists()


def test_a_circle_of_nodes_is_refused_before_it_is_walked(
    tmp_path: Path, model: xgb.XGBClassifier
) -> None:
    def circle(content: Any) -> None:
        tree = content["learner"]["gradient_booster"]["model"]["trees"][3]
        split = max(n for n, left in enumerate(tree["left_children"]) if left > 0)
        tree["left_children"][split] = 0

    assert "no tree in tree 3" in refusal(changed_json(tmp_path / "m.json", model, circle))
    changed_json(tmp_path / "m.json", model, lambda content: None)
    assert read_booster(tmp_path / "m.json").trees == 12


@pytest.mark.parametrize("booster", ["dart", "gblinear"])
def test_another_kind_of_booster_is_refused(booster: str, tmp_path: Path) -> None:
    model = xgb.XGBClassifier(n_estimators=2, booster=booster)
    model.fit(frame(100).fillna(0), np.arange(100) % 2)
    assert f"is a {booster} and not a gbtree" in refusal(pickled(tmp_path / "m.pkl", model))


def test_three_classes_are_refused(tmp_path: Path) -> None:
    model = xgb.XGBClassifier(n_estimators=2).fit(frame(90), np.arange(90) % 3)
    assert "not two classes" in refusal(pickled(tmp_path / "m.pkl", model))
    model.save_model(tmp_path / "m.ubj")
    assert "multi:softprob" in refusal(tmp_path / "m.ubj")


CRASHES = {
    "nothing": b"",
    "garbage": bytes(100),
    "an open object": b"{",
    "an empty object": b"{}",
    "lists in lists, JSON": b'{"a":' + b"[" * 3_000_000,
    "lists in lists, UBJ": b"{L" + struct.pack(">q", 1) + b"a" + b"[" * 3_000_000,
    "a list of a terabyte": b"{L" + struct.pack(">q", 1) + b"a[$d#L" + struct.pack(">q", 1 << 40),
}


@pytest.mark.parametrize("data", CRASHES.values(), ids=CRASHES)
def test_what_ends_xgboosts_own_process_does_not_end_this_one(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.ubj").write_bytes(data)
    assert "XGBoost model" in refusal(tmp_path / "m.ubj")


def test_garbage_within_a_good_pickle_is_refused(tmp_path: Path, model: xgb.XGBClassifier) -> None:
    data = pickle.dumps(model)
    start = data.index(b"{L") + 60
    (tmp_path / "m.pkl").write_bytes(data[:start] + b"\xff" * 400 + data[start + 400 :])
    assert "cannot be read as an XGBoost model" in refusal(tmp_path / "m.pkl")


@pytest.mark.parametrize(("name", "share"), [("m.json", 0.3), ("m.ubj", 0.99), ("m.pkl", 0.9)])
def test_a_truncated_file_is_refused(
    name: str, share: float, tmp_path: Path, model: xgb.XGBClassifier
) -> None:
    path = write(tmp_path / name, model)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refusal(path)


def test_absent_large_and_odd_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: xgb.XGBClassifier
) -> None:
    assert "no such file" in refusal(tmp_path / "none.pkl")
    (tmp_path / "dir.h5").mkdir()
    assert "it is a folder; give" in refusal(tmp_path / "dir.h5")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate((32 << 20) + 1)
    assert "larger than 32 MiB" in refusal(tmp_path / "large.json")
