"""PAT weights in the published file layout: legacy Keras weights-only HDF5, read by path.

Keras matches such a file by order alone, so a wrong file could load without a word. Here
every dataset's name, shape, type and values are checked before one weight is touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.engines.closed_h5 import H5Fault, datasets_of, storage_fault
from scoring.engines.given_file import GivenFile, read_given, shown
from scoring.engines.pat import EMBED_DIM, HEAD_DIM, HIDDEN_DIM, SIZES, PatSize, build_encoder
from scoring.engines.quiet_tensorflow import keras

Layout = dict[str, tuple[int, ...]]
Arrays = dict[str, NDArray[np.float32]]

MOST_BYTES = 64 << 20  # the largest size has 16 MB
TOO_LARGE = (OverflowError, MemoryError)  # a length in a broken file may be anything

EMPTY_LAYERS = ("inputs", "reshape", "tf.__operators__.add")  # published, without weights

HEAD_LAYOUT: Layout = {
    "dense_128/dense_128/kernel:0": (EMBED_DIM, HEAD_DIM),
    "dense_128/dense_128/bias:0": (HEAD_DIM,),
    "output/output/kernel:0": (HEAD_DIM, 1),
    "output/output/bias:0": (1,),
}


def layout(size: PatSize) -> Layout:
    """Return the encoder's dataset names and shapes in the published order."""
    shapes: Layout = {
        "dense/dense/kernel:0": (size.patch_minutes, EMBED_DIM),
        "dense/dense/bias:0": (EMBED_DIM,),
    }
    for layer in range(1, size.layers + 1):
        prefix = f"encoder_layer_{layer}"
        shapes |= {
            f"{prefix}_transformer/{prefix}_{name}": shape
            for name, shape in _block_layout(size.heads)
        }
    return shapes


