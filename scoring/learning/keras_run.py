"""What trainings with Keras share: precision, several GPUs, early stopping and going on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engines.quiet_tensorflow import keras, tf

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


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


def watchers(patience: int, resume: Path | None) -> list[Any]:
    """Early stopping at the best epoch, and a folder in which a cut-off training goes on."""
    watch = [
        keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
    ]
    return [*watch, keras.callbacks.BackupAndRestore(resume)] if resume else watch


def shuffled(
    take: Callable[[NDArray[np.int64]], Batch],
    count: int,
    batch: int,
    seed: int,
    shapes: tuple[tuple[int | None, ...], tuple[int | None, ...]],
) -> Any:
    """Batches of rows in a new order each epoch; ``take`` gives inputs and targets of rows."""
    rng = np.random.default_rng(seed)

    def batches() -> Iterator[Batch]:
        order = rng.permutation(count)
        for start in range(0, count - batch + 1, batch):
            yield take(order[start : start + batch])

    signature = tuple(tf.TensorSpec(shape) for shape in shapes)
    data = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(count // batch)).prefetch(2)
