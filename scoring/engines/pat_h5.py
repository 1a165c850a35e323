"""PAT weights in the published file layout: legacy Keras weights-only HDF5, read by path.

Keras matches such a file by order alone, so a wrong file could load without a word. Here
every dataset's name, shape, type and values are checked before one weight is touched.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.engines.pat import EMBED_DIM, HEAD_DIM, HIDDEN_DIM, PatSize
from scoring.engines.quiet_tensorflow import keras

Layout = dict[str, tuple[int, ...]]

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


def _assign(model: keras.Model, arrays: dict[str, NDArray[np.float32]]) -> None:
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


def _read(path: Path, expected: Layout, wanted: str) -> dict[str, NDArray[np.float32]]:
    """Return the file's arrays in the order of `expected`, all checked."""
    try:
        with h5py.File(path, "r") as file:
            found = _datasets(file)
            if fault := _first_fault(found, expected):
                raise InputError(f"{path.name} {fault}; give an unchanged {wanted} weights file.")
            return {name: found[name][()] for name in expected}
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name} cannot be read as an HDF5 file; give a complete {wanted} weights file."
        ) from error


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}

    def note(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(note)  # follows no link that leaves the file
    return found


def _first_fault(found: dict[str, h5py.Dataset], expected: Layout) -> str:
    for name, shape in expected.items():
        if name not in found:
            return f"has no dataset {name}"
        if found[name].shape != shape:
            return f"has shape {found[name].shape} instead of {shape} in {name}"
        if found[name].dtype != np.float32:
            return f"has type {found[name].dtype} instead of float32 in {name}"
        if not np.isfinite(found[name][()]).all():
            return f"holds a value that is not finite in {name}"
    extra = next((name for name in found if name not in expected), None)
    return f"has the unexpected dataset {extra}" if extra else ""
