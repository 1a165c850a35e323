"""Samples of a huge file, put aside on disk by their date, so that memory does not grow with it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError

Rows = NDArray[np.void]  # of ROW
Parts = NDArray[np.int64]  # places of stretches of PART_SECONDS since 1970

PART_SECONDS = 32 * 24 * 3600
MOST_ROWS = 1_000_000  # of one part, in which a Watch tells some 25,000
ROW = np.dtype(
    [("start", "i8"), ("end", "i8"), ("value", "f8"), ("lane", "u2"), ("channel", "u1")]
)  # start and end are UTC seconds since 1970


class Spill:
    """Rows that are written in any order and read back part by part, in order of time.

    The one temporary file has no name, so that nothing of it stays behind whatever happens.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed on leaving the context
        self._blocks: list[tuple[int, Parts, NDArray[np.int64]]] = []  # offset, parts, row counts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, rows: Rows, parts: Parts) -> None:
        """Put rows aside, each in its part. Both have the shape (n,)."""
        order = np.argsort(parts, kind="stable")
        found, counts = np.unique(parts, return_counts=True)
        self._blocks.append((self._file.tell(), found, counts))
        self._file.write(rows[order].tobytes())

    def parts(self) -> list[int]:
        """The parts that hold rows, in order of time."""
        every = [found for _, found, _ in self._blocks]
        return [int(part) for part in np.unique(np.concatenate(every))] if every else []

    def rows(self, part: int, path: Path) -> Rows:
        """The rows of one part, in no order; InputError, which names ``path``, if too many."""
        places = list(self._places(part))
        if sum(count for _, count in places) > MOST_ROWS:
            raise InputError(
                f"{path.name} has over {MOST_ROWS:,} samples within a month; "
                "export a shorter span of time."
            )
        return np.concatenate([self._read(at, count) for at, count in places] or [np.empty(0, ROW)])

    def _places(self, part: int) -> Iterator[tuple[int, int]]:
        for offset, found, counts in self._blocks:
            at = int(np.searchsorted(found, part))
            if at < found.size and found[at] == part:
                yield offset + int(counts[:at].sum()) * ROW.itemsize, int(counts[at])

    def _read(self, at: int, count: int) -> NDArray[Any]:
        self._file.seek(at)
        return np.frombuffer(self._file.read(count * ROW.itemsize), ROW)
