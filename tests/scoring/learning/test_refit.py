"""Models fitted again: nothing of who is told of may reach who is learned from."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.domain.vector_names import OWN_VECTOR_NAMES
from scoring.engines.models import load_models
from scoring.learning.cohort import PersonDays
from scoring.learning.fit import folds_of
from scoring.learning.people import HYPOMANIA, MANIA
from scoring.learning.refit import FOLDS, SEED, refitted
from scoring.resources import ARTIFACTS

PEOPLE, DAYS = 60, 40


@pytest.fixture(scope="module")
def days() -> PersonDays:
    """Mania shows in a column; hypomania in none, but everybody can be told by another."""
    rng = np.random.default_rng(1)
    people, day = np.repeat(np.arange(PEOPLE), DAYS), np.tile(np.arange(DAYS), PEOPLE)
    inputs = rng.normal(size=(PEOPLE * DAYS, len(OWN_VECTOR_NAMES)))
    kinds = np.zeros(len(people), np.int8)
    kinds[np.isin(people, np.arange(0, PEOPLE, 2))] = HYPOMANIA
    kinds[(day % 4 == 0) & (people % 2 == 1)] = MANIA
    inputs[:, 0] = rng.permutation(PEOPLE)[people]
    inputs[:, 1] -= 3.0 * (kinds == MANIA)
    rows = np.flatnonzero(day % 30 == 0)  # 0 and 30: few, as PAT is slow
    weeks = rng.normal(size=(len(rows), 10080)).astype(np.float16)
    phq8 = np.where(people % 3 == 0, 15.0, 3.0)
    worn = np.ones(len(people))
    return PersonDays(inputs, kinds, phq8, people, day, worn, weeks, rows, {})


def test_a_signal_is_learned_and_a_person_is_not_recognised(days: PersonDays) -> None:
    found = refitted(days, load_models(ARTIFACTS))
    assert set(found) == {"depression", "mania", "hypomania"}
    folds = folds_of(days.people, SEED, FOLDS)
    for outcome, measured in found.items():
        assert len(measured) == FOLDS + 1, outcome
    for fold in range(FOLDS):
        name = f"fifth {fold + 1} of the people"
        assert found["mania"][name]["n"] == (folds == fold).sum()
        assert found["mania"][name]["people"] == PEOPLE // FOLDS
        assert found["mania"][name]["auroc"] > 0.9
    strangers = np.mean([m["auroc"] for n, m in found["hypomania"].items() if "fifth" in n])
    assert strangers < 0.75
    # Earlier days of the same people are learned from, so here they may be recognised.
    assert found["hypomania"]["later days"]["auroc"] > strangers
    assert found["depression"]["later days"]["n"] == PEOPLE * 1


def test_without_positives_to_learn_from_nothing_is_told(days: PersonDays) -> None:
    none = replace(days, kinds=np.zeros_like(days.kinds), phq8=np.zeros_like(days.phq8))
    assert refitted(none, load_models(ARTIFACTS)) == {
        "depression": {},
        "mania": {},
        "hypomania": {},
    }
