import json
from pathlib import Path

import numpy as np
import pytest
import shap
import xgboost as xgb

from patients.domain.errors import InputError
from scoring.domain.vector_names import INDEX_NAMES, VECTOR_NAMES
from scoring.engines.mania import ManiaEngine

NAMES = list(VECTOR_NAMES)


def vectors_and_labels(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """400 vectors with a fifth of the values missing, and labels that three columns decide."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((400, 36)).astype(np.float32)
    labels = vectors[:, seed] + vectors[:, 5] * vectors[:, 32] > 0.3
    vectors[rng.random(vectors.shape) < 0.2] = np.nan
    return vectors, labels


def train(path: Path, seed: int, names: list[str] | None = None, **params: object) -> Path:
    vectors, labels = vectors_and_labels(seed)
    matrix = xgb.DMatrix(vectors, labels, feature_names=names)
    settings = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1} | params
    xgb.train(settings, matrix, 20).save_model(path)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One booster in each of the two formats, trained on different labels."""
    folder = tmp_path_factory.mktemp("boosters")
    return train(folder / "me.json", 0, NAMES), train(folder / "hme.ubj", 1, NAMES)


@pytest.fixture(scope="module")
def engine(files: tuple[Path, Path]) -> ManiaEngine:
    return ManiaEngine(*files)


def test_vector_names_are_the_published_ones_in_order() -> None:
    assert len(INDEX_NAMES) == 12
    assert len(set(VECTOR_NAMES)) == 36
    assert VECTOR_NAMES[:4] == ("ST_long_MN", "ST_long_SD", "ST_long_Zscore", "ST_short_MN")
    assert VECTOR_NAMES[12:14] == ("LongSleepWindow_length_MN", "LongSleepWindow_length_SD")
    assert VECTOR_NAMES[30] == "Circadian_phase_MN"
    assert VECTOR_NAMES[-1] == "Circadian_amplitude_Zscore"


def test_probabilities_are_each_boosters_own(engine: ManiaEngine, files: tuple[Path, Path]) -> None:
    vectors, _ = vectors_and_labels(7)
    results = engine.probabilities(vectors)
    for path, result in zip(files, results, strict=True):
        matrix = xgb.DMatrix(vectors, feature_names=NAMES)
        np.testing.assert_array_equal(result, xgb.Booster(model_file=path).predict(matrix))
    assert not np.allclose(*results)


def test_contributions_sum_to_the_margin(engine: ManiaEngine) -> None:
    vectors, _ = vectors_and_labels(7)
    for p, contributions in zip(
        engine.probabilities(vectors), engine.margin_contributions(vectors), strict=True
    ):
        assert contributions.shape == (400, 37)
        np.testing.assert_allclose(contributions.sum(axis=1), np.log(p / (1 - p)), atol=1e-4)


def test_contributions_equal_shaps_own_tree_code(
    engine: ManiaEngine, files: tuple[Path, Path]
) -> None:
    """TreeExplainer asks XGBoost itself unless its model counts as "internal"; its bias column
    leaves out the base score, so the bias is checked by the sum to the margin."""
    vectors, _ = vectors_and_labels(7)
    contributions = engine.margin_contributions(vectors)
    for path, ours in zip(files, contributions, strict=True):
        explainer = shap.TreeExplainer(
            xgb.Booster(model_file=path), feature_perturbation="tree_path_dependent"
        )
        explainer.model.model_type = "internal"
        theirs = explainer.shap_values(vectors, check_additivity=False)
        assert np.abs(theirs).max() > 0.5
        np.testing.assert_allclose(ours[:, :36], theirs, rtol=0, atol=1e-5)


def test_empty_vector_gets_the_default_branches(engine: ManiaEngine) -> None:
    for probability in engine.probabilities(np.full((1, 36), np.nan)):
        assert 0 < probability[0] < 1


def test_no_vectors_give_no_results(engine: ManiaEngine) -> None:
    none = np.empty((0, 36))
    assert [part.shape for part in engine.probabilities(none)] == [(0,), (0,)]
    assert [part.shape for part in engine.margin_contributions(none)] == [(0, 37), (0, 37)]


def test_vectors_of_another_width_are_refused(engine: ManiaEngine) -> None:
    with pytest.raises(ValueError, match=r"\(n, 36\)"):
        engine.probabilities(np.zeros((2, 35)))


def test_infinite_values_are_refused(engine: ManiaEngine) -> None:
    vectors = np.zeros((2, 36))
    vectors[1, 4] = -np.inf
    with pytest.raises(ValueError, match="infinite"):
        engine.margin_contributions(vectors)


def test_swapped_feature_names_are_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    swapped = [NAMES[0], NAMES[2], NAMES[1], *NAMES[3:]]
    path = train(tmp_path / "swapped.json", 0, swapped)
    with pytest.raises(InputError, match="ST_long_Zscore where feature 2 must be ST_long_SD"):
        ManiaEngine(path, files[1])
    with pytest.raises(InputError, match="ST_long_Zscore"):
        ManiaEngine(files[0], path)


def test_booster_without_names_is_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="names 0 features"):
        ManiaEngine(train(tmp_path / "unnamed.json", 0), files[1])


def test_booster_of_another_objective_is_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    path = train(tmp_path / "margin.json", 0, NAMES, objective="binary:logitraw")
    with pytest.raises(InputError, match="trained for binary:logitraw"):
        ManiaEngine(path, files[1])


@pytest.mark.parametrize("content", [b"", b"{}", b"not a model"])
def test_file_that_is_no_booster_is_refused(
    content: bytes, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.json cannot be read") as refusal:
        ManiaEngine(path, files[1])
    assert "\n" not in str(refusal.value)


def test_threads_are_the_engines_and_not_the_files(tmp_path: Path) -> None:
    path = train(tmp_path / "four.json", 0, NAMES, nthread=4)
    engine = ManiaEngine(path, path, threads=1)
    config = json.loads(engine._boosters[0].save_config())
    assert config["learner"]["generic_param"]["nthread"] == "1"
