"""What `make check-…` runs begins: each by itself, as make starts it."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

CHECKS = sorted(path.stem for path in (ROOT / "tests").glob("check_*.py"))


@pytest.mark.parametrize("name", [*CHECKS, "delivery.__main__", "hostile.__main__"])
def test_a_check_can_be_started(name: str) -> None:
    command = [sys.executable, "-c", f"import tests.{name}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-600:]