def _block_layout(heads: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for projection in ("query", "key", "value"):
        yield f"attention/{projection}/kernel:0", (EMBED_DIM, heads, EMBED_DIM)
        yield f"attention/{projection}/bias:0", (heads, EMBED_DIM)
    yield "attention/attention_output/kernel:0", (heads, EMBED_DIM, EMBED_DIM)
    yield "attention/attention_output/bias:0", (EMBED_DIM,)
    yield "norm1/gamma:0", (EMBED_DIM,)
    yield "norm1/beta:0", (EMBED_DIM,)
    yield "ff1/kernel:0", (EMBED_DIM, HIDDEN_DIM)
    yield "ff1/bias:0", (HIDDEN_DIM,)
    yield "ff2/kernel:0", (HIDDEN_DIM, EMBED_DIM)
    yield "ff2/bias:0", (EMBED_DIM,)
    yield "norm2/gamma:0", (EMBED_DIM,)
    yield "norm2/beta:0", (EMBED_DIM,)


def save_encoder(model: keras.Model, size: PatSize, path: Path) -> None:
    """Write the weights of a `build_encoder(size)` model to `path` in the published layout."""
    _save(model, layout(size), path)


def load_encoder(model: keras.Model, size: PatSize, path: Path) -> None:
    """Read encoder weights from `path` into a `build_encoder(size)` model.

    Raises InputError naming the first dataset that is missing, extra, of another shape or
    type, or not finite, or the file if it is no readable HDF5. The model is then untouched.
    """
    _assign(model, _read(path, layout(size), f"PAT-{size.name} encoder"))


def save_classifier(model: keras.Model, size: PatSize, path: Path) -> None:
    """Write the weights of a `build_classifier(size)` model: the encoder's, then the head's."""
    _save(model, layout(size) | HEAD_LAYOUT, path)


def load_classifier(model: keras.Model, size: PatSize, path: Path) -> None:
    """Read encoder and head from `path` into a `build_classifier(size)` model.

    Raises InputError as `load_encoder` does.
    """
    _assign(model, _read(path, layout(size) | HEAD_LAYOUT, f"PAT-{size.name} classifier"))


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    return {variable.path: variable for variable in model.weights}


def _variable_path(dataset: str) -> str:
    """Turn "dense/dense/kernel:0" (group, layer, weight) into Keras 3's "dense/kernel"."""
    return dataset.split("/", 1)[1].removesuffix(":0")


def _assign(model: keras.Model, arrays: Arrays) -> None:
    variables = _variables(model)
    for dataset, array in arrays.items():
        variables[_variable_path(dataset)].assign(array)


def _save(model: keras.Model, shapes: Layout, path: Path) -> None:
    variables = _variables(model)
    groups = dict.fromkeys(name.split("/", 1)[0] for name in shapes)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = _names([*EMPTY_LAYERS, *groups])
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = keras.__version__.encode()
        for group in (*EMPTY_LAYERS, *groups, "top_level_model_weights"):
            members = [name for name in shapes if name.startswith(f"{group}/")]
            weight_names = [name.removeprefix(f"{group}/") for name in members]
            file.create_group(group).attrs["weight_names"] = _names(weight_names)
        for name, shape in shapes.items():
            array = variables[_variable_path(name)].value.numpy()
            file.create_dataset(name, shape, np.float32, array)


def _names(names: list[str]) -> NDArray[np.bytes_]:
    return np.array([name.encode() for name in names], dtype=np.bytes_)


def read_encoder(given: GivenFile) -> tuple[PatSize, Arrays]:
    """Recognise the size of an encoder file and return its arrays, all checked.

    The size is the one from whose layout the file departs in the fewest datasets. Raises
    InputError as `load_encoder` does, with the size taken for meant.
    """
    with _datasets(given, "published PAT encoder") as found:
        size = min(SIZES.values(), key=lambda size: _departures(found, layout(size)))
        return size, _arrays(given, found, layout(size), f"PAT-{size.name} encoder")


def encoder_with(size: PatSize, arrays: Arrays) -> keras.Model:
    """Build an encoder that has the arrays of `read_encoder` as its weights."""
    model = build_encoder(size)
    _assign(model, arrays)
    return model


def _departures(found: dict[str, h5py.Dataset], expected: Layout) -> int:
    shapes = {name: dataset.shape for name, dataset in found.items()}
    wrong = sum(shapes.get(name) != shape for name, shape in expected.items())
    return wrong + len(shapes.keys() - expected.keys())


def _read(path: Path, expected: Layout, wanted: str) -> Arrays:
    """Return the file's arrays in the order of `expected`, all checked."""
    given = read_given(path, MOST_BYTES, f"a complete {wanted} weights file")
    with _datasets(given, wanted) as found:
        return _arrays(given, found, expected, wanted)


@contextmanager
def _datasets(given: GivenFile, wanted: str) -> Iterator[dict[str, h5py.Dataset]]:
    """The file's datasets; whatever HDF5 says of a broken file becomes one InputError."""
    try:
        with h5py.File(BytesIO(given.data), "r") as file:
            yield datasets_of(file)
    except InputError:
        raise
    except H5Fault as fault:
        raise InputError(f"{given.name} {fault}; {_unchanged(wanted)}") from fault
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, *TOO_LARGE) as error:
        raise InputError(
            f"{given.name} cannot be read as an HDF5 file; give a complete {wanted} weights file."
        ) from error


def _unchanged(wanted: str) -> str:
    return f"give an unchanged {wanted} weights file."


def _arrays(
    given: GivenFile, found: dict[str, h5py.Dataset], expected: Layout, wanted: str
) -> Arrays:
    if fault := _layout_fault(found, expected):
        raise InputError(f"{given.name} {fault}; {_unchanged(wanted)}")
    arrays = {name: found[name][()] for name in expected}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            fault = f"holds a value that is not finite in {name}"
            raise InputError(f"{given.name} {fault}; {_unchanged(wanted)}")
    return arrays


def _layout_fault(found: dict[str, h5py.Dataset], expected: Layout) -> str:
    """Say what the first dataset that differs is. No value is read."""
    extra = shown(min(found.keys() - expected.keys(), default=""))
    for name, shape in expected.items():
        if name not in found:
            return f"has no dataset {name}" + (f" but the unexpected {extra}" if extra else "")
        dataset = found[name]
        if dataset.shape != shape:
            shapes = f"{dataset.shape} instead of {shape}"
            return f"has shape {shapes} in {name}{_fitting(name, dataset)}"
        if dataset.dtype != np.float32:
            return f"has type {dataset.dtype} instead of float32 in {name}"
        if fault := storage_fault(dataset):
            return f"{fault} {name}"
    return f"has the unexpected dataset {extra}" if extra else ""


def _fitting(name: str, dataset: h5py.Dataset) -> str:
    """Say of which sizes a shape is, where two of them are mixed."""
    sizes = [size.name for size in SIZES.values() if layout(size).get(name) == dataset.shape]
    return f", which is of PAT-{'/'.join(sizes)}" if sizes else ""
