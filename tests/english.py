"""The English sentences that code makes for people, read from its text, holes and all."""

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tests.conftest import ROOT

# What is called with a sentence for people: reasons, refusals, why a track is not assessed.
CALLED = {
    *("Reason", "InputError", "NotAllowed", "NotInTable", "TooLarge", "NoRoom", "unavailable"),
    "failure",
    *("ArtifactError", "_refusal", "Refused", "InvalidResource", "ValidationError"),
}
# Read by operations and developers alone.
NOT_READ = {
    *("management", "learning", "datasets", "migrations", "evaluation.py", "commands.py"),
    "cds_views.py",
    *("device_api.py", "device_push.py", "model_services.py", "model_identity.py"),
    *("booster_file.py", "booster_json.py", "closed_pickle.py", "given_file.py", "importing.py"),
    *(
        "distributions.py",
        "pat_h5.py",
        "vectors_csv.py",
        "resources.py",
        "api.py",
        "outcome_api.py",
    ),
}
NOT_READ_ALONE = {"scoring/engines/mania.py", "scoring/domain/drift.py"}
HOLE = "\0"
MOST = 12


def sentences() -> Iterator[tuple[str, str]]:
    """The file and line, and the sentence with ``HOLE`` where a value goes."""
    for app in ("patients", "scoring", "alerts"):
        for path in sorted((ROOT / app).rglob("*.py")):
            alone = str(path.relative_to(ROOT)) in NOT_READ_ALONE
            if not alone and not NOT_READ & set(path.parts):
                yield from of_file(path)


def of_file(path: Path) -> Iterator[tuple[str, str]]:
    """Of one file, in the order in which they stand."""
    tree = ast.parse(path.read_text())
    known: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in CALLED:
            for text in (text for arg in node.args for text in readings(arg, known)):
                if " " in text.strip(HOLE + " .,;:"):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def readings(node: ast.expr, known: dict[str, list[ast.expr]], deep: int = 3) -> list[str]:
    """What an expression may say: both sides of an “if”, all that a name was set to."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        parts = [_part(value, known, deep) for value in node.values]
        return ["".join(each) for each in list(product(*parts))[:MOST]]
    if isinstance(node, ast.IfExp):
        return readings(node.body, known, deep) + readings(node.orelse, known, deep)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = readings(node.left, known, deep) or [HOLE], readings(node.right, known, deep)
        return ["".join(each) for each in product(sides[0], sides[1] or [HOLE])]
    if isinstance(node, ast.Name) and deep:
        found = known.get(node.id, [])
        return [text for each in found for text in readings(each, known, deep - 1)]
    return []


def _part(value: ast.expr, known: dict[str, list[ast.expr]], deep: int) -> list[str]:
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    inner = value.value if isinstance(value, ast.FormattedValue) else value
    plain = isinstance(inner, ast.IfExp) or (isinstance(inner, ast.Name) and inner.id.isupper())
    told = readings(inner, known, deep) if plain else []
    return told or [HOLE]


def skeleton(message: str) -> str:
    """A message of the catalogue as ``sentences`` gives it."""
    return re.sub(r"%\(\w+\)s", HOLE, message).replace("%%", "%")
