"""The golden PAT recipe as fixtures."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scoring.engines import recipe


@pytest.fixture(scope="session")
def golden(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "golden" / "pat_recipe_weights.json").read_text())


@pytest.fixture(scope="session")
def published(shared: Path) -> dict[str, recipe.Shapes]:
    return recipe.published_layouts(shared / "golden" / "pat_h5_layout.txt")


@pytest.fixture(scope="session")
def recipe_files(
    published: dict[str, recipe.Shapes], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Size name to an encoder file in the published layout with the recipe's weights."""
    folder = tmp_path_factory.mktemp("recipe")
    return {
        name: recipe.write_legacy_h5(folder / f"{name}.h5", recipe.recipe_arrays(published[name]))
        for name in ("S", "M")
    }
