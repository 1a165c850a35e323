from pathlib import Path
from typing import Any

import pytest

from patients.models import DeviceToken
from patients.tokens import token_issue
from tests import factories


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Where uploads of the test lie."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def token(db: None) -> DeviceToken:
    """A token of a patient's band."""
    return token_issue(patient=factories.patient("P-1"), label="band", by="tester")[0]
