"""PAT with its head as one graph for scoring: the trained model's function, with less work.

A head's queries, keys and values have the 96 dimensions of the tokens x themselves, so that its
matrices can be multiplied with each other once, when the weights are read:

- Scores: (x Wq + bq)(x Wk + bk)^T / sqrt(96). What all keys of a query share leaves no trace in
  the softmax, so they are (x M + c) x^T with M = Wq Wk^T / sqrt(96) and c = bq Wk^T / sqrt(96).
- Output: the sum over heads of A (x Wv + bv) Wo, and bo. Each row of A sums to 1, so it is the
  sum of (A x)(Wv Wo), and the constant sum of bv Wo + bo.

The tokens are keys and values of every head: nothing is projected for them, and no head's array
is transposed. Importing this module imports TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.engines.pat import EMBED_DIM, NORM_EPSILON, WEEK_MINUTES, PatSize, positional_table
from scoring.engines.quiet_tensorflow import keras, tf

Weights = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Affine:
    """x kernel + bias over the last axis."""

    kernel: tf.Tensor
    bias: tf.Tensor

    @classmethod
    def of(cls, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> "Affine":
        """Of arrays of doubles, rounded to single precision here and nowhere before."""
        return cls(tf.constant(kernel, tf.float32), tf.constant(bias, tf.float32))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """From (..., m) to (..., n), as one product of two matrices."""
        flat = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), self.kernel) + self.bias
        return tf.reshape(flat, (-1, *x.shape[1:-1], flat.shape[-1]))


@dataclass(frozen=True)
class Norm:
    """Layer normalisation over the last axis."""

    gamma: tf.Tensor
    beta: tf.Tensor

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Mean 0 and SD 1, then gamma and beta."""
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, NORM_EPSILON)


class FoldedBlock:
    """One encoder layer: tokens (B, N, 96) to the same shape."""

    def __init__(self, weights: Weights, layer: int, heads: int) -> None:
        own = {
            name.removeprefix(f"encoder_layer_{layer}_"): weight
            for name, weight in weights.items()
            if name.startswith(f"encoder_layer_{layer}_")
        }
        self._heads = heads
        self._query = _folded_query(own)
        self._output = _folded_output(own)
        self._norm1, self._norm2 = (
            Norm(*(tf.constant(own[f"{norm}/{part}"], tf.float32) for part in ("gamma", "beta")))
            for norm in ("norm1", "norm2")
        )
        self._ff1, self._ff2 = (_affine(own, name) for name in ("ff1", "ff2"))

    def attention(self, x: tf.Tensor) -> tf.Tensor:
        """A of all heads, (B, N heads, N): the heads of a query are rows beside each other."""
        queries = tf.reshape(self._query(x), (-1, x.shape[1] * self._heads, EMBED_DIM))
        return tf.nn.softmax(tf.matmul(queries, x, transpose_b=True))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The tokens after the layer."""
        mixed = tf.matmul(self.attention(x), x)
        attended = tf.reshape(mixed, (-1, x.shape[1], self._heads * EMBED_DIM))
        hidden = self._norm1(x + self._output(attended))
        return self._norm2(hidden + self._ff2(tf.nn.relu(self._ff1(hidden))))


def _folded_query(own: Weights) -> Affine:
    query, bias = own["attention/query/kernel"], own["attention/query/bias"]
    key = own["attention/key/kernel"] / np.sqrt(EMBED_DIM)
    kernel = np.einsum("ehd,fhd->ehf", query, key).reshape(EMBED_DIM, -1)
    return Affine.of(kernel, np.einsum("hd,fhd->hf", bias, key).ravel())


def _folded_output(own: Weights) -> Affine:
    value, bias = own["attention/value/kernel"], own["attention/value/bias"]
    output = own["attention/attention_output/kernel"]
    kernel = np.einsum("ehd,hdf->hef", value, output).reshape(-1, EMBED_DIM)
    constant = np.einsum("hd,hdf->f", bias, output)
    return Affine.of(kernel, constant + own["attention/attention_output/bias"])


def _affine(weights: Weights, name: str) -> Affine:
    return Affine.of(weights[f"{name}/kernel"], weights[f"{name}/bias"])


class FoldedPat:
    """The classifier of `build_classifier(size)` with the weights it has now."""

    def __init__(self, model: keras.Model, size: PatSize) -> None:
        weights = {w.path: w.numpy().astype(np.float64) for w in model.weights}
        self._shape = (WEEK_MINUTES // size.patch_minutes, size.patch_minutes)
        self._heads = size.heads
        self._embed = _affine(weights, "dense")
        self._positions = tf.constant(positional_table(self._shape[0]))
        self._blocks = [FoldedBlock(weights, n + 1, size.heads) for n in range(size.layers)]
        self._hidden, self._output = _affine(weights, "dense_128"), _affine(weights, "output")

    def probability(self, weeks: tf.Tensor) -> tf.Tensor:
        """P(depression) of standardised minutes (B, 10080), shape (B,)."""
        pooled = tf.reduce_mean(self._tokens(weeks, self._blocks), axis=1)
        return tf.sigmoid(self._output(tf.nn.relu(self._hidden(pooled))))[:, 0]

    def received(self, weeks: tf.Tensor) -> tf.Tensor:
        """Attention that each patch receives in the last layer, shape (B, N).

        Summed over the queries, averaged over the heads: a row sums to N.
        """
        *earlier, last = self._blocks
        scores = last.attention(self._tokens(weeks, earlier))
        return tf.reduce_sum(scores, axis=1) / self._heads

    def _tokens(self, weeks: tf.Tensor, blocks: list[FoldedBlock]) -> tf.Tensor:
        x = self._embed(tf.reshape(weeks, (-1, *self._shape))) + self._positions
        for block in blocks:
            x = block(x)
        return x
