"""The Pretrained Actigraphy Transformer (PAT) as one parametrised Keras builder.

Architecture and layer names: Ruan, Zhang, Oh, Jin, Jacobson, arXiv:2411.15240 (CC BY 4.0).
Importing this module imports TensorFlow: do it only where a model is really run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.engines.quiet_tensorflow import keras

WEEK_MINUTES = 10_080
EMBED_DIM = 96  # also the size of every head's queries, keys and values
HIDDEN_DIM = 256
DROPOUT = 0.1
NORM_EPSILON = 1e-6
HEAD_DIM = 128


@dataclass(frozen=True)
class PatSize:
    """One published size: minutes per patch, attention heads, encoder layers."""

    name: str
    patch_minutes: int
    heads: int
    layers: int


SIZES: dict[str, PatSize] = {
    size.name: size
    for size in (
        PatSize("S", patch_minutes=18, heads=6, layers=1),
        PatSize("M", patch_minutes=18, heads=12, layers=2),
        PatSize("L", patch_minutes=9, heads=12, layers=4),
        PatSize("H", patch_minutes=5, heads=12, layers=8),
    )
}


def positional_table(tokens: int) -> NDArray[np.float32]:
    """Return the fixed positional table, shape (tokens, 96).

    w_k = exp(-2k ln(10000) / 96) for k = 0..47; row pos holds sin(pos w_0..w_47), then
    cos(pos w_0..w_47): two halves side by side, not interleaved.
    """
    waves = np.exp(-2 * np.arange(EMBED_DIM // 2) * np.log(10_000) / EMBED_DIM)
    angles = np.arange(tokens)[:, None] * waves
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def transformer_block(
    tokens: int | None, heads: int, prefix: str, with_attention: bool = False
) -> keras.Model:
    """Build one post-norm block "<prefix>_transformer": (B, tokens, 96) to the same shape.

    h = LN(x + drop(MHA(x, x))); y = LN(h + drop(W2 relu(W1 h + b1) + b2)). Scores are scaled
    by 1/sqrt(96) and have no dropout. With `with_attention` the outputs are
    (y, scores (B, heads, tokens, tokens)), each row of scores a softmax over the keys.
    """
    inputs = keras.Input((tokens, EMBED_DIM), name=f"{prefix}_input")
    attend = keras.layers.MultiHeadAttention(heads, EMBED_DIM, name=f"{prefix}_attention")
    if with_attention:
        attended, scores = attend(inputs, inputs, return_attention_scores=True)
    else:
        attended = attend(inputs, inputs)
    attended = keras.layers.Dropout(DROPOUT, name=f"{prefix}_dropout")(attended)
    hidden = _norm(f"{prefix}_norm1")(inputs + attended)
    change = keras.layers.Dense(HIDDEN_DIM, activation="relu", name=f"{prefix}_ff1")(hidden)
    change = keras.layers.Dense(EMBED_DIM, name=f"{prefix}_ff2")(change)
    change = keras.layers.Dropout(DROPOUT, name=f"{prefix}_dropout2")(change)
    outputs = _norm(f"{prefix}_norm2")(hidden + change)
    return keras.Model(
        inputs, [outputs, scores] if with_attention else outputs, name=f"{prefix}_transformer"
    )


def _norm(name: str) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(epsilon=NORM_EPSILON, name=name)


def build_encoder(
    size: PatSize, minutes: int = WEEK_MINUTES, with_attention: bool = False
) -> keras.Model:
    """Build "encoder_model": standardised minutes (B, minutes) to tokens (B, N, 96).

    N = minutes / patch_minutes. With `with_attention` the outputs are the tokens and then
    each layer's scores (B, heads, N, N); without, no score tensor outlives its layer.

    Raises ValueError if `minutes` is not a whole number of patches.
    """
    tokens, rest = divmod(minutes, size.patch_minutes)
    if rest or tokens < 1:
        raise ValueError(
            f"{minutes} minutes are not a whole number of {size.patch_minutes}-minute patches"
        )
    inputs = keras.Input((minutes,), name="inputs")
    patches = keras.layers.Reshape((tokens, size.patch_minutes), name="reshape")(inputs)
    x = keras.layers.Dense(EMBED_DIM, name="dense")(patches) + positional_table(tokens)
    scores = []
    for layer in range(1, size.layers + 1):
        block = transformer_block(tokens, size.heads, f"encoder_layer_{layer}", with_attention)
        if with_attention:
            x, layer_scores = block(x)
            scores.append(layer_scores)
        else:
            x = block(x)
    return keras.Model(inputs, [x, *scores] if with_attention else x, name="encoder_model")


def build_classifier(
    size: PatSize, minutes: int = WEEK_MINUTES, with_attention: bool = False
) -> keras.Model:
    """Build the encoder with the published head: minutes (B, minutes) to probability (B, 1).

    Mean over tokens, Dropout 0.1, Dense 128 ReLU "dense_128", Dense 1 sigmoid "output".
    With `with_attention` the outputs are the probability and then each layer's scores.
    """
    encoder = build_encoder(size, minutes, with_attention)
    inputs = keras.Input((minutes,), name="inputs")
    tokens, *scores = encoder(inputs) if with_attention else [encoder(inputs)]
    pooled = keras.layers.GlobalAveragePooling1D(name="pool")(tokens)
    pooled = keras.layers.Dropout(DROPOUT, name="head_dropout")(pooled)
    hidden = keras.layers.Dense(HEAD_DIM, activation="relu", name="dense_128")(pooled)
    output = keras.layers.Dense(1, activation="sigmoid", name="output")(hidden)
    return keras.Model(inputs, [output, *scores] if with_attention else output, name="classifier")
