"""How true causes are found, and what counts as finding them."""

import numpy as np
import pytest

from scoring.domain.occlusion import PARTS
from scoring.domain.types import Contribution
from scoring.domain.vector_names import INDEX_NAMES
from scoring.learning.causes import (
    DAYS,
    ILL_DAYS,
    Change,
    SimulatedEpisode,
    effect_sizes,
    index_changes,
    medium_causes,
    part_changes,
    rank_of,
    simulated_episodes,
    true_causes,
)


@pytest.fixture(scope="module")
def episode() -> SimulatedEpisode:
    [made] = simulated_episodes("mania", 1, 3)
    return made


def test_the_same_seed_gives_the_same_episode(episode: SimulatedEpisode) -> None:
    [again] = simulated_episodes("mania", 1, 3)
    assert [d.indexes for d in again.days] == [d.indexes for d in episode.days]
    assert len(episode.days) == DAYS
    assert (episode.scored_day - episode.last_well_day).days == ILL_DAYS


def test_changes_are_of_the_scored_week_against_well_days(episode: SimulatedEpisode) -> None:
    changes = index_changes(episode)
    assert set(INDEX_NAMES) < set(changes)
    slept = np.array([np.nan if v is None else v for d in episode.days for v in d.indexes[:1]])
    expected = np.nanmean(slept[-7:]) - np.nanmean(slept[:-ILL_DAYS])
    assert changes["ST_long"].mean == pytest.approx(expected)
    assert changes["ST_long"].variance == pytest.approx(np.nanvar(slept[:-ILL_DAYS], ddof=1))
    assert list(part_changes(episode)) == list(PARTS)


def test_sizes_are_pooled_over_people() -> None:
    people = [
        {"a": Change(-2.0, 1.0), "b": Change(1.0, 0.0), "c": Change()},
        {"a": Change(-4.0, 3.0), "b": Change(1.0, 0.0), "c": Change(1.0, 4.0)},
    ]
    assert effect_sizes(people) == pytest.approx({"a": -3 / 2**0.5, "b": 0.0, "c": 0.5})


def test_causes_are_the_largest_effect_and_what_it_cannot_be_told_from() -> None:
    sizes = {"ST_long": -1.0, "Sleep_percentage": -1.3, "Circadian_phase": -1.2, "WT_long": 0.9}
    assert true_causes(sizes) == {"sleep length", "Circadian_phase"}
    assert true_causes(sizes | {"Steps": 3.0}) == {"Steps"}
    assert medium_causes(sizes | {"Steps": 0.4}) == {"sleep length", "Circadian_phase", "WT_long"}


def contributions(**points: float) -> list[Contribution]:
    return [Contribution(name, name, None, "", None, value) for name, value in points.items()]


def test_measures_of_sleep_length_rank_together() -> None:
    found = contributions(Circadian_phase=5, WT_long=-4, ST_long=2, Sleep_percentage=2.5, Steps=3)
    assert rank_of(frozenset({"sleep length"}), found) == 2
    assert rank_of(frozenset({"Steps"}), found) == 4
    assert rank_of(frozenset({"Steps", "Circadian_phase"}), found) == 1


def test_what_lowers_or_is_not_there_was_not_found() -> None:
    found = contributions(part_morning=-9, part_night=1)
    assert rank_of(frozenset({"part_morning"}), found) is None
    assert rank_of(frozenset({"part_evening"}), found) is None
    assert rank_of(frozenset({"part_night"}), found) == 2
