"""Reference distributions as an artefact: read as saved, refused when not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scoring.domain.drift import reference_of
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.artifacts import ArtifactError, load_manifest, sha256_of, write_manifest
from scoring.engines.distributions import read_distributions, save_distributions

NAMES = (*VECTOR_NAMES, "depression", "mania", "hypomania")


def test_what_is_saved_is_read_by_way_of_the_manifest(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(2, size=(len(NAMES), 500))
    values[3, :40], values[5], values[7] = np.nan, 0, np.nan
    saved = {name: reference_of(name, row) for name, row in zip(NAMES, values, strict=True)}
    artifact = save_distributions(saved.values(), tmp_path, seed=7, made_by="test")
    assert (artifact.kind, artifact.file) == ("reference_distributions", "distributions.json")
    assert artifact.training["person_days"]["mania"] == 500
    write_manifest(tmp_path, [artifact])
    found = read_distributions(load_manifest(tmp_path)["distributions"])
    assert found == saved and tuple(found) == NAMES


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    artifact = save_distributions([reference_of("mania", [0.1])], tmp_path, 7, "test")
    path = tmp_path / artifact.file
    path.write_text(path.read_text().replace("0.1", "0.2"))
    with pytest.raises(ArtifactError, match="hash"):
        read_distributions(artifact)


@pytest.mark.parametrize("text", ["{}", "[", '{"distributions": [{"name": "x"}]}', "[1]"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    artifact = save_distributions([reference_of("mania", [0.1])], tmp_path, 7, "test")
    path = tmp_path / artifact.file
    path.write_text(text)
    with pytest.raises(ArtifactError, match="not as it was written"):
        read_distributions(replace(artifact, sha256=sha256_of(path)))
