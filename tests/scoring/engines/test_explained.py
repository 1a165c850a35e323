"""Explanations by the shipped models: SHAP values, points, and occlusion through PAT."""

import logging
import math
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
import shap
import xgboost as xgb

from patients.domain.days import ZoneHistory
from scoring.domain.occlusion import occlusions
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek, Reference
from scoring.domain.types import PersonData
from scoring.domain.vector_names import BODY_NAMES, INDEX_NAMES, OWN_VECTOR_NAMES
from scoring.engines.explained import OccludedWeek, explained_vector
from scoring.engines.mania import ManiaEngine
from scoring.resources import ARTIFACTS, feature_labels, models
from tests.scoring.domain.builders import a_day, features

DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def engine() -> ManiaEngine:
    engine: ManiaEngine = models().mania_engine
    return engine


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Means and SDs of all sizes, Z-scores up to 4, and a tenth missing."""
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1.5, (300, 51))
    values[:, 0::3] = rng.gamma(2, 4, (300, 17))
    values[:, 1::3] = np.abs(values[:, 1::3])
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


def test_shap_values_sum_to_the_shipped_boosters_margins(
    engine: ManiaEngine, vectors: np.ndarray
) -> None:
    pairs = zip(engine.margin_contributions(vectors), engine.margins(vectors), strict=True)
    for shap_values, margins in pairs:
        assert margins.std() > 0.1
        np.testing.assert_allclose(shap_values.sum(axis=1), margins, rtol=0, atol=1e-4)


def test_margins_are_those_of_the_probabilities(engine: ManiaEngine, vectors: np.ndarray) -> None:
    for margins, p in zip(engine.margins(vectors), engine.probabilities(vectors), strict=True):
        np.testing.assert_allclose(1 / (1 + np.exp(-margins)), p, rtol=0, atol=1e-6)


def test_shap_values_equal_the_tree_explainers(engine: ManiaEngine, vectors: np.ndarray) -> None:
    """Its own code, not XGBoost's: that is what "internal" asks for."""
    values = vectors[:100].astype(np.float32)
    files = ("boosted_mania.json", "boosted_hypomania.json")
    for file, ours in zip(files, engine.margin_contributions(values), strict=True):
        booster = xgb.Booster(model_file=str(ARTIFACTS / file))
        explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
        explainer.model.model_type = "internal"
        theirs = explainer.shap_values(values, check_additivity=False)
        assert np.abs(theirs).max() > 0.3
        np.testing.assert_allclose(ours[:, :-1], theirs, rtol=0, atol=1e-4)


def in_steps(probability: float) -> float:
    """As isotonic regression gives: flat, with jumps."""
    return math.floor(20 * math.sqrt(probability)) / 20


@pytest.mark.parametrize(
    "calibrate",
    [lambda p: p, in_steps, lambda _: 0.25, lambda p: min(20 * p, 1.0)],
    ids=["as it is", "steps", "flat", "capped"],
)
def test_points_of_the_shipped_boosters_add_up(
    engine: ManiaEngine, vectors: np.ndarray, calibrate: Callable[[float], float]
) -> None:
    night = features(a_day(0))
    for row in vectors[:60, np.newaxis]:
        parts = [calibrate(float(p[0])) for p in engine.probabilities(row)]
        named = dict(zip(OWN_VECTOR_NAMES, map(float, row[0]), strict=True))
        found, explained = explained_vector(
            engine, named, row, parts, [calibrate] * 2, night, feature_labels()
        )
        check = explained["additivity"]
        assert check["holds"] and {c.name for c in found} == set(INDEX_NAMES) | set(BODY_NAMES)
        moved = 100 * (min(sum(parts), 1.0) - check["base"])
        assert sum(c.points for c in found) == pytest.approx(moved, abs=1e-6)


class Skewed(ManiaEngine):
    """An engine whose SHAP values miss its margin."""

    def __init__(self, engine: ManiaEngine, by: float) -> None:
        self.__dict__ |= vars(engine) | {"by": by}

    def margin_contributions(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mania, hypomania = super().margin_contributions(vectors)
        mania[:, 2] += vars(self)["by"]
        return mania, hypomania


@pytest.mark.parametrize(("by", "is_shown"), [(0.0, True), (0.01, False), (np.nan, False)])
def test_values_that_do_not_add_up_are_not_shown_and_ops_see_it(
    engine: ManiaEngine,
    vectors: np.ndarray,
    by: float,
    is_shown: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = vectors[:1]
    parts = [float(p[0]) for p in engine.probabilities(row)]
    named = dict(zip(OWN_VECTOR_NAMES, map(float, row[0]), strict=True))
    with caplog.at_level(logging.ERROR, logger="clarity"):
        found, explained = explained_vector(
            Skewed(engine, by), named, row, parts, [lambda p: p] * 2,
            features(a_day(0)), feature_labels(),
        )  # fmt: skip
    assert bool(found) is explained["additivity"]["holds"] is is_shown
    assert ("do not add up" in caplog.text) is not is_shown


def test_occluding_nothing_leaves_the_shipped_pat_as_it_was() -> None:
    """Not worn, so that no minute may be replaced, then worn and like the usual week."""
    engine = models().depression_engine
    zeros = np.zeros(WEEK_MINUTES, dtype=np.float32)
    reference = Reference(zeros, zeros + 1)
    nobody = PersonData(ZoneHistory.of("Etc/UTC"), None, None)
    noise = np.random.default_rng(2).normal(size=WEEK_MINUTES).astype(np.float32)
    for worn, inputs in ((False, noise), (True, zeros)):
        week = PatWeek(inputs, np.full(WEEK_MINUTES, worn))
        occluded = OccludedWeek.of(nobody, DAY, week, inputs, reference)
        p = engine.probabilities(occluded.rows)
        assert p.shape == (12,)
        np.testing.assert_allclose(p, p[0], rtol=0, atol=1e-6)


def test_occlusion_is_what_the_shipped_pat_says_of_the_usual_minutes() -> None:
    engine = models().depression_engine
    zeros = np.zeros(WEEK_MINUTES, dtype=np.float32)
    noise = np.random.default_rng(2).normal(size=WEEK_MINUTES).astype(np.float32)
    week = PatWeek(noise, np.ones(WEEK_MINUTES, dtype=bool))
    nobody = PersonData(ZoneHistory.of("Etc/UTC"), None, None)
    occluded = OccludedWeek.of(nobody, DAY, week, noise, Reference(zeros, zeros + 1))
    p = engine.probabilities(occluded.rows)
    found, explained = occluded.explanation(engine, p, "counts/min", feature_labels())
    yesterday = f"day_{DAY - timedelta(days=1)}"
    without = noise.copy()
    without[5 * 1440 : 6 * 1440] = 0
    [alone] = engine.probabilities(without[np.newaxis])
    points = {c.name: c.points for c in found}
    assert points[yesterday] == pytest.approx(100 * (p[0] - alone), abs=1e-3)
    assert abs(points[yesterday]) > 1e-2
    assert set(explained["attention"]) == set(points) == set(occlusions(DAY))
