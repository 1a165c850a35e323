from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from scoring.engines.pat import SIZES, build_classifier, build_encoder, positional_table
from scoring.engines.pat_h5 import load_encoder
from tests.scoring.engines import recipe


@pytest.mark.parametrize("name", ["S", "M"])
def test_encoder_reproduces_the_golden_values_through_a_published_file(
    name: str, golden: dict[str, Any], recipe_files: dict[str, Path]
) -> None:
    expected, tolerance = golden["models"][name]["A"], golden["suggested_tolerance"]
    encoder = build_encoder(SIZES[name], with_attention=True)
    load_encoder(encoder, SIZES[name], recipe_files[name])

    tokens, *scores = (output.numpy()[0] for output in encoder(recipe.input_a()))
    pooled = tokens.mean(axis=0)
    profile = scores[-1].sum(axis=1).mean(axis=0)
    profile /= profile.sum()

    def check(actual: Any, key: str, kind: str) -> None:
        np.testing.assert_allclose(actual, expected[key], rtol=0, atol=tolerance[kind])

    assert tokens.shape == (expected["tokens"], 96)
    assert len(scores) == SIZES[name].layers
    check(tokens[0, :8], "first_token_first8", "encoder_tokens")
    check(tokens[-1, :8], "last_token_first8", "encoder_tokens")
    check(pooled[:8], "gap_first8", "pooled")
    check(pooled[-8:], "gap_last8", "pooled")
    check(np.linalg.norm(pooled), "gap_l2", "pooled")
    assert np.linalg.norm(tokens) == pytest.approx(expected["encoder_fro"], rel=1e-5)
    check(scores[-1][0, 0, :8], "last_layer_attention_head0_query0_first8", "attention")
    check(scores[0][0, 0, :8], "first_layer_attention_head0_query0_first8", "attention")
    check(profile[:8], "attention_profile_first8", "attention")
    assert profile.argmax() == expected["attention_profile_argmax"]
    check(profile.max(), "attention_profile_max", "attention")
    check(profile.min(), "attention_profile_min", "attention")


def test_recipe_is_the_one_the_golden_file_was_made_with(
    golden: dict[str, Any], published: dict[str, recipe.Shapes]
) -> None:
    for name, expected in golden["models"].items():
        arrays = recipe.recipe_arrays(published[name])
        total = sum(array.sum(dtype=np.float64) for array in arrays.values())
        assert total == pytest.approx(expected["all_weights_sum_f64"], abs=1e-6)
        assert len(arrays) == expected["n_tensors"]
    assert np.linalg.norm(recipe.input_a()) == pytest.approx(golden["inputs_check"]["A_l2"])


def test_encoder_gives_the_same_tokens_without_attention(recipe_files: dict[str, Path]) -> None:
    tokens = []
    for with_attention in (False, True):
        encoder = build_encoder(SIZES["S"], with_attention=with_attention)
        load_encoder(encoder, SIZES["S"], recipe_files["S"])
        output = encoder(recipe.input_a())
        tokens.append((output[0] if with_attention else output).numpy())
    np.testing.assert_allclose(tokens[0], tokens[1], rtol=0, atol=1e-5)


def test_positional_table_has_the_published_values(golden: dict[str, Any]) -> None:
    table, expected = positional_table(560), golden["pe_check"]
    assert table.shape == (560, 96)
    for key, values in (
        ("pos0_first4", table[0, :4]),
        ("pos0_48_52", table[0, 48:52]),
        ("pos1_first4", table[1, :4]),
        ("pos1_48_52", table[1, 48:52]),
        ("pos559_first4", table[559, :4]),
        ("pos559_92_96", table[559, 92:96]),
    ):
        np.testing.assert_allclose(values, expected[key], rtol=0, atol=1e-6, err_msg=key)


@pytest.mark.parametrize(
    ("name", "encoder_parameters", "classifier_parameters"),
    [
        ("S", 274_720, 287_265),
        ("M", 993_440, 1_005_985),
        ("L", 1_984_192, 1_996_737),
        ("H", 3_967_040, 3_979_585),
    ],
)
def test_models_have_the_published_parameter_counts(
    name: str, encoder_parameters: int, classifier_parameters: int
) -> None:
    classifier = build_classifier(SIZES[name])
    assert classifier.count_params() == classifier_parameters
    assert classifier.get_layer("encoder_model").count_params() == encoder_parameters
    assert classifier.output_shape == (None, 1)


def test_encoder_has_the_published_names() -> None:
    encoder = build_encoder(SIZES["M"])
    assert encoder.name == "encoder_model"
    assert [layer.name for layer in encoder.layers if layer.name != "add"] == [
        "inputs",
        "reshape",
        "dense",
        "encoder_layer_1_transformer",
        "encoder_layer_2_transformer",
    ]
    inner = {layer.name for layer in encoder.get_layer("encoder_layer_2_transformer").layers}
    parts = ["input", "attention", "dropout", "norm1", "ff1", "ff2", "dropout2", "norm2"]
    assert {f"encoder_layer_2_{part}" for part in parts} <= inner


@pytest.mark.parametrize("name", sorted(SIZES))
def test_blocks_have_the_published_settings(name: str) -> None:
    """Epsilon 1e-5 would move the output by only 5e-6, so it is read from the layer."""
    size = SIZES[name]
    encoder = build_encoder(size)
    for layer in range(1, size.layers + 1):
        prefix = f"encoder_layer_{layer}"
        block = encoder.get_layer(f"{prefix}_transformer")
        for norm in ("norm1", "norm2"):
            assert block.get_layer(f"{prefix}_{norm}").get_config()["epsilon"] == 1e-6
        for dropout in ("dropout", "dropout2"):
            assert block.get_layer(f"{prefix}_{dropout}").rate == 0.1
        attention = block.get_layer(f"{prefix}_attention").get_config()
        assert (attention["num_heads"], attention["key_dim"]) == (size.heads, 96)
        assert attention["dropout"] == 0


def test_classifier_has_the_published_head() -> None:
    classifier = build_classifier(SIZES["S"])
    hidden, output = classifier.get_layer("dense_128"), classifier.get_layer("output")
    assert (hidden.units, hidden.activation) == (128, keras.activations.relu)
    assert (output.units, output.activation) == (1, keras.activations.sigmoid)
    dropouts = [layer for layer in classifier.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in dropouts] == [0.1]


def test_classifier_gives_scores_only_when_asked() -> None:
    probability, *scores = build_classifier(SIZES["M"], with_attention=True).outputs
    assert probability.shape == (None, 1)
    assert [score.shape for score in scores] == [(None, 12, 560, 560)] * 2
    assert len(build_classifier(SIZES["M"]).outputs) == 1
    assert len(build_encoder(SIZES["M"]).outputs) == 1


def test_encoder_of_another_length_keeps_the_weights_shapes() -> None:
    day, week = build_encoder(SIZES["S"], minutes=1_440), build_encoder(SIZES["S"])
    assert day.output_shape == (None, 80, 96)
    assert [w.shape for w in day.weights] == [w.shape for w in week.weights]


@pytest.mark.parametrize("minutes", [0, 10_079])
def test_encoder_refuses_a_length_of_broken_patches(minutes: int) -> None:
    with pytest.raises(ValueError, match="18-minute patches"):
        build_encoder(SIZES["S"], minutes=minutes)
