"""Which simulated people a model has learned from, so that nobody is measured on them."""

from collections.abc import Iterable, Mapping
from typing import Any

from patients.domain.errors import InputError

SEEDS_USED = 8  # from a training's on: to learn, to calibrate, to measure


def seeds_of(trainings: Iterable[Mapping[str, Any]]) -> list[int]:
    """The seeds of those trainings of artefacts that say one."""
    return [int(training["seed"]) for training in trainings if "seed" in training]


def check_unseen(seed: int, people: int, learned: Iterable[int], suggestion: str) -> None:
    """InputError for a --seed whose people to measure on a model has learned from.

    ``people`` is the seed that these people are simulated from, ``learned`` the seeds of the
    models' trainings. A training of the same seed measures on people whom it keeps apart.
    """
    seen = any(
        0 <= people - used < SEEDS_USED for used in learned if used != seed or people == seed
    )
    if seed < 0 or seen:
        raise InputError(
            f"The seed {seed} is below 0 or gives people whom training has seen: give --seed "
            f"another number, such as {suggestion}."
        )
