"""A published model is kept whole, once, and under the hash of its manifest, or not at all."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from patients.domain.errors import InputError
from scoring.engines import importing
from scoring.engines.artifacts import ArtifactError, load_manifest, sha256_of, verified_path
from scoring.engines.importing import Imported, import_mania, import_pat, store
from scoring.engines.models import Models
from scoring.engines.pat import SIZES, build_encoder
from scoring.engines.pat_h5 import layout, load_encoder
from tests.scoring.engines import recipe
from tests.scoring.engines.boosters import classifier, frame, pickled


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    arrays = recipe.recipe_arrays(layout(SIZES["S"]))
    return recipe.write_legacy_h5(tmp_path_factory.mktemp("given") / "weights.h5", arrays)


@pytest.fixture(scope="module")
def encoder(weights: Path) -> Imported:
    return import_pat(weights)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("given")
    classifier(1).save_model(folder / "HME.ubj")
    return {"ME": pickled(folder / "ME.pkl", classifier(0)), "HME": folder / "HME.ubj"}


@pytest.fixture(scope="module")
def boosters(pair: dict[str, Path]) -> Imported:
    return import_mania(pair)[0]


def test_an_encoder_is_described(encoder: Imported, weights: Path) -> None:
    assert (encoder.kind, encoder.size, encoder.sha256) == ("pat", "S", sha256_of(weights))
    assert "CC BY 4.0" in encoder.licence and "not stated in the file" in encoder.licence
    assert "not a scoring model" in encoder.reason


def test_weights_that_give_no_finite_output_are_refused(tmp_path: Path) -> None:
    arrays = recipe.recipe_arrays(layout(SIZES["S"]))
    arrays["dense/dense/kernel:0"][:] = 3e38
    path = recipe.write_legacy_h5(tmp_path / "pat.h5", arrays)
    with pytest.raises(InputError, match=r"pat\.h5 gives values that are not finite"):
        import_pat(path)


def test_a_stored_encoder_is_the_file_itself_and_loads(
    encoder: Imported, weights: Path, tmp_path: Path
) -> None:
    folder, is_new = store(encoder, tmp_path / "models")
    assert is_new and folder == tmp_path / "models" / f"pat-{sha256_of(weights)[:12]}"
    artifact = load_manifest(folder)["encoder"]
    assert verified_path(artifact).read_bytes() == weights.read_bytes()
    assert (artifact.kind, artifact.licence) == ("pat_encoder", encoder.licence)
    assert artifact.training["size"] == "S" and not artifact.is_simulated
    model = build_encoder(SIZES["S"])
    load_encoder(model, SIZES["S"], verified_path(artifact))
    with h5py.File(weights) as file:
        kernel = file["dense/dense/kernel:0"][()]
    np.testing.assert_array_equal(model.get_layer("dense").weights[0].numpy(), kernel)


def test_stored_boosters_are_a_mania_model_with_the_same_predictions(
    pair: dict[str, Path], tmp_path: Path
) -> None:
    vectors = frame(seed=5).to_numpy()
    imported, predicted = import_mania(pair, vectors)
    folder, _ = store(imported, tmp_path)
    results = Models(folder).mania_engine.probabilities(vectors)
    for name, result in zip(("ME", "HME"), results, strict=True):
        np.testing.assert_array_equal(result, np.float32(predicted[name]))
    assert not np.allclose(*results)
    np.testing.assert_array_equal(
        np.float32(predicted["ME"]), classifier(0).predict_proba(frame(seed=5))[:, 1]
    )


def test_the_hash_of_a_pair_tells_which_is_which(boosters: Imported, pair: dict[str, Path]) -> None:
    swapped = import_mania({"HME": pair["ME"], "ME": pair["HME"]})[0]
    assert swapped.sha256 != boosters.sha256
    assert boosters.size == "ME 12 trees, HME 12 trees"
    assert "not calibrated" in boosters.reason


def test_storing_again_changes_nothing(encoder: Imported, tmp_path: Path) -> None:
    folder, _ = store(encoder, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert store(encoder, tmp_path) == (folder, False)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize("model", ["encoder", "boosters"])
def test_a_changed_artefact_is_refused_by_every_load(
    model: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    imported: Imported = request.getfixturevalue(model)
    folder, _ = store(imported, tmp_path)
    for artifact in load_manifest(folder).values():
        path = verified_path(artifact)
        changed = bytearray(path.read_bytes())
        changed[-1] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ArtifactError, match="has hash"):
            verified_path(artifact)
    if model == "boosters":
        with pytest.raises(ArtifactError, match="has hash"):
            Models(folder).mania_engine  # noqa: B018
    with pytest.raises(InputError, match="was imported before and is changed since"):
        store(imported, tmp_path)


def test_a_folder_of_another_model_is_not_taken_for_this_one(
    encoder: Imported, tmp_path: Path
) -> None:
    store(encoder, tmp_path)
    other = replace(encoder.parts[0], training=encoder.parts[0].training | {"source_sha256": "0"})
    with pytest.raises(InputError, match="holds another model"):
        store(replace(encoder, parts=(other,)), tmp_path)


def test_nothing_is_left_of_a_store_that_fails_half_way(boosters: Imported, tmp_path: Path) -> None:
    second = replace(boosters.parts[1], file="no/such/folder.json")
    with pytest.raises(InputError, match="cannot be stored"):
        store(replace(boosters, parts=(boosters.parts[0], second)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_a_file_is_refused(encoder: Imported, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(InputError, match="cannot be stored"):
        store(encoder, tmp_path / "models")


def test_what_an_import_that_was_quicker_stored_is_kept(encoder: Imported, tmp_path: Path) -> None:
    folder, _ = store(encoder, tmp_path)
    assert importing._written(encoder, tmp_path, folder) is False
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
