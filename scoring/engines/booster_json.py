"""A booster's JSON checked before native code walks its trees.

XGBoost follows child numbers without asking: a wrong one reads foreign memory, a circle never
ends. So every number that it will follow is looked at here first.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.given_file import shown
from scoring.engines.mania import OBJECTIVE, check_names

MOST_TREES = 10_000  # the published ones have 648 and 987
MOST_NODES = 2_000_000  # in all trees
LEAF = -1


def checked_model(file: str, text: bytes) -> dict[str, Any]:
    """Return the model of a booster for the 36 features, as XGBoost wrote it, checked.

    Raises InputError naming what differs: the features, the objective, the kind of booster, or
    a tree that is none. `file` is the name that messages use.
    """
    try:
        model: dict[str, Any] = json.loads(text, parse_constant=_no_constant)
        learner = model["learner"]
        check_names(file, [shown(str(name)) for name in learner["feature_names"]])
        fault = _learner_fault(learner) or _trees_fault(learner["gradient_booster"]["model"])
    except InputError:
        raise
    except _NotFinite:
        fault = "holds a number that is not finite"
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        fault = "is not laid out as a booster"
    if fault:
        raise InputError(f"{file} {fault}; give an unchanged {OBJECTIVE} booster of trees.")
    return model


class _NotFinite(ValueError):
    """NaN or Infinity in the JSON."""


def _no_constant(name: str) -> float:
    raise _NotFinite(name)


def _learner_fault(learner: dict[str, Any]) -> str:
    objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
    if objective != OBJECTIVE:
        return f"was trained for {shown(str(objective))}"
    if kind != "gbtree":
        return f"is a {shown(str(kind))} and not a gbtree booster"
    parameters = learner["learner_model_param"]
    expected = {"num_feature": str(len(VECTOR_NAMES)), "num_class": "0", "num_target": "1"}
    for name, wanted in expected.items():
        if parameters[name] != wanted:
            return f"has {name} {shown(str(parameters[name]))} instead of {wanted}"
    return "" if 0 < float(parameters["base_score"].strip("[]")) < 1 else "has no base score"


def _trees_fault(model: dict[str, Any]) -> str:
    trees = model["trees"]
    if not 1 <= len(trees) <= MOST_TREES:
        return f"has {len(trees)} trees instead of 1 to {MOST_TREES}"
    if any(model["tree_info"]) or len(model["tree_info"]) != len(trees):
        return "has trees for more than one output"
    rounds = _whole(model["iteration_indptr"])
    if (rounds[:1] != 0).any() or (np.diff(rounds) < 1).any() or rounds[-1] != len(trees):
        return "has rounds that do not count its trees"
    if any(model.get("cats", {}).values()):
        return "has categories"
    if sum(len(tree["left_children"]) for tree in trees) > MOST_NODES:
        return f"has more than {MOST_NODES} nodes"
    faults = (f"has {fault} in tree {n}" for n, tree in enumerate(trees) if (fault := _fault(tree)))
    return next(faults, "")


def _fault(tree: dict[str, Any]) -> str:
    """Say what is wrong with one tree, or nothing."""
    left, right = (_whole(tree[side]) for side in ("left_children", "right_children"))
    features, values = _whole(tree["split_indices"]), np.array(tree["split_conditions"], float)
    if not len(left) or len({len(left), len(right), len(features), len(values)}) != 1:
        return "arrays of different lengths"
    if not np.isfinite(values).all():
        return "a number that is not finite"
    if any(tree.get("split_type", ())):
        return "a split by category"
    if tree["tree_param"]["size_leaf_vector"] not in ("0", "1"):
        return "leaves of more than one value"
    splits = left != LEAF
    if not ((features[splits] >= 0) & (features[splits] < len(VECTOR_NAMES))).all():
        return "a split by an unknown feature"
    return "" if _is_tree(left, right, splits) else "nodes that are no tree"


def _is_tree(left: NDArray[np.int64], right: NDArray[np.int64], splits: NDArray[np.bool_]) -> bool:
    """Whether every split has two children and no node is the child of two: then no circle can
    be reached from the root, which is the child of none."""
    if (right[~splits] != LEAF).any():
        return False
    children = np.concatenate([left[splits], right[splits]])
    inside = ((children > 0) & (children < len(left))).all()
    return bool(inside) and len(np.unique(children)) == len(children)


def _whole(numbers: list[int]) -> NDArray[np.int64]:
    if not all(type(number) is int for number in numbers):
        raise TypeError("a node's number is no whole number")
    return np.array(numbers, np.int64)
