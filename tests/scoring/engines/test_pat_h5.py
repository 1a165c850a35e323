from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from patients.domain.errors import InputError
from scoring.engines.artifacts import sha256_of
from scoring.engines.pat import SIZES, build_classifier, build_encoder
from scoring.engines.pat_h5 import (
    layout,
    load_classifier,
    load_encoder,
    save_classifier,
    save_encoder,
)
from tests.scoring.engines import recipe

S, M = SIZES["S"], SIZES["M"]
QUERY = "encoder_layer_1_transformer/encoder_layer_1_attention/query/kernel:0"
NORM = "encoder_layer_1_transformer/encoder_layer_1_norm2/beta:0"  # the last dataset of S

Arrays = dict[str, np.ndarray]


@pytest.fixture
def arrays(published: dict[str, recipe.Shapes]) -> Arrays:
    return recipe.recipe_arrays(published["S"])


@pytest.mark.parametrize("name", ["S", "M", "L"])
def test_layout_is_the_published_one(name: str, published: dict[str, recipe.Shapes]) -> None:
    assert list(layout(SIZES[name]).items()) == list(published[name].items())


def test_layout_of_h_holds_its_parameters() -> None:
    assert sum(int(np.prod(shape)) for shape in layout(SIZES["H"]).values()) == 3_967_040


def test_saved_encoder_has_the_published_layout(
    tmp_path: Path, published: dict[str, recipe.Shapes], arrays: Arrays
) -> None:
    source = recipe.write_legacy_h5(tmp_path / "recipe.h5", arrays)
    encoder = build_encoder(S)
    load_encoder(encoder, S, source)
    save_encoder(encoder, S, tmp_path / "saved.h5")
    with h5py.File(tmp_path / "saved.h5") as file:
        for name, array in arrays.items():
            assert file[name].dtype == np.float32
            np.testing.assert_array_equal(file[name][()], array, err_msg=name)
        weight_names = {
            f"{group.decode()}/{weight.decode()}": None
            for group in file.attrs["layer_names"]
            for weight in file[group.decode()].attrs["weight_names"]
        }
        assert list(weight_names) == list(published["S"])
        assert file.attrs["backend"] == "tensorflow"
        assert file.attrs["keras_version"] == keras.__version__
        assert "top_level_model_weights" in file


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    encoder = build_encoder(S)
    save_encoder(encoder, S, tmp_path / "a.h5")
    save_encoder(encoder, S, tmp_path / "b.h5")
    assert sha256_of(tmp_path / "a.h5") == sha256_of(tmp_path / "b.h5")


def test_keras_itself_loads_a_saved_file(tmp_path: Path) -> None:
    saved, fresh = build_encoder(M), build_encoder(M)
    save_encoder(saved, M, tmp_path / "m.h5")
    fresh.load_weights(tmp_path / "m.h5")
    for ours, theirs in zip(saved.weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.path)


def test_classifier_survives_saving_and_loading(tmp_path: Path) -> None:
    saved, fresh = build_classifier(S), build_classifier(S)
    save_classifier(saved, S, tmp_path / "s.h5")
    assert not np.array_equal(saved.weights[0].numpy(), fresh.weights[0].numpy())
    load_classifier(fresh, S, tmp_path / "s.h5")
    for before, after in zip(saved.weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(before.numpy(), after.numpy(), err_msg=before.path)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["dense_128/dense_128/kernel:0"].shape == (96, 128)
        assert file["output/output/bias:0"].shape == (1,)


def rename(arrays: Arrays) -> None:
    arrays[QUERY.replace("query", "qurey")] = arrays.pop(QUERY)


def drop(arrays: Arrays) -> None:
    del arrays[NORM]


def mix_sizes(arrays: Arrays) -> None:
    arrays[QUERY] = np.zeros((96, 12, 96), np.float32)


def spoil(arrays: Arrays) -> None:
    arrays[NORM][7] = np.nan


def overflow(arrays: Arrays) -> None:
    arrays[NORM][7] = np.inf


def widen(arrays: Arrays) -> None:
    arrays[NORM] = arrays[NORM].astype(np.float64)


def add(arrays: Arrays) -> None:
    arrays["dense/dense/scale:0"] = np.ones(96, np.float32)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (rename, QUERY),
        (drop, NORM),
        (mix_sizes, QUERY),
        (spoil, NORM),
        (overflow, NORM),
        (widen, NORM),
        (add, "dense/dense/scale:0"),
    ],
)
def test_changed_file_is_refused_by_the_name_of_its_dataset(
    change: Callable[[Arrays], None], named: str, tmp_path: Path, arrays: Arrays
) -> None:
    change(arrays)
    path = recipe.write_legacy_h5(tmp_path / "changed.h5", arrays)
    encoder = build_encoder(S)
    before = [variable.numpy() for variable in encoder.weights]
    with pytest.raises(InputError) as refusal:
        load_encoder(encoder, S, path)
    assert named in str(refusal.value)
    assert "changed.h5" in str(refusal.value)
    for old, variable in zip(before, encoder.weights, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


def test_file_of_another_size_is_refused(recipe_files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"\(96, 6, 96\) instead of \(96, 12, 96\)"):
        load_encoder(build_encoder(M), M, recipe_files["S"])


def test_classifier_file_is_refused_as_an_encoder(tmp_path: Path) -> None:
    save_classifier(build_classifier(S), S, tmp_path / "s.h5")
    with pytest.raises(InputError, match="unexpected dataset dense_128/dense_128/bias:0"):
        load_encoder(build_encoder(S), S, tmp_path / "s.h5")


def test_encoder_file_is_refused_as_a_classifier(recipe_files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no dataset dense_128/dense_128/kernel:0"):
        load_classifier(build_classifier(S), S, recipe_files["S"])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_file_is_refused(
    share: float, tmp_path: Path, recipe_files: dict[str, Path]
) -> None:
    whole = recipe_files["S"].read_bytes()
    path = tmp_path / "short.h5"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="short.h5 cannot be read as an HDF5 file"):
        load_encoder(build_encoder(S), S, path)


def test_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.h5 cannot be read"):
        load_encoder(build_encoder(S), S, tmp_path / "none.h5")
