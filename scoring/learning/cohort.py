"""Training sets from simulated people: weeks for PAT, vectors for the trees."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from patients.domain.recording import Family
from scoring.domain.daily import daily_features
from scoring.domain.pat_window import (
    WEEK_MINUTES,
    PatWeek,
    Reference,
    of_a_week,
    pat_week,
    standardised,
)
from scoring.domain.types import DayFeatures
from scoring.domain.vector import vector
from scoring.learning.people import (
    DEPRESSION,
    HYPOMANIA,
    MANIA,
    Course,
    Episode,
    Person,
    a_course,
    a_person,
    phq8_scores,
    random_episodes,
)
from scoring.learning.simulate import simulate_person_data

FIRST_DAY = date(2025, 1, 6)
ZONE = "Etc/UTC"  # simulated people need no clock changes to learn from
PHQ8_CUTOFF = 10
WEEK_COURSE_DAYS = 9
DIAGNOSES = ("well", "mdd", "bipolar_1", "bipolar_2")
SHARES = (0.25, 0.25, 0.3, 0.2)  # a mood clinic with some well people (assumption)


@dataclass(frozen=True)
class Weeks:
    """Standardised weeks (n, 10080), PHQ-8 >= 10 that day, and whose week it is."""

    inputs: NDArray[np.float32]
    labels: NDArray[np.float32]
    people: NDArray[np.int64]


def simulated_week(
    rng: np.random.Generator, person: Person, course: Course, family: Family, level: float
) -> PatWeek:
    """The last week of a course, in a unit family whose waking minutes have that level."""
    data = simulate_person_data(rng, person, course, FIRST_DAY, ZONE, family, level)
    return pat_week(data, FIRST_DAY + timedelta(days=course.days - 1))


def simulate_weeks(
    seed: int, people: int, references: dict[Family, Reference], levels: dict[Family, float]
) -> Weeks:
    """One week for each of so many people, of any unit family, some with much not worn."""
    rng = np.random.default_rng(seed)
    inputs = np.empty((people, WEEK_MINUTES), dtype=np.float32)
    labels = np.empty(people, dtype=np.float32)
    families = list(levels)
    for i in tqdm(range(people), desc="weeks"):
        diagnosis = str(rng.choice(DIAGNOSES, p=SHARES))
        family = families[int(rng.integers(len(families)))]
        person, course = a_person(rng, diagnosis), _course_with_week(rng, diagnosis)
        week = simulated_week(rng, person, course, family, levels[family])
        labels[i] = phq8_scores(rng, person, course)[-1] >= PHQ8_CUTOFF
        inputs[i] = standardised(_less_worn(rng, week), of_a_week(references[family]))
    return Weeks(inputs, labels, np.arange(people))


def _course_with_week(rng: np.random.Generator, diagnosis: str) -> Course:
    """A short course that ends inside an episode, at its edge, or well."""
    chances = {
        "well": (0, 0, 0),
        "mdd": (0.75, 0, 0),
        "bipolar_1": (0.5, 0.05, 0.15),
        "bipolar_2": (0.55, 0.15, 0),
    }[diagnosis]
    draw, total = rng.random(), 0.0
    for kind, chance in zip((DEPRESSION, HYPOMANIA, MANIA), chances, strict=True):
        total += chance
        if draw < total:
            begun = int(rng.integers(-14, WEEK_COURSE_DAYS - 2))
            episode = Episode(kind, max(begun, 0), 40, float(rng.uniform(0.6, 1.0)))
            course = a_course(WEEK_COURSE_DAYS, [episode])
            if begun < 0:  # already unfolded before the course begins
                course = Course(course.kind, np.full(WEEK_COURSE_DAYS, episode.severity))
            return course
    return a_course(WEEK_COURSE_DAYS, [])


def _less_worn(rng: np.random.Generator, week: PatWeek) -> PatWeek:
    """Half of the weeks lose blocks of hours, so that the model meets such weeks."""
    if rng.random() < 0.5:
        return week
    worn = week.worn.copy()
    for _ in range(int(rng.integers(1, 9))):
        start = int(rng.integers(0, WEEK_MINUTES - 1440))
        worn[start : start + int(rng.integers(120, 1440))] = False
    return PatWeek(week.activity, worn)


@dataclass(frozen=True)
class Vectors:
    """The 36 features of days (n, 36), the mood of each day, and whose day it is."""

    inputs: NDArray[np.float64]
    moods: NDArray[np.int8]
    people: NDArray[np.int64]


def simulate_vectors(seed: int, people: int, days: int) -> Vectors:
    """Every day with 12 nights behind it, of so many people over so many days."""
    rng = np.random.default_rng(seed)
    inputs, moods, whose = [], [], []
    for i in tqdm(range(people), desc="vectors"):
        diagnosis = str(rng.choice(DIAGNOSES, p=SHARES))
        person = a_person(rng, diagnosis)
        course = a_course(days, random_episodes(rng, diagnosis, days))
        for index, values in _vectors(rng, person, course):
            inputs.append(values)
            # A day counts to the episode once it has half unfolded.
            unfolded = course.intensity[index] >= 0.3
            moods.append(int(course.kind[index]) if unfolded else 0)
            whose.append(i)
    return Vectors(np.array(inputs), np.array(moods, dtype=np.int8), np.array(whose))


def _vectors(
    rng: np.random.Generator, person: Person, course: Course
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    data = simulate_person_data(
        rng, person, course, FIRST_DAY, ZONE, Family.ACTIGRAPH_COUNTS, 2000.0
    )
    last = FIRST_DAY + timedelta(days=course.days - 1)
    seen: list[DayFeatures] = []
    for index, (features, _) in enumerate(daily_features(data, FIRST_DAY, last)):
        seen.append(features)
        v = vector(seen[-30:], features.day)
        if features.night_present and v.nights_present >= 12:
            yield index, v.values
