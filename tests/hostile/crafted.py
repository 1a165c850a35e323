"""What a hostile file made by hand is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.seeds import seeds

MB = 1_000_000


@dataclass(frozen=True)
class Crafted:
    """A hostile file; ``make`` writes it into an empty folder and returns its path."""

    name: str
    make: Callable[[Path], Path]
    tame: bool = False


def told(name: str, text: str | bytes) -> Callable[[Path], Path]:
    """A file of that name and content."""
    return lambda folder: written(folder / name, text)


def made(name: str, content: Callable[[], str | bytes]) -> Callable[[Path], Path]:
    """The same, for content that is too large to be kept."""
    return lambda folder: written(folder / name, content())


def written(path: Path, content: str | bytes) -> Path:
    """Write a file."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def seed(source: str, suffix: str = "") -> bytes:
    """The first valid file of a format whose name ends so."""
    return next(s.content for s in seeds() if s.source == source and s.name.endswith(suffix))
