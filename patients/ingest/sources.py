"""The formats that can be read, and the one function that reads any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patients.domain.errors import InputError
from patients.domain.recording import Recording
from patients.ingest import actlumus, apple_health, fitbit
from patients.ingest.base import shown, zone_of

AUTO = "auto"


@dataclass(frozen=True)
class Source:
    """One vendor's format: how it is called, told apart by content, and read."""

    label: str
    recognises: Callable[[Path], bool]
    parse: Callable[[Path, str], Recording]


SOURCES = {
    actlumus.SOURCE: Source("Condor ActLumus text log", actlumus.recognises, actlumus.parse),
    fitbit.SOURCE: Source(
        "Fitbit Takeout (steps, heart rate, sleep JSON)", fitbit.recognises, fitbit.parse
    ),
    apple_health.SOURCE: Source("Apple Health export", apple_health.recognises, apple_health.parse),
}


def read_recording(path: Path, zone: str, source: str = AUTO) -> Recording:
    """The recording in a file, folder or zip, in UTC; ``zone`` is where naive stamps were made.

    ``source`` is a name in SOURCES, or "auto" to tell it by content. InputError whenever
    there is no usable recording.
    """
    zone_of(zone)
    try:
        _check_there(path)
        return SOURCES[_source_of(path, source)].parse(path, zone)
    except OSError as failure:
        raise InputError(
            f"{path.name} cannot be read ({failure.strerror}); check the path and its permissions."
        ) from failure


def _check_there(path: Path) -> None:
    if not path.exists():
        raise InputError(f"There is no file or folder {path.name}; check the path.")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path.name} is neither a file nor a folder; give one of these.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; export the recording again.")


def _source_of(path: Path, source: str) -> str:
    """The name of the source to use, checked against the content."""
    if source not in (AUTO, *SOURCES):
        raise InputError(
            f"The source {shown(source)} is not known; use one of {', '.join((AUTO, *SOURCES))}."
        )
    if source != AUTO and SOURCES[source].recognises(path):
        return source
    found = next((name for name, s in SOURCES.items() if s.recognises(path)), None)
    if source == AUTO and found:
        return found
    if found:
        raise InputError(
            f"{path.name} is not a {source} recording, it looks like {found}; "
            f"use the source {found} or auto."
        )
    known = "; ".join(f"{name}: {s.label}" for name, s in SOURCES.items())
    raise InputError(f"{path.name} is in no known format; give one of these ({known}).")
