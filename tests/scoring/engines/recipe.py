"""Weights and input of the golden recipe, written without any code of the project.

Dataset names and shapes come from the published layout's listing, values from the integer
hash that golden/pat_recipe_weights.json states.
"""

import re
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

Shapes = dict[str, tuple[int, ...]]
MASK = 0xFFFFFFFF


def published_layouts(listing: Path) -> dict[str, Shapes]:
    """Read golden/pat_h5_layout.txt: size name to {dataset: shape} in the listed order."""
    layouts: dict[str, Shapes] = {}
    for line in listing.read_text().splitlines():
        if heading := re.match(r"== PAT-(\w)", line):
            layouts[heading[1]] = shapes = {}
        elif row := re.match(r"(\S+:0)\s+\(([\d, ]+)\)$", line):
            shapes[row[1]] = tuple(int(number) for number in row[2].split(",") if number.strip())
    return layouts


def hash_values(count: int, tensor: int) -> NDArray[np.float64]:
    """The recipe's u(n, t), values in [-1, 1)."""
    h = np.arange(count, dtype=np.uint64) * 2654435761 + tensor * 40503 + 12345 & MASK
    h = (h ^ h >> 16) * 2246822519 & MASK
    h = (h ^ h >> 13) * 3266489917 & MASK
    h ^= h >> 16
    return h / 2**32 * 2 - 1


def recipe_arrays(shapes: Shapes) -> dict[str, NDArray[np.float32]]:
    """One array a dataset: sqrt(3/fan_in) u, 0.05 u, or 1 + 0.1 u by the kind of weight."""
    arrays = {}
    for tensor, (name, shape) in enumerate(shapes.items()):
        u = hash_values(int(np.prod(shape)), tensor).reshape(shape)
        if name.endswith("kernel:0"):
            # (heads, 96, 96) reads heads x 96 values; every other kernel reads its first axis
            fan_in = np.prod(shape[:-1]) if "attention_output" in name else shape[0]
            u = np.sqrt(3 / fan_in) * u
        else:
            u = 1 + 0.1 * u if name.endswith("gamma:0") else 0.05 * u
        arrays[name] = u.astype(np.float32)
    return arrays


def write_legacy_h5(path: Path, arrays: dict[str, NDArray[np.float32]]) -> Path:
    """Write arrays as legacy Keras does: a group a layer, names in attributes."""
    groups: dict[str, list[bytes]] = {}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
            group, _, weight = name.partition("/")
            groups.setdefault(group, []).append(weight.encode())
        for group, weights in groups.items():
            file[group].attrs["weight_names"] = weights
        file.attrs["layer_names"] = [group.encode() for group in groups]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.15.0"
    return path


def input_a() -> NDArray[np.float32]:
    """The recipe's week A, shape (1, 10080): a standardised daily sine."""
    wave = np.sin(2 * np.pi * np.arange(10_080) / 1_440)
    return ((wave - wave.mean()) / wave.std()).astype(np.float32)[None]
