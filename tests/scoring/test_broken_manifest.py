"""A recording analysed while the models' manifest cannot be trusted: an answer all the same."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring import resources
from scoring.analysis import analysis
from scoring.domain.output import RESEARCH_USE
from scoring.engines.artifacts import MANIFEST
from tests.model_folders import copied, manifest_edited
from tests.people import ZONE, recording

FAILED = "the files of its model are missing or were changed"


def broken(folder: Path) -> None:
    (folder / MANIFEST).write_text("{")


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: manifest_edited(folder, lambda entries: entries.pop(name))


def mistyped(folder: Path) -> None:
    manifest_edited(folder, lambda entries: entries["depression"].update(training=[]))


@pytest.mark.parametrize(
    ("spoil", "failed"),
    [
        (broken, {"depression", "mania"}),
        (mistyped, {"depression", "mania"}),
        (without("depression"), {"depression"}),
        (without("references"), {"depression"}),
        (without("mania"), {"mania"}),
    ],
)
def test_tracks_whose_model_cannot_be_named_are_unavailable_and_research_use_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], None],
    failed: set[str],
) -> None:
    spoil(copied(tmp_path / "artifacts"))
    monkeypatch.setattr(resources, "ARTIFACTS", tmp_path / "artifacts")
    answer = analysis(recording(), ZONE)
    for track in ("depression", "mania"):
        found = answer[track]
        assert (found["status"] == "unavailable") is (track in failed)
        assert (found["reason"] or "").startswith(FAILED) is (track in failed)
    assert answer["notice"] == RESEARCH_USE
    assert json.dumps(answer, allow_nan=False)
