"""Hostile uploads: all made by hand, and some of the many that `make check-hostile` brings."""

import json
from pathlib import Path

import pytest
from django.conf import LazySettings

from patients.ingest.sources import SOURCES, read_recordings
from tests.hostile.checks import Clinic, by_api, open_clinic
from tests.hostile.run import Run
from tests.hostile.seeds import Seed, pushes, seeds

COUNT, SEED = 300, 1


@pytest.fixture
def clinic(db: None, settings: LazySettings, tmp_path: Path) -> Clinic:
    settings.UPLOAD_DIR = tmp_path
    return open_clinic()


def test_there_is_a_valid_file_of_every_format() -> None:
    assert {seed.source for seed in seeds()} == set(SOURCES)


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: f"{seed.source} {seed.name}")
def test_what_is_spoilt_was_valid(seed: Seed, tmp_path: Path) -> None:
    path = tmp_path / seed.name
    path.write_bytes(seed.content)
    assert {r.source for r in read_recordings(path, "Europe/Berlin")} == {seed.source}


@pytest.mark.parametrize("push", pushes())
def test_the_pushes_that_are_spoilt_were_valid(clinic: Clinic, push: object) -> None:
    assert by_api(clinic, json.dumps(push).encode(), {}) == ""


def test_what_is_made_by_hand_does_no_harm(clinic: Clinic) -> None:
    run = Run(clinic)
    run.crafted()
    assert run.failures() == []


def test_what_is_spoilt_at_random_does_no_harm(clinic: Clinic) -> None:
    run = Run(clinic)
    run.mutated(COUNT, SEED)
    assert run.failures() == []
    assert sum(tally.cases for tally in run.tallies.values()) == COUNT
