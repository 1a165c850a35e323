"""TensorFlow and Keras, imported without the lines their native code writes to stderr.

They come before any logging can be set up, and a log of JSON lines must hold nothing else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def _native_stderr_closed() -> Iterator[None]:
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _native_stderr_closed():
    import keras
    import tensorflow as tf

# A GPU's TF32 rounds to 10 bits; a score must not depend on the host that computed it.
tf.config.experimental.enable_tensor_float_32_execution(False)

__all__ = ["keras", "tf"]
