"""Folders of models for tests: the shipped ones, copied and changed with an honest manifest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scoring import resources
from scoring.engines.artifacts import MANIFEST, sha256_of

ALARMED, CALM = 0.999, 0.001


def copied(folder: Path) -> Path:
    """A copy of the shipped artefacts."""
    return Path(shutil.copytree(resources.ARTIFACTS, folder))


def manifest_edited(folder: Path, edit: Callable[[dict[str, dict[str, Any]]], object]) -> None:
    """Change the manifest's entries, given by name; a name that is removed goes."""
    path = folder / MANIFEST
    entries = {entry["name"]: entry for entry in json.loads(path.read_text())["artifacts"]}
    edit(entries)
    path.write_text(json.dumps({"artifacts": list(entries.values())}))


def rehashed(folder: Path) -> None:
    """The manifest says the hashes that the files have."""

    def edit(entries: dict[str, dict[str, Any]]) -> None:
        for entry in entries.values():
            entry["sha256"] = sha256_of(folder / entry["file"])

    manifest_edited(folder, edit)


def booster_edited(folder: Path, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change a booster as its JSON; the manifest follows."""
    path = folder / f"boosted_{name}.json"
    model = json.loads(path.read_text())
    edit(model["learner"])
    path.write_text(json.dumps(model))
    rehashed(folder)


def leaning(folder: Path, probability: float) -> Path:
    """Copied models whose boosters start from that probability: alarmed, or calm, by nature."""
    copied(folder)

    def edit(learner: dict[str, Any]) -> None:
        before = str(learner["learner_model_param"]["base_score"])
        text = f"{probability:E}"
        learner["learner_model_param"]["base_score"] = f"[{text}]" if "[" in before else text

    for name in ("mania", "hypomania"):
        booster_edited(folder, name, edit)
    return folder


def giving_nan(folder: Path) -> Path:
    """Copied models whose mania booster has a leaf that is no number in every tree."""
    copied(folder)

    def edit(learner: dict[str, Any]) -> None:
        for tree in learner["gradient_booster"]["model"]["trees"]:
            leaves = [at for at, left in enumerate(tree["left_children"]) if left == -1]
            for at in leaves:
                tree["split_conditions"][at] = float("nan")

    booster_edited(folder, "mania", edit)
    return folder


def spoilt(path: Path) -> None:
    """One bit of the file is turned over; its manifest does not know."""
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
