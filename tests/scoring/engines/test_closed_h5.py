"""HDF5 files that point elsewhere, unpack to more or are no weights: refused by the dataset."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from scoring.engines.given_file import GivenFile
from scoring.engines.pat import SIZES
from scoring.engines.pat_h5 import encoder_with, layout, read_encoder
from tests.scoring.engines import recipe

KERNEL = "dense/dense/kernel:0"
BIAS = "dense/dense/bias:0"
QUERY = "encoder_layer_1_transformer/encoder_layer_1_attention/query/kernel:0"


def read(path: Path) -> str:
    return read_encoder(GivenFile(path.name, path.read_bytes()))[0].name


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read(path)
    message = str(refused.value)
    assert message.startswith(f"{path.name} ") and "\n" not in message
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An encoder of the smallest size with the recipe's weights, by the layout of the code."""
    return recipe.write_legacy_h5(tmp_path / "pat.h5", recipe.recipe_arrays(layout(SIZES["S"])))


@pytest.mark.parametrize("name", ["S", "M", "L", "H"])
def test_each_size_is_recognised_and_loads(name: str, tmp_path: Path) -> None:
    arrays = recipe.recipe_arrays(layout(SIZES[name]))
    path = recipe.write_legacy_h5(tmp_path / "weights.h5", arrays)
    size, found = read_encoder(GivenFile(path.name, path.read_bytes()))
    assert size == SIZES[name]
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)
    if name == "S":
        encoder = encoder_with(size, found)
        np.testing.assert_array_equal(encoder.get_layer("dense").weights[0], arrays[KERNEL])


@pytest.mark.parametrize("name", ["S", "M"])
def test_a_file_of_the_golden_recipe_is_recognised(
    name: str, recipe_files: dict[str, Path]
) -> None:
    assert read(recipe_files[name]) == name


@pytest.mark.parametrize(
    ("mixed", "donor", "named"),
    [
        ("M", "S", QUERY),
        ("S", "L", KERNEL),
        ("L", "H", KERNEL),
    ],
)
def test_two_sizes_mixed_are_refused_by_the_dataset_of_the_other(
    mixed: str, donor: str, named: str, tmp_path: Path
) -> None:
    arrays = recipe.recipe_arrays(layout(SIZES[mixed]))
    shape = layout(SIZES[donor])[named]
    arrays[named] = np.zeros(shape, np.float32)
    message = refusal(recipe.write_legacy_h5(tmp_path / "mixed.h5", arrays))
    assert f"has shape {shape} instead of {layout(SIZES[mixed])[named]} in {named}" in message
    assert f"which is of PAT-{donor}" in message and f"PAT-{mixed} encoder" in message


def test_layers_of_a_larger_size_in_a_smaller_are_refused(tmp_path: Path) -> None:
    arrays = recipe.recipe_arrays(layout(SIZES["M"]))
    third = {
        name: a for name, a in recipe.recipe_arrays(layout(SIZES["L"])).items() if "_3_" in name
    }
    message = refusal(recipe.write_legacy_h5(tmp_path / "mixed.h5", arrays | third))
    assert "has the unexpected dataset encoder_layer_3_transformer/" in message


def replace_by(path: Path, name: str, make: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        make(file)


def soft(file: h5py.File) -> None:
    file[KERNEL] = h5py.SoftLink("/" + BIAS)


def external(file: h5py.File) -> None:
    file[KERNEL] = h5py.ExternalLink("other.h5", KERNEL)


def outside(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (18, 96), np.float32, external=[("/etc/passwd", 0, 18 * 96 * 4)])


def virtual(file: h5py.File) -> None:
    shape = (18, 96)
    sources = h5py.VirtualLayout(shape, np.float32)
    sources[:] = h5py.VirtualSource("other.h5", KERNEL, shape)
    file.create_virtual_dataset(KERNEL, sources)


def packed(file: h5py.File) -> None:
    file.create_dataset(KERNEL, data=np.zeros((18, 96), np.float32), compression="gzip")


def bomb(file: h5py.File) -> None:
    file.create_dataset(
        KERNEL, (18, 96), np.float32, maxshape=(None, None), chunks=(10_000, 10_000)
    )


def unwritten(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (18, 96), np.float32)


def a_type(file: h5py.File) -> None:
    file[KERNEL] = np.dtype("f4")


def a_group(file: h5py.File) -> None:
    file.create_group(KERNEL)


def big_endian(file: h5py.File) -> None:
    file.create_dataset(KERNEL, data=np.zeros((18, 96), ">f4"))


def text(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (18, 96), h5py.string_dtype())


def huge(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (2**40, 2**18), np.float32, chunks=(1024, 1024))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (soft, f"has a link in place of a dataset at {KERNEL}"),
        (external, f"has a link in place of a dataset at {KERNEL}"),
        (outside, f"takes from another file the values of {KERNEL}"),
        (virtual, f"takes from another file the values of {KERNEL}"),
        (packed, f"holds in chunks, which the published files do not, {KERNEL}"),
        (bomb, f"holds in chunks, which the published files do not, {KERNEL}"),
        (unwritten, f"holds no values in {KERNEL}"),
        (a_type, f"has something that is no dataset at {KERNEL}"),
        (a_group, f"has no dataset {KERNEL}"),
        (big_endian, f"has type >f4 instead of float32 in {KERNEL}"),
        (text, f"has type object instead of float32 in {KERNEL}"),
        (huge, f"has shape (1099511627776, 262144) instead of (18, 96) in {KERNEL}"),
    ],
)
def test_a_dataset_that_is_not_plainly_there_is_refused_by_its_name(
    make: Callable[[h5py.File], None], named: str, path: Path
) -> None:
    replace_by(path, KERNEL, make)
    assert named in refusal(path)


def test_a_link_beside_the_datasets_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["more"] = h5py.ExternalLink("/etc/passwd", "/")
    assert "has a link in place of a dataset at more" in refusal(path)


def test_a_huge_dataset_beside_the_others_is_refused_by_its_name(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_dataset("more/of/it", (2**40,), np.float32, chunks=(1024,))
    assert "has the unexpected dataset more/of/it" in refusal(path)


def test_a_group_that_holds_itself_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["dense/again"] = file["dense"]
    assert "too many groups in one another at dense/again/" in refusal(path)


def test_more_items_than_any_size_has_are_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for n in range(1_001):
            file.create_group(f"empty/{n}")
    assert "has more than 1000 items, at empty/" in refusal(path)


def test_a_renamed_dataset_is_refused_by_both_its_names(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.move(KERNEL, "dense/dense/kernal:0")
    assert f"has no dataset {KERNEL} but the unexpected dense/dense/kernal:0" in refusal(path)


@cache
def whole() -> bytes:
    """The bytes of a small encoder's file."""
    with TemporaryDirectory() as folder:
        arrays = recipe.recipe_arrays(layout(SIZES["S"]))
        return recipe.write_legacy_h5(Path(folder) / "pat.h5", arrays).read_bytes()


@settings(deadline=None, max_examples=150)
@example(changes=[(48, 255)])  # once an OverflowError
@given(changes=st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=3))
def test_a_changed_byte_is_read_or_refused_and_nothing_else(
    changes: list[tuple[int, int]],
) -> None:
    """The first kilobytes hold the groups, the rest mostly numbers."""
    changed = bytearray(whole())
    for place, value in changes:
        changed[place] = value
    try:
        read_encoder(GivenFile("pat.h5", bytes(changed)))
    except InputError as error:
        assert str(error).startswith("pat.h5 ")
