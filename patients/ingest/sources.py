"""The formats that can be read, and the one function that reads any of them.

Each format is a module of this package with ``SOURCE`` (its name), ``LABEL``,
``recognises(path)`` and ``parse(path, zone)``. A module is imported when it is needed, so that
reading a huge export does not carry what other formats need.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from patients.domain.errors import InputError
from patients.domain.plain import format_words
from patients.domain.recording import Recording
from patients.ingest.common import totals
from patients.ingest.common.base import Zone, shown, zones_of

AUTO = "auto"


class UnknownFormat(InputError):
    """The content is of none of the formats; the message names them all."""


class Source(Protocol):
    """One vendor's format: how it is called, told apart by content, and read."""

    SOURCE: str
    LABEL: str

    def recognises(self, path: Path) -> bool:
        """Whether the content is of this format, whatever its name."""

    def parse(self, path: Path, zone: Zone) -> Iterator[Recording]:
        """The recordings in it; ``zone`` is where naive stamps were made."""


# In the order in which a file is held against them: the open formats come last.
SOURCES = (
    "apple_health",
    "fitbit",
    "health_auto_export",
    "google_fit",
    "garmin_connect",
    "garmin_health",
    "oura",
    "actlumus",
    "actiwatch_awd",
    "actiwatch_csv",
    "actical",
    "philips_health_band",
    "mesa",
    "actigraph_csv",
    "actigraph_agd",
    "actigraph_gt3x",
    "empatica_e4",
    "ukbiobank_csv",
    "minute_csv",
)


def source_named(name: str) -> Source:
    """The module of a format in SOURCES."""
    return cast(Source, import_module(f"patients.ingest.{name}"))


def read_recordings(path: Path, zone: Zone, source: str = AUTO) -> Iterator[Recording]:
    """The recordings in a file, folder or zip, in UTC; ``zone`` is where naive stamps were made.

    One for each device, or several where a file is long: one at a time, so that memory does
    not grow with the file. ``source`` is a name in SOURCES, or "auto" to tell it by content.
    InputError whenever there is no usable recording; it may come after the first one.
    """
    zones_of(zone)
    try:
        check_there(path)
        yield from _source_of(path, source).parse(path, zone)
    except OSError as failure:
        raise InputError(
            f"{path.name} cannot be read ({failure.strerror}); check the path and its permissions."
        ) from failure


def check_there(path: Path) -> None:
    """InputError unless there is a file or folder with something in it."""
    if not path.exists():
        raise InputError(f"There is no file or folder {path.name}; check the path.")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path.name} is neither a file nor a folder; give one of these.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; export the recording again.")


def _source_of(path: Path, name: str) -> Source:
    """The format to use, checked against the content."""
    if name not in (AUTO, *SOURCES):
        raise InputError(
            f"The source {shown(name)} is not known; use one of {', '.join((AUTO, *SOURCES))}."
        )
    if name != AUTO and source_named(name).recognises(path):
        return source_named(name)
    every = map(source_named, SOURCES)
    found = next((source for source in every if source.recognises(path)), None)
    if name == AUTO and found:
        return found
    if found:
        raise InputError(
            f"{path.name} is not a {name} recording, it looks like {found.SOURCE}; "
            f"use the source {found.SOURCE} or auto."
        )
    if of := totals.only_of(path):
        raise InputError(
            f"{path.name} holds only totals or scores of {format_words(of)}, "
            f"from which no minute can be told; {totals.INSTEAD[of]}."
        )
    known = "; ".join(f"{each}: {source_named(each).LABEL}" for each in SOURCES)
    raise UnknownFormat(f"{path.name} is in no known format; give one of these ({known}).")
