"""The npm packages of the checks of pages: axe-core and Lighthouse. `python -m` installs them."""

from pathlib import Path

from tests.node import Packages

PACKAGES = Packages(Path(__file__).resolve().parent / "node", "axe-core and Lighthouse")

if __name__ == "__main__":
    print(PACKAGES.unavailable_reason() or "", end="")
