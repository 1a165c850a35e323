"""What truly moved simulated people, so that explanations can be checked against it.

The causes of a kind of episode are what the simulator's effects (people.py EFFECTS) change most in
what the model reads: the mean change over people from well days to the scored week, in SDs within
a person. Measured on simulated people and not listed by hand, because an effect reaches the
models through nights, minutes and a pacemaker: an hour of later sleep is less activity in the
morning. Measures of how long one sleeps are one cause, however many indexes say it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from patients.domain.recording import Family
from scoring.domain.daily import daily_features
from scoring.domain.explain import values_of
from scoring.domain.occlusion import PARTS
from scoring.domain.pat_window import pat_week
from scoring.domain.types import Contribution, DayFeatures, Floats, PersonData
from scoring.learning.people import (
    DEPRESSION,
    HYPOMANIA,
    MANIA,
    Episode,
    a_course,
    a_person,
)
from scoring.learning.simulate import simulate_person_data

KINDS = {
    "depression": (DEPRESSION, "mdd"),
    "hypomania": (HYPOMANIA, "bipolar_2"),
    "mania": (MANIA, "bipolar_1"),
}
FIRST_DAY, DAYS = date(2026, 1, 19), 45
ILL_DAYS = 11  # the scored day is the 11th, so that the whole week is ill and the weeks before well
SEVERITY = (0.6, 1.0)  # as episodes have it
LEVEL = 2000.0  # counts of an average waking minute
WELL_WEEKS = (2, 3, 4, 5)  # before the scored one; in the one just before the episode begins
SLEEP_LENGTH = frozenset(
    ("ST_long", "LongSleepWindow_length", "Sleep_percentage", "Sleep_amplitude")
)
TOP = 3
MEDIUM = 0.5
ALIKE = 0.8  # of the largest effect: means of some 60 people differ by less than their error


class Change(NamedTuple):
    """Of one person: ill less well, and the variance of well days; NaN where not known."""

    mean: float = float("nan")
    variance: float = float("nan")


@dataclass(frozen=True)
class SimulatedEpisode:
    """A person well for 34 days and ill for 11, with what was recorded of them."""

    kind: str
    person: PersonData
    days: Sequence[DayFeatures]

    @property
    def scored_day(self) -> date:
        """The last one."""
        return self.days[-1].day

    @property
    def last_well_day(self) -> date:
        """The day before the episode begins."""
        return self.days[-ILL_DAYS - 1].day


def simulated_episodes(kind: str, people: int, seed: int) -> Iterator[SimulatedEpisode]:
    """One episode of that kind for each of so many people."""
    number, diagnosis = KINDS[kind]
    last = FIRST_DAY + timedelta(days=DAYS - 1)
    for index in range(people):
        rng = np.random.default_rng([seed, number, index])
        who, severity = a_person(rng, diagnosis), float(rng.uniform(*SEVERITY))
        course = a_course(DAYS, [Episode(number, DAYS - ILL_DAYS, 2 * ILL_DAYS, severity)])
        person = simulate_person_data(
            rng, who, course, FIRST_DAY, "Etc/UTC", Family.ACTIGRAPH_COUNTS, LEVEL, body=True
        )
        yield SimulatedEpisode(
            kind, person, [f for f, _ in daily_features(person, FIRST_DAY, last)]
        )


def index_changes(episode: SimulatedEpisode) -> dict[str, Change]:
    """Of each index that the boosters read: the scored week against the well days."""
    by_day = [values_of(day) for day in episode.days]
    changes = {}
    for name in by_day[0]:
        values = np.array([np.nan if v[name] is None else v[name] for v in by_day], np.float64)
        changes[name] = _change(values[-7:], values[:-ILL_DAYS])
    return changes


def part_changes(episode: SimulatedEpisode) -> dict[str, Change]:
    """Of the activity in each part of the day, by which PAT is explained: the same."""
    ill = _part_means(episode, 0)
    well = np.concatenate([_part_means(episode, back) for back in WELL_WEEKS])
    return {name: _change(ill[:, n], well[:, n]) for n, name in enumerate(PARTS)}


def _part_means(episode: SimulatedEpisode, weeks_back: int) -> Floats:
    """Mean activity of each day's parts over worn minutes, NaN without any; shape (7, 4)."""
    week = pat_week(episode.person, episode.scored_day - timedelta(weeks=weeks_back))
    known = week.known.reshape(7, len(PARTS), -1)
    sums = np.where(known, week.activity.reshape(known.shape), 0.0).sum(axis=2, dtype=np.float64)
    return np.where(known.any(axis=2), sums / np.maximum(known.sum(axis=2), 1), np.nan)


def _change(ill: Floats, well: Floats) -> Change:
    ill, well = ill[~np.isnan(ill)], well[~np.isnan(well)]
    if not ill.size or well.size < 2:
        return Change()
    return Change(float(ill.mean() - well.mean()), float(well.var(ddof=1)))


def effect_sizes(changes: Sequence[Mapping[str, Change]]) -> dict[str, float]:
    """Mean change over the root of the mean variance; 0 where no day differs from another.

    Pooled so that one person who hardly ever naps does not decide about naps.
    """
    sizes = {}
    for name in changes[0]:
        known = [c[name] for c in changes if not np.isnan(c[name].mean)]
        spread = np.sqrt(np.mean([c.variance for c in known])) if known else 0.0
        sizes[name] = float(np.mean([c.mean for c in known]) / spread) if spread > 1e-9 else 0.0
    return sizes


def cause_of(name: str) -> str:
    """What a contribution is about: all measures of sleep length are one cause."""
    return "sleep length" if name in SLEEP_LENGTH else name


def true_causes(sizes: Mapping[str, float]) -> frozenset[str]:
    """The cause of the largest effect in whatever direction, and those it cannot be told from."""
    largest = max(abs(size) for size in sizes.values())
    return frozenset(cause_of(n) for n, size in sizes.items() if abs(size) >= ALIKE * largest)


def medium_causes(sizes: Mapping[str, float]) -> frozenset[str]:
    """Every cause of half an SD or more: Cohen's medium effect."""
    return frozenset(cause_of(name) for name, size in sizes.items() if abs(size) >= MEDIUM)


def rank_of(causes: frozenset[str], contributions: Sequence[Contribution]) -> int | None:
    """The best rank of a cause that raises, 1 the largest; None where none does.

    Points of one cause are added, and causes are ranked by how far they moved the probability,
    up or down.
    """
    points: dict[str, float] = {}
    for c in contributions:
        points[cause_of(c.name)] = points.get(cause_of(c.name), 0.0) + c.points
    raising = max((points.get(cause, 0.0) for cause in causes), default=0.0)
    return 1 + sum(abs(p) > raising for p in points.values()) if raising > 0 else None
