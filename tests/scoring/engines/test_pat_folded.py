"""The graph that scores is the trained model's function, to rounding."""

import keras
import numpy as np
import pytest

from scoring.engines.pat import SIZES, build_classifier
from scoring.engines.pat_folded import FoldedPat


def with_every_part_felt(name: str) -> keras.Model:
    """A classifier none of whose weights is 0 or 1, with attention far from even."""
    rng, model = np.random.default_rng(11), build_classifier(SIZES[name], with_attention=True)
    for weight in model.weights:
        if len(weight.shape) > 1:
            read = weight.shape[:-1] if "attention_output" in weight.path else weight.shape[:1]
            weight.assign(rng.normal(0, np.sqrt(2 / np.prod(read)), weight.shape))
        else:
            weight.assign(rng.normal("gamma" in weight.path, 0.3, weight.shape))
    return model


@pytest.fixture(scope="module")
def weeks() -> np.ndarray:
    noise = np.random.default_rng(12).standard_normal((3, 10_080))
    return (noise * np.array([[0.1], [1], [5]])).astype(np.float32)


@pytest.mark.parametrize("name", ["S", "M", "L"])
def test_folded_model_gives_the_models_probability_and_attention(
    name: str, weeks: np.ndarray
) -> None:
    model = with_every_part_felt(name)
    probability, *scores = (output.numpy() for output in model(weeks, training=False))
    received = scores[-1].sum(axis=2).mean(axis=1)
    folded = FoldedPat(model, SIZES[name])
    assert probability.std() > 1e-3 and received.std() > 0.1
    np.testing.assert_allclose(folded.probability(weeks), probability[:, 0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(folded.received(weeks), received, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "weight",
    [
        "attention/query/kernel",
        "attention/query/bias",
        "attention/key/kernel",
        "attention/value/kernel",
        "attention/value/bias",
        "attention/attention_output/kernel",
        "attention/attention_output/bias",
        "norm1/gamma",
        "norm2/beta",
        "ff1/bias",
        "ff2/kernel",
    ],
)
def test_every_weight_is_felt_but_the_keys_bias(weight: str, weeks: np.ndarray) -> None:
    """So that the comparison above would see one that was left out."""
    model = with_every_part_felt("S")
    before = FoldedPat(model, SIZES["S"]).probability(weeks).numpy()
    [variable] = [w for w in model.weights if w.path == f"encoder_layer_1_{weight}"]
    variable.assign(variable.value * 1.5)
    after = FoldedPat(model, SIZES["S"]).probability(weeks).numpy()
    assert np.abs(after - before).max() > 1e-4


def test_the_keys_bias_says_nothing_in_the_model_itself(weeks: np.ndarray) -> None:
    model = with_every_part_felt("S")
    before = model(weeks, training=False)[0].numpy()
    [variable] = [w for w in model.weights if w.path == "encoder_layer_1_attention/key/bias"]
    variable.assign(variable.value + 1)
    np.testing.assert_allclose(model(weeks, training=False)[0], before, rtol=0, atol=1e-5)
