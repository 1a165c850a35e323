"""Take many recordings of one patient in from disk, with a progress bar."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from patients.commands import JsonCommand, file_take, require_zone, timezone_argument
from patients.domain.errors import InputError
from patients.ingest.sources import SOURCES, check_there, source_named
from patients.storage import told
from scoring.runs import scoring_request


class Command(JsonCommand):
    help = "Store every recording in folders for a patient; what cannot be read is said."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
        parser.add_argument(
            "--patient", required=True, help="The patient's code; new ones are enrolled."
        )
        timezone_argument(parser)
        parser.add_argument("--source", default="auto")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        require_zone(options["patient"], options["timezone"])
        items = [item for path in options["paths"] for item in exports_in(path)]
        sizes = {item: size_bytes(item) for item in items}
        files = []
        with tqdm(total=sum(sizes.values()), unit="B", unit_scale=True) as bar:  # on stderr
            for item in items:
                bar.set_description(item.name[:30])
                files.append({"path": str(item)} | self.take(item, options))
                bar.update(sizes[item])
        counts = Counter(file["status"] for file in files)
        if counts["refused"] == len(files):
            raise InputError(f"No recording was stored. {files[0]['reason']}")
        return {
            "files": files,
            **{status: counts[status] for status in ("stored", "unchanged", "refused")},
            "days": sum(file.get("days", 0) for file in files),
            "minutes": sum(file.get("minutes", 0) for file in files),
        }

    def take(self, item: Path, options: dict[str, Any]) -> dict[str, Any]:
        """Store one recording; what happened to it."""
        try:
            stored, patient, is_new = file_take(
                options["patient"], item, options["timezone"], options["source"]
            )
        except InputError as refusal:
            return {"status": "refused", "reason": str(refusal)}
        if is_new:
            self.stderr.write(
                f"New patient {patient.code} enrolled: give them a care team, or nobody will see "
                "them."
            )
        if stored.changed:
            scoring_request(patient=patient)
        return told(stored)

    def text(self, answer: dict[str, Any]) -> str:
        return (
            f"Stored {answer['stored']} recordings, {answer['unchanged']} unchanged, "
            f"{answer['refused']} refused."
        )

    def refusals(self, answer: dict[str, Any]) -> list[str]:
        refused = [file for file in answer["files"] if file["status"] == "refused"]
        return [f"{Path(file['path']).name}: {file['reason']}" for file in refused]


def exports_in(path: Path) -> list[Path]:
    """The recordings at a path: itself where it is a file or one export, else what lies in it.

    Raises InputError where there is nothing.
    """
    check_there(path)
    if path.is_file() or any(source_named(name).recognises(path) for name in SOURCES):
        return [path]
    found = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    if not found:
        raise InputError(f"The folder {path.name} is empty; check the path.")
    return found


def size_bytes(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files: Iterable[Path] = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
