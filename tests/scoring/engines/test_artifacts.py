import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scoring.engines.artifacts import (
    Artifact,
    ArtifactError,
    load_manifest,
    sha256_of,
    verified_path,
    write_manifest,
)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "model.bin").write_bytes(b"abc")
    return Artifact(
        folder=tmp_path,
        name="depression",
        file="model.bin",
        sha256="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",  # FIPS 180-4
        kind="pat-classifier",
        version="1",
        trained_on="simulated",
        training={"seed": 7},
        licence="Apache-2.0",
        metrics={"auc": 0.7},
        made_by="train",
        created="2026-11-20T08:00+00:00",
    )


def test_sha256_of_is_the_standards_example(artifact: Artifact) -> None:
    assert sha256_of(artifact.folder / artifact.file) == artifact.sha256


def test_manifest_survives_writing_and_reading(artifact: Artifact) -> None:
    other = replace(artifact, name="another", trained_on="NHANES")
    write_manifest(artifact.folder, [artifact, other])
    read = load_manifest(artifact.folder)
    assert read == {"another": other, "depression": artifact}
    assert [read[name].is_simulated for name in read] == [False, True]


def test_manifest_holds_the_agreed_keys_and_no_path(artifact: Artifact) -> None:
    write_manifest(artifact.folder, [artifact])
    text = (artifact.folder / "manifest.json").read_text()
    assert str(artifact.folder) not in text
    assert list(json.loads(text)["artifacts"][0]) == [
        "name",
        "file",
        "sha256",
        "kind",
        "version",
        "trained_on",
        "training",
        "licence",
        "metrics",
        "made_by",
        "created",
    ]


def test_verified_path_gives_an_unchanged_file(artifact: Artifact) -> None:
    assert verified_path(artifact).read_bytes() == b"abc"


def test_changed_file_is_refused_with_both_hashes(artifact: Artifact) -> None:
    (artifact.folder / "model.bin").write_bytes(b"abd")
    with pytest.raises(ArtifactError) as refusal:
        verified_path(artifact)
    actual = sha256_of(artifact.folder / "model.bin")
    assert f"has hash {actual}, its manifest says {artifact.sha256}" in str(refusal.value)
    assert "make train" in str(refusal.value)


def test_absent_file_is_refused(artifact: Artifact) -> None:
    (artifact.folder / "model.bin").unlink()
    with pytest.raises(ArtifactError, match=r"model\.bin is absent; run `make train`"):
        verified_path(artifact)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"artifacts": 3}', '{"artifacts": [{"name": "depression"}]}']
)
def test_broken_manifest_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="not a list of artefacts"):
        load_manifest(tmp_path)


def test_absent_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is absent"):
        load_manifest(tmp_path)


def test_manifest_that_names_an_artefact_twice_is_refused(artifact: Artifact) -> None:
    write_manifest(artifact.folder, [artifact, artifact])
    with pytest.raises(ArtifactError, match="twice"):
        load_manifest(artifact.folder)


@pytest.mark.parametrize("file", ["../model.bin", "/etc/hostname", "folder/model.bin"])
def test_manifest_that_points_out_of_its_folder_is_refused(file: str, artifact: Artifact) -> None:
    write_manifest(artifact.folder, [replace(artifact, file=file)])
    with pytest.raises(ArtifactError, match="name a file beside it"):
        load_manifest(artifact.folder)


def test_artifacts_need_no_model_library() -> None:
    code = (
        "import sys, scoring.engines.artifacts as a;"
        "sys.exit(bool({'tensorflow', 'keras', 'xgboost', 'shap', 'django'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
