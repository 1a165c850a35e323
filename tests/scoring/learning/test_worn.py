"""Wear told from the counts of simulated people alone, who wore their sensors all the time."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from patients.domain.recording import Family
from patients.domain.wear import REST_NOISE, worn_from_counts
from scoring.domain.grid import Grid, build_grid
from scoring.domain.types import PersonData
from scoring.learning.people import a_course
from tests.scoring.learning.test_simulate import FIRST, simulated

DAYS = 14
NOISE = REST_NOISE[Family.ACTIGRAPH_COUNTS]


@pytest.fixture(scope="module")
def people() -> list[PersonData]:
    return [simulated(seed, a_course(DAYS, [])) for seed in range(12)]


def grid_of(person: PersonData) -> Grid:
    return build_grid(person, FIRST, FIRST + timedelta(days=DAYS - 1))


def test_simulated_sleepers_are_worn_by_their_counts_alone(people: list[PersonData]) -> None:
    shares = []
    for person in people:
        values = grid_of(person).activity
        shares.append(worn_from_counts(values, NOISE)[~np.isnan(values)].mean())
    # All but the longer of their rests by day, which fill 1.7 % of the minutes.
    assert np.mean(shares) > 0.975 and min(shares) > 0.96


def test_their_sensor_on_a_table_for_a_night_is_unworn(people: list[PersonData]) -> None:
    for person in people:
        values = grid_of(person).activity.copy()
        night = slice(5 * 1440 - 120, 5 * 1440 + 420)
        values[night] = 0.0
        assert not worn_from_counts(values, NOISE)[night].any()


def test_people_with_a_heart_rate_are_worn_wherever_they_are_recorded(
    people: list[PersonData],
) -> None:
    # The training people have one, so that their wear, and all that was learnt from it, does
    # not depend on how stillness is read.
    for person in people:
        grid = grid_of(person)
        assert np.array_equal(grid.worn, grid.recorded)
        bare = grid_of(replace(person, heart_rate=None))
        assert not (bare.worn & ~grid.worn).any()
