"""Messages as JSON files in a folder, for an integration engine that reads them from there.

A file is whole or not there: it is written beside and then renamed. The same message, sent
again, has the same name, so it is written over and never lies there twice.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerts.fhir.answers import Delivered, TemporaryFailure
from alerts.fhir.client import name_of
from alerts.fhir.modelled import modelled


def written(folder: Path, resource: Mapping[str, Any]) -> Delivered:
    """Write the resource: `<authored>-<identifier>-<status>.json`, its folder made if missing.

    Raises InvalidResource, and TemporaryFailure where the folder cannot be written.
    """
    modelled(resource)
    at = "".join(c for c in str(resource["authoredOn"]) if c.isalnum())
    path = folder / f"{at}-{name_of(resource)['value']}-{resource['status']}.json"
    beside = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        with open(beside, "w", encoding="utf-8", opener=_private) as file:
            json.dump(resource, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _on_disk(folder)
    except OSError as error:
        raise TemporaryFailure(
            f"EHR_FOLDER cannot be written ({error.strerror or type(error).__name__})."
        ) from None
    return Delivered(None, path.name, duplicate=False)


def _private(path: str, flags: int) -> int:
    """Readable by the engine's group, and by nobody else."""
    return os.open(path, flags, 0o640)


def _on_disk(folder: Path) -> None:
    """The new name too, not the content alone, outlasts a power cut."""
    at = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(at)
    finally:
        os.close(at)
