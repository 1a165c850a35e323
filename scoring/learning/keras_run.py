"""What trainings with Keras share: precision, several GPUs, early stopping and going on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engines.quiet_tensorflow import keras, tf
from scoring.learning.checkpoints import Checkpoints, Progress

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
# The batches of an epoch by its number, without the first so many.
Epochs = Callable[[int, int], Any]
KEPT_EVERY = 100  # batches; PAT-S takes seconds for these


@contextmanager
def precision(mixed: bool) -> Iterator[None]:
    """float16 where it is enough while this lasts, if ``mixed``; float32 otherwise."""
    if mixed:
        keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy("float32")


def strategy() -> Any:
    """All GPUs together; the one device there is otherwise."""
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def shuffled(
    take: Callable[[NDArray[np.int64]], Batch],
    count: int,
    batch: int,
    seed: int,
    shapes: tuple[tuple[int | None, ...], tuple[int | None, ...]],
) -> Epochs:
    """Batches of rows in a new order each epoch; ``take`` gives inputs and targets of rows.

    The order is the seed's and the epoch's own, so that a training goes on where it was cut off.
    """
    signature = tuple(tf.TensorSpec(shape) for shape in shapes)

    def epoch(number: int, done: int) -> Any:
        rng = np.random.default_rng(seed)
        order = [rng.permutation(count) for _ in range(number + 1)][-1]
        starts = range(0, count - batch + 1, batch)[done:]

        def batches() -> Iterator[Batch]:
            for start in starts:
                yield take(order[start : start + batch])

        data = tf.data.Dataset.from_generator(batches, output_signature=signature)
        return data.apply(tf.data.experimental.assert_cardinality(len(starts))).prefetch(2)

    return epoch


class _Kept(keras.callbacks.Callback):
    """Saves the training every so many batches of an epoch."""

    def __init__(self, kept: Checkpoints, progress: Progress) -> None:
        super().__init__()
        self.kept, self.progress, self.before = kept, progress, progress.batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        done = self.before + batch + 1
        # The epoch's last batch is saved with its end: nothing would be left of it to go on with.
        if done % KEPT_EVERY == 0 and batch + 1 < self.params["steps"]:
            self.progress = self.kept.save(self.model, replace(self.progress, batch=done))


def fit(
    model: keras.Model,
    epochs_of: Epochs,
    held: Batch,
    epochs: int,
    patience: int,
    kept: Checkpoints | None,
) -> Progress:
    """Train a compiled and built model, which ends with its best epoch's weights.

    It stops early where ``patience`` epochs since the best have ended. With ``kept`` it goes on
    at the batch that was saved last, the best epoch before included, and leaves nothing there
    once it has ended. Noise and dropout are then drawn anew: as good a model, not the same one.
    """
    progress = kept.progress() if kept else Progress()
    best: list[np.ndarray] = []
    if kept:
        kept.restore(model, progress)
        best = kept.best() if progress.epochs else []
    while progress.epochs < epochs and not progress.has_stalled(patience):
        number, saves = progress.epochs, [_Kept(kept, progress)] if kept else []
        told = model.fit(
            epochs_of(number, progress.batch),
            validation_data=held,
            initial_epoch=number,
            epochs=number + 1,
            callbacks=saves,
            verbose=2,
        ).history
        progress = saves[0].progress if saves else progress
        progress = progress.after_epoch(float(told["loss"][0]), float(told["val_loss"][0]))
        is_best = progress.best_epoch == number
        best = model.get_weights() if is_best else best
        if kept:
            progress = kept.save(model, progress, best if is_best else None)
    model.set_weights(best)
    if kept:
        kept.remove()
    return progress
