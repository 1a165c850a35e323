"""Fixtures every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on the machine: speeds are measured by `make bench`.
settings.register_profile("clarity", deadline=None)
settings.load_profile("clarity")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference facts and real recordings beside the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the reference folder ../shared is not here")
    return folder
