from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from patients.domain.errors import InputError
from scoring.engines.depression import DepressionEngine
from scoring.engines.pat import SIZES, build_classifier, build_encoder
from scoring.engines.pat_h5 import load_encoder, save_classifier
from tests.scoring.engines import recipe

S = SIZES["S"]


@pytest.fixture(scope="module")
def weights(recipe_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe's encoder with an untrained head."""
    classifier = build_classifier(S)
    load_encoder(classifier.get_layer("encoder_model"), S, recipe_files["S"])
    path = tmp_path_factory.mktemp("engine") / "classifier.h5"
    save_classifier(classifier, S, path)
    return path


@pytest.fixture(scope="module")
def engine(weights: Path) -> DepressionEngine:
    return DepressionEngine(weights, S)


@pytest.fixture(scope="module")
def weeks() -> np.ndarray:
    noise = np.random.default_rng(5).standard_normal((10, 10_080)).astype(np.float32)
    return noise + np.linspace(-1, 1, 10, dtype=np.float32)[:, None] * recipe.input_a()


def test_probability_is_the_heads_formula_on_the_mean_token(
    engine: DepressionEngine, weights: Path, recipe_files: dict[str, Path], weeks: np.ndarray
) -> None:
    encoder = build_encoder(S)
    load_encoder(encoder, S, recipe_files["S"])
    pooled = encoder(weeks).numpy().mean(axis=1)
    with h5py.File(weights) as file:
        hidden_kernel, hidden_bias, kernel, bias = (
            file[f"{layer}/{layer}/{part}:0"][()]
            for layer in ("dense_128", "output")
            for part in ("kernel", "bias")
        )
    hidden = np.maximum(pooled @ hidden_kernel + hidden_bias, 0)
    margin = (hidden @ kernel + bias)[:, 0]
    np.testing.assert_allclose(
        engine.probabilities(weeks), 1 / (1 + np.exp(-margin)), rtol=0, atol=1e-5
    )


def test_probabilities_do_not_depend_on_the_chunk(
    engine: DepressionEngine, weeks: np.ndarray
) -> None:
    one, four, all_ = (engine.probabilities(weeks, chunk=chunk) for chunk in (1, 4, 10))
    assert one.shape == (10,)
    assert one.std() > 1e-4
    np.testing.assert_allclose(four, one, rtol=0, atol=1e-6)
    np.testing.assert_allclose(all_, one, rtol=0, atol=1e-6)


def test_probabilities_are_the_same_each_time(weights: Path, weeks: np.ndarray) -> None:
    first, second = DepressionEngine(weights, S), DepressionEngine(weights, S)
    expected = first.probabilities(weeks)
    np.testing.assert_array_equal(first.probabilities(weeks), expected)
    np.testing.assert_array_equal(second.probabilities(weeks), expected)


def test_attention_is_the_golden_profile_repeated_for_each_minute(
    engine: DepressionEngine, golden: dict[str, Any]
) -> None:
    expected = golden["models"]["S"]["A"]
    attention = engine.attention(recipe.input_a())
    assert attention.shape == (1, 10_080)
    patches = attention.reshape(560, 18)
    np.testing.assert_array_equal(patches, np.repeat(patches[:, :1], 18, axis=1))
    np.testing.assert_allclose(
        patches[:8, 0], expected["attention_profile_first8"], rtol=0, atol=1e-5
    )
    assert patches[:, 0].argmax() == expected["attention_profile_argmax"]
    assert patches[:, 0].sum() == pytest.approx(1)


def test_no_weeks_give_no_results(engine: DepressionEngine) -> None:
    none = np.empty((0, 10_080), np.float32)
    assert engine.probabilities(none).shape == (0,)
    assert engine.attention(none).shape == (0, 10_080)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weeks_that_are_not_finite_are_refused(
    engine: DepressionEngine, weeks: np.ndarray, value: float
) -> None:
    gap = weeks.copy()
    gap[3, 77] = value
    with pytest.raises(ValueError, match="not finite"):
        engine.probabilities(gap)
    with pytest.raises(ValueError, match="not finite"):
        engine.attention(gap)


@pytest.mark.parametrize("shape", [(10_080,), (2, 1_440), (1, 7, 1_440)])
def test_weeks_of_another_shape_are_refused(
    engine: DepressionEngine, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="shape"):
        engine.probabilities(np.zeros(shape, np.float32))


def test_weights_of_another_size_are_refused(weights: Path) -> None:
    with pytest.raises(InputError, match="PAT-M classifier"):
        DepressionEngine(weights, SIZES["M"])
