"""Take in a published model: PAT's encoder weights or the boosters of mood episodes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.services import SYSTEM
from scoring.engines.importing import PARTS, Imported, import_mania, import_pat

USAGE = "give `pat PATH` or `mania ME=PATH HME=PATH [DE=PATH]`"
KINDS = ("pat", "mania")


class Command(JsonCommand):
    help = "Check a published model, keep it as a shadow, and predict with its boosters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", help="pat or mania")
        parser.add_argument("files", nargs="+", help="PATH; of boosters NAME=PATH, see above")
        parser.add_argument("--check", action="store_true", help="Store nothing; no database.")
        parser.add_argument(
            "--predict",
            type=Path,
            metavar="VECTORS.csv",
            help="Also give each booster's raw probability of each row of a CSV with the 36 "
            "features.",
        )

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        paths = _paths(options["kind"], options["files"])
        vectors = _vectors(options["kind"], options["predict"])
        try:
            imported, predictions = _imported(options["kind"], paths, vectors)
        except InputError as error:
            return _answer(options["kind"], None, str(error))
        stored = {} if options["check"] else _stored(imported)
        predicted = {"predictions": predictions} if predictions else {}
        return _answer(options["kind"], imported, imported.reason) | stored | predicted

    def refusals(self, answer: dict[str, Any]) -> list[str]:
        """The sentence of a refused model."""
        return [answer["reason"]] if answer["status"] == "refused" else []

    def text(self, answer: dict[str, Any]) -> str:
        if answer["status"] == "refused":
            return f"{answer['kind']}: refused, nothing was stored"
        return "\n".join(
            [
                f"{answer['kind']} {answer['size']}: {answer['status']}. {answer['reason']}",
                f"sha256 {answer['sha256']}",
                f"licence: {answer['licence']}",
                *(f"{name}: {rows}" for name, rows in answer.get("predictions", {}).items()),
            ]
        )


def _paths(kind: str, given: Sequence[str]) -> dict[str, Path]:
    """Name to path, as the command line has them: PAT's single file goes by the name PAT."""
    if kind not in KINDS:
        raise InputError(f"“{kind}” is no kind of model: {USAGE}.")
    if kind == "pat":
        if len(given) != 1:
            raise InputError(f"{len(given)} files were given for PAT: {USAGE}.")
        return {"PAT": Path(given[0])}
    paths: dict[str, Path] = {}
    for word in given:
        name, equals, path = word.partition("=")
        if name not in PARTS or not equals or not path or name in paths:
            raise InputError(f"“{word}” is not one of ME=PATH, HME=PATH and DE=PATH: {USAGE}.")
        paths[name] = Path(path)
    if missing := [name for name in ("ME", "HME") if name not in paths]:
        raise InputError(f"{missing[0]}=PATH is missing: {USAGE}.")
    return paths


def _vectors(kind: str, path: Path | None) -> Any:
    if path is None:
        return None
    if kind != "mania":
        raise InputError("--predict is for boosters, and PAT alone predicts nothing: leave it out.")
    from scoring.engines.vectors_csv import read_vectors

    return read_vectors(path)


def _imported(
    kind: str, paths: dict[str, Path], vectors: Any
) -> tuple[Imported, dict[str, list[float]]]:
    return (import_pat(paths["PAT"]), {}) if kind == "pat" else import_mania(paths, vectors)


def _stored(imported: Imported) -> dict[str, Any]:
    from scoring.model_imports import model_import

    folder, version = model_import(imported=imported, by=SYSTEM)
    return {"folder": str(folder), "version": version.version}


def _answer(kind: str, imported: Imported | None, reason: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "size": imported.size if imported else None,
        "sha256": imported.sha256 if imported else None,
        "licence": imported.licence if imported else None,
        "status": "shadow" if imported else "refused",
        "reason": reason,
        "parts": [
            {"name": part.name, "sha256": part.training["source_sha256"]}
            for part in (imported.parts if imported else ())
        ],
    }
