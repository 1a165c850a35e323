"""Environments of their own for the packages that the benches compare with."""

import subprocess
import venv
from pathlib import Path

from tests.conftest import ROOT

ENVIRONMENTS = ROOT / ".bench"
COMPARATORS = ROOT / "tests/bench/comparators"
# As far as they work under Python 3.11; pyActigraphy itself comes without what it asks for.
PACKAGES = {
    "circadian": [["circadian==1.0.3"]],
    "onnxruntime": [["onnxruntime==1.32.0", "onnx==1.23.2", "h5py==3.14.0", "numpy==2.4.6"]],
    "pyactigraphy": [
        ["numpy==1.23.5", "pandas==1.5.3", "scipy<1.12", "numba<0.60", "lmfit", "joblib"],
        ["pyexcel", "pyexcel-ods3", "pyexcel-xlsx", "statsmodels", "plotly", "spm1d", "stochastic"],
        ["--no-deps", "pyActigraphy==1.2.2"],
    ],
}


def environment(package: str) -> Path | None:
    """The Python of an environment with the package, made at first; None if that fails."""
    folder = ENVIRONMENTS / package
    python, done = folder / "bin/python", folder / "done"
    if done.exists():
        return python
    venv.create(folder, with_pip=True, clear=True)
    for packages in PACKAGES[package]:
        command = [python, "-m", "pip", "install", "--quiet", *packages]
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            return None
    done.touch()
    return python
