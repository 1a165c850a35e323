"""A booster's JSON is looked through before native code walks its trees."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from patients.domain.errors import InputError
from scoring.engines.booster_json import checked_model
from tests.scoring.engines.boosters import classifier


@pytest.fixture(scope="module")
def content() -> Any:
    return json.loads(bytes(classifier().get_booster().save_raw("json")))


def trees(content: Any) -> list[Any]:
    found: list[Any] = content["learner"]["gradient_booster"]["model"]["trees"]
    return found


def test_a_booster_with_pruned_nodes_is_taken(content: Any) -> None:
    assert sum(int(tree["tree_param"]["num_deleted"]) for tree in trees(content)) > 0
    assert checked_model("m.json", json.dumps(content).encode()) == content


def swap(content: Any) -> None:
    names = content["learner"]["feature_names"]
    names[1], names[2] = names[2], names[1]


def shorten(content: Any) -> None:
    content["learner"]["feature_names"].pop()


def objective(content: Any) -> None:
    content["learner"]["objective"] = {"name": "reg:squarederror", "reg_loss_param": {}}


def circle(content: Any) -> None:
    tree = trees(content)[3]
    split = max(n for n, left in enumerate(tree["left_children"]) if left > 0)
    tree["left_children"][split] = 0


def shared_child(content: Any) -> None:
    tree = trees(content)[0]
    tree["right_children"][0] = tree["left_children"][0]


def foreign_child(content: Any) -> None:
    trees(content)[0]["left_children"][0] = 1_000_000


def foreign_feature(content: Any) -> None:
    trees(content)[0]["split_indices"][0] = 36


def infinite(content: Any) -> None:
    trees(content)[0]["split_conditions"][0] = float("inf")


def no_trees(content: Any) -> None:
    model = content["learner"]["gradient_booster"]["model"]
    model |= {"trees": [], "tree_info": [], "iteration_indptr": [0]}
    model["gbtree_model_param"]["num_trees"] = "0"


def longer(content: Any) -> None:
    trees(content)[2]["split_conditions"].append(0.5)


def by_category(content: Any) -> None:
    trees(content)[2]["split_type"][0] = 1


def half_a_split(content: Any) -> None:
    tree = trees(content)[1]
    tree["right_children"][tree["left_children"].index(-1)] = 1


def a_part_of_a_number(content: Any) -> None:
    trees(content)[0]["left_children"][0] = 1.5


def two_outputs(content: Any) -> None:
    content["learner"]["gradient_booster"]["model"]["tree_info"][0] = 1


def rounds(content: Any) -> None:
    content["learner"]["gradient_booster"]["model"]["iteration_indptr"][-1] = 99


def more_features(content: Any) -> None:
    content["learner"]["learner_model_param"]["num_feature"] = "40"


def forest_of_weights(content: Any) -> None:
    content["learner"]["gradient_booster"]["name"] = "dart"


def base(content: Any) -> None:
    content["learner"]["learner_model_param"]["base_score"] = "[5E-1,5E-1]"


def empty(content: Any) -> None:
    content.clear()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (swap, "has ST_long_Zscore where feature 2 must be ST_long_SD"),
        (shorten, "names 35 features"),
        (objective, "trained for reg:squarederror"),
        (forest_of_weights, "is a dart and not a gbtree"),
        (more_features, "has num_feature 40 instead of 36"),
        (base, "laid out"),
        (circle, "nodes that are no tree in tree 3"),
        (shared_child, "nodes that are no tree in tree 0"),
        (foreign_child, "nodes that are no tree in tree 0"),
        (half_a_split, "nodes that are no tree in tree 1"),
        (a_part_of_a_number, "laid out"),
        (longer, "arrays of different lengths in tree 2"),
        (by_category, "a split by category in tree 2"),
        (foreign_feature, "unknown feature in tree 0"),
        (infinite, "not finite"),
        (no_trees, "has 0 trees"),
        (two_outputs, "more than one output"),
        (rounds, "rounds that do not count its trees"),
        (empty, "laid out"),
    ],
)
def test_a_changed_booster_is_refused_by_what_differs(
    change: Callable[[Any], None], named: str, content: Any
) -> None:
    changed = deepcopy(content)
    change(changed)
    with pytest.raises(InputError, match=r"^m\.json ") as refused:
        checked_model("m.json", json.dumps(changed).encode())
    assert named in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"\xff", b'{"learner": 1}', b"[" * 100_000])
def test_what_is_no_booster_is_refused(text: bytes) -> None:
    with pytest.raises(InputError, match="is not laid out as a booster"):
        checked_model("m.json", text)
