"""Pre-training of PAT's encoder as a masked autoencoder, as published (see the notes below).

Ruan et al., arXiv:2411.15240: 90 % of the patches are masked, the visible ones go through the
encoder, a decoder of one block sees them beside a learned mask token, and the squared error is
taken on all minutes, masked or not. One thing differs: each sample draws its own permutation of
the patches, where the published notebook draws one for the whole batch.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engines.pat import (
    EMBED_DIM,
    WEEK_MINUTES,
    PatSize,
    build_encoder,
    positional_table,
    transformer_block,
)
from scoring.engines.quiet_tensorflow import keras, tf
from scoring.learning.checkpoints import Checkpoints, Progress
from scoring.learning.keras_run import Batch, fit, precision, shuffled, strategy

RATIO = 0.9
RECONSTRUCTED_WITHIN = 2.0  # SD; the published output is tanh times two
PATIENCE = 10
PUBLISHED_RATE = {"S": 1e-3, "M": 1e-3, "L": 1e-4, "H": 1e-5}


class MaskedAutoencoder(keras.Model):
    """Standardised weeks (B, 10080) to their reconstruction (B, 10080)."""

    def __init__(self, size: PatSize, ratio: float = RATIO, seed: int = 0) -> None:
        super().__init__(name="masked_autoencoder")
        self.size = size
        self.tokens = WEEK_MINUTES // size.patch_minutes
        self.visible = self.tokens - round(ratio * self.tokens)
        self.draw = keras.random.SeedGenerator(seed)
        self.positions = tf.constant(positional_table(self.tokens))
        self.embed = keras.layers.Dense(EMBED_DIM, name="dense")
        self.blocks = [
            transformer_block(None, size.heads, f"encoder_layer_{layer}")
            for layer in range(1, size.layers + 1)
        ]
        self.decoder = transformer_block(None, size.heads, "decoder_layer_1")
        self.output_layer = keras.layers.Dense(
            size.patch_minutes, activation="tanh", name="decoder_dense"
        )
        self.mask_token = self.add_weight(
            shape=(1, 1, EMBED_DIM), initializer="random_normal", name="mask_token"
        )

    def call(self, weeks: Any, training: bool = False) -> Any:
        """Masks at validation, too, as published."""
        patches = tf.reshape(weeks, (-1, self.tokens, self.size.patch_minutes))
        count = tf.shape(patches)[0]
        # A permutation for each sample: the order of as many random numbers.
        order = tf.argsort(keras.random.uniform((count, self.tokens), seed=self.draw), axis=1)
        seen = order[:, : self.visible]
        x = tf.gather(self.embed(patches) + self.positions, seen, batch_dims=1)
        for block in self.blocks:
            x = block(x, training=training)
        hidden = tf.tile(tf.cast(self.mask_token, x.dtype), (count, self.tokens - self.visible, 1))
        back = tf.argsort(order, axis=1)
        x = tf.gather(tf.concat([x, hidden], axis=1), back, batch_dims=1)
        x = self.decoder(x + tf.cast(self.positions, x.dtype), training=training)
        minutes = RECONSTRUCTED_WITHIN * self.output_layer(x)
        return tf.cast(tf.reshape(minutes, (-1, WEEK_MINUTES)), tf.float32)

    def encoder(self) -> keras.Model:
        """The encoder alone, over all patches, with the weights as they are now."""
        full = build_encoder(self.size)
        full.get_layer("dense").set_weights(self.embed.get_weights())
        for block in self.blocks:
            full.get_layer(block.name).set_weights(block.get_weights())
        return full


@dataclass(frozen=True)
class Plan:
    """How a pre-training runs."""

    size: str = "S"
    epochs: int = 20
    batch: int = 32
    resume: Checkpoints | None = None
    mixed_precision: bool = False


def pretrained(
    train: NDArray[np.float16], held: NDArray[np.float16], plan: Plan, seed: int
) -> tuple[keras.Model, Progress]:
    """The encoder with its best epoch's weights, and the losses by epoch.

    ``train`` and ``held`` are standardised weeks (n, 10080) of different people.
    """
    from scoring.engines.pat import SIZES

    keras.utils.set_random_seed(seed)

    def take(rows: NDArray[np.int64]) -> Batch:
        weeks = train[rows].astype(np.float32)
        return weeks, weeks

    told = held.astype(np.float32)
    with precision(plan.mixed_precision):
        with strategy().scope():
            model = MaskedAutoencoder(SIZES[plan.size], seed=seed)
            model(np.zeros((1, WEEK_MINUTES), np.float32))  # a kept training needs it built
            model.compile(keras.optimizers.Adam(PUBLISHED_RATE[plan.size]), "mse")
        progress = fit(
            model,
            shuffled(take, len(train), plan.batch, seed, ((None, WEEK_MINUTES),) * 2),
            (told, told),
            plan.epochs,
            PATIENCE,
            plan.resume,
        )
    return model.encoder(), progress
