"""Files as they come: alone, in a folder, or in a zip whose size is bounded before reading."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo, is_zipfile

from patients.domain.errors import InputError

MAX_FILES = 50_000
MAX_HEADS = 2_000  # looked into for telling what a folder or archive is
MAX_UNPACKED_BYTES = 8 * 1024**3  # the largest Apple exports reported hold 3.1 GB
MAX_RATIO = 200  # text packs 10 to 40 times; a bomb about 1,000 times
RATIO_FREE_BYTES = 1024**2  # below this a high ratio is harmless
HEAD_BYTES = 65_536
# What zipfile raises for archives that are damaged, or that only other programs can unpack.
BROKEN_ZIP = (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)
ZIP_START = b"PK\x03\x04"


@dataclass(frozen=True)
class Member:
    """One readable file; ``name`` is its path inside the folder or archive."""

    name: str
    size_bytes: int
    open: Callable[[], IO[bytes]]

    @property
    def basename(self) -> str:
        """The name without its folders, and without control characters, as messages name it."""
        return "".join(c for c in self.name.rsplit("/", 1)[-1] if c.isprintable())

    def head(self) -> bytes:
        """The first HEAD_BYTES, for telling what it is."""
        with self.open() as stream:
            return stream.read(HEAD_BYTES)


@contextmanager
def members(path: Path, suffix: str | tuple[str, ...]) -> Iterator[list[Member]]:
    """The files ending in ``suffix`` of a folder or zip, by name; a single file as it is.

    ``suffix`` may be several. Nothing is extracted. InputError for an archive that is broken,
    encrypted, packed in an unusual way, or that would unpack to more than MAX_UNPACKED_BYTES or
    MAX_RATIO times.
    """
    if path.is_dir():
        files = list(islice(_names_below(path, suffix), MAX_FILES + 1))
        _check_count(path, len(files))
        yield [_file(path / name, name) for name in sorted(files)]
    elif is_zipfile(path):
        try:
            with ZipFile(path) as archive:
                yield _checked(path, archive, suffix)
        except BROKEN_ZIP as broken:
            raise InputError(f"{path.name} is a damaged zip archive; export it again.") from broken
    else:
        alone = _file(path, path.name)
        if alone.head().startswith(ZIP_START):
            raise InputError(f"{path.name} is a zip archive that is cut off; copy it again.")
        yield [alone]


def sample(files: list[Member]) -> list[Member]:
    """The files to look into for telling the format: all, or MAX_HEADS of them evenly spread."""
    return files[:: -(-len(files) // MAX_HEADS) or 1]


def _wanted(name: str, suffix: str | tuple[str, ...]) -> bool:
    return name.lower().endswith(suffix) and not name.rsplit("/", 1)[-1].startswith("._")


def _names_below(folder: Path, suffix: str | tuple[str, ...]) -> Iterator[str]:
    for root, _, names in os.walk(folder):  # pathlib takes four times as long
        below = "" if root == str(folder) else f"{os.path.relpath(root, folder)}/"
        yield from (
            f"{below}{name}"
            for name in names
            if _wanted(name, suffix) and os.path.isfile(os.path.join(root, name))
        )


def _file(path: Path, name: str) -> Member:
    def opened() -> IO[bytes]:
        return path.open("rb")

    return Member(name, path.stat().st_size, opened)


def _checked(path: Path, archive: ZipFile, suffix: str | tuple[str, ...]) -> list[Member]:
    entries = archive.infolist()
    _check_count(path, len(entries))
    unpacked = sum(e.file_size for e in entries)
    if unpacked > MAX_UNPACKED_BYTES or any(map(_is_bomb, entries)):
        raise InputError(
            f"{path.name} would unpack to {unpacked:,} bytes from {path.stat().st_size:,}, which "
            "no recording does; export it again or unpack it and give the folder."
        )
    # No is_dir(): it fails for a forged entry without a name.
    wanted = [e for e in entries if _wanted(e.filename, suffix) and e.filename[-1:] not in "/"]
    for entry in wanted:
        if entry.flag_bits & 1 or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise InputError(
                f"{path.name} is encrypted or packed in an unusual way; "
                "give a plain zip without a password."
            )
    wanted.sort(key=lambda e: e.filename)
    return [Member(e.filename, e.file_size, partial(archive.open, e)) for e in wanted]


def _is_bomb(entry: ZipInfo) -> bool:
    # A size declared too small cannot hide a bomb: zipfile stops reading at the declared size.
    return entry.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * entry.compress_size)


def _check_count(path: Path, count: int) -> None:
    if count > MAX_FILES:
        raise InputError(
            f"{path.name} holds {count:,} files, over {MAX_FILES:,}; give the export alone."
        )
