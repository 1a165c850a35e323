"""Serves plotly.min.js from the installed wheel: one copy, no other host, nothing committed."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage

NAME = "plotly.min.js"
URL = f"vendor/{NAME}"


def plotly_folder() -> Path:
    """Where the wheel keeps its JavaScript; found without importing plotly."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise RuntimeError("plotly is not installed: run `make setup`.")
    return Path(spec.origin).parent / "package_data"


class _Prefixed(FileSystemStorage):
    prefix = "vendor"  # collectstatic puts the file into this folder


class PlotlyFinder(BaseFinder):
    """Finds ``vendor/plotly.min.js`` and nothing else."""

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        found = [str(plotly_folder() / NAME)] if path == URL else []
        return found if find_all else (found[0] if found else [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, Storage]]:
        yield NAME, _Prefixed(location=plotly_folder())
