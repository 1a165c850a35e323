"""Training and test people: weeks for PAT, person-days with both models' inputs for the rest."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.domain.daily import day_features
from scoring.domain.pat_window import (
    WEEK_MINUTES,
    PatWeek,
    Reference,
    of_a_week,
    pat_week,
    standardised,
)
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.vector import body_vector, own_vector, vector
from scoring.learning.controls import lived
from scoring.learning.episodes import Rates, episode_kinds, random_episodes
from scoring.learning.people import (
    CONTROLS,
    DIAGNOSIS_SHARES,
    EFFECTS,
    Course,
    Person,
    a_course,
    a_person,
    phq8_scores,
)
from scoring.learning.simulate import simulate_person_data

FIRST_DAY = date(2025, 1, 6)
ZONE = "Etc/UTC"  # simulated people need no clock changes to learn from
PHQ8_CUTOFF = 10
WEEK_COURSE_DAYS = 9
MIN_NIGHTS, MIN_WORN = 12, 0.30  # as the router asks
# A clinic with people who are well or lead lives that look like episodes: assumption.
CONTROL_SHARE = 0.30
HEART_SHARE, LIGHT_SHARE = 0.7, 0.3  # of devices: assumption
WORKERS = 2
# What PAT learns from is more varied than a clinic, so that it leans on nothing that real
# people may not share: when they live, and what tells that a device was worn.
TIMING_SD_HOURS = 2.0  # added to the usual mid-sleep of everybody who is learned from
BARE_SHARE = 0.5  # of them, with a recorder that knows activity and nothing else

THINNED_EVERY = 10  # day: neighbouring ones share nearly all of their nights

T = TypeVar("T")


class Member(NamedTuple):
    """One simulated person and what their device gives."""

    person: Person
    course: Course
    family: Family
    level: float
    heart: bool
    light: bool


@dataclass(frozen=True)
class Weeks:
    """Standardised weeks (n, 10080), PHQ-8 >= 10 that day, and whose week it is."""

    inputs: NDArray[np.float16]
    labels: NDArray[np.float32]
    people: NDArray[np.int64]


def a_member(
    rng: np.random.Generator, days: int, levels: Mapping[Family, float], rates: Rates
) -> Member:
    """Somebody of the clinic: a patient with their episodes, or a control with their life."""
    if rng.random() < CONTROL_SHARE:
        diagnosis, control = "well", str(rng.choice(CONTROLS))
    else:
        names = list(DIAGNOSIS_SHARES)
        diagnosis, control = str(rng.choice(names, p=list(DIAGNOSIS_SHARES.values()))), "none"
    person = a_person(rng, diagnosis, control)
    course = a_course(days, random_episodes(rng, diagnosis, days, rates), lived(rng, control, days))
    family = list(levels)[int(rng.integers(len(levels)))]
    heart, light = rng.random() < HEART_SHARE, rng.random() < LIGHT_SHARE
    return Member(person, course, family, levels[family], bool(heart), bool(light))


def kind_shares(
    seed: int, people: int, days: int, levels: Mapping[Family, float], rates: Rates
) -> NDArray[np.float64]:
    """Share of such people's days in each kind of episode (4,); nobody's minutes are made."""
    counted = np.zeros(len(EFFECTS), np.int64)
    for index in range(people):
        course = a_member(np.random.default_rng([seed, index]), days, levels, rates).course
        counted += np.bincount(episode_kinds(course), minlength=len(EFFECTS))
    return counted / counted.sum()


def recorded(rng: np.random.Generator, member: Member) -> PersonData:
    """The member's minutes and nights."""
    return simulate_person_data(
        rng, member.person, member.course, FIRST_DAY, ZONE, member.family, member.level,
        body=member.heart, light=member.light,
    )  # fmt: skip


def varied(rng: np.random.Generator, member: Member) -> Member:
    """The same person living earlier or later, without what this does to their mood."""
    shifted = member.person.midsleep_hours + rng.normal(0.0, TIMING_SD_HOURS)
    return member._replace(person=replace(member.person, midsleep_hours=shifted))


def simulated_week(
    rng: np.random.Generator, person: Person, course: Course, family: Family, level: float
) -> PatWeek:
    """The last week of a course, in a unit family whose waking minutes have that level."""
    data = simulate_person_data(rng, person, course, FIRST_DAY, ZONE, family, level)
    return pat_week(data, FIRST_DAY + timedelta(days=course.days - 1))


def simulate_weeks(
    seed: int,
    people: int,
    references: Mapping[Family, Reference],
    levels: Mapping[Family, float],
    first: int = 0,
    to_learn: bool = False,
) -> Weeks:
    """A week of each of so many people, from the ``first`` on; those hardly worn left out.

    ``to_learn`` makes them more varied than the people of a clinic are.
    """
    make = partial(_a_week, seed, dict(references), dict(levels), to_learn)
    inputs = np.empty((people, WEEK_MINUTES), np.float16)  # as they come: lists would take twice
    told: list[tuple[bool, int]] = []
    for made in _each(make, range(first, first + people), "weeks"):
        if made is not None:
            week, label, who = made
            inputs[len(told)] = week
            told.append((label, who))
    if not told:
        raise InputError(f"None of {people} simulated people has a week that is worn: make more.")
    labels, index = zip(*told, strict=True)
    return Weeks(inputs[: len(told)], np.array(labels, np.float32), np.array(index))


def _a_week(
    seed: int,
    references: dict[Family, Reference],
    levels: dict[Family, float],
    to_learn: bool,
    index: int,
) -> tuple[NDArray[np.float16], bool, int] | None:
    rng = np.random.default_rng([seed, index])
    member = a_member(rng, WEEK_COURSE_DAYS, levels, Rates())
    if to_learn:
        member = varied(rng, member)
    data = recorded(rng, member)
    if to_learn and rng.random() < BARE_SHARE:
        data = replace(data, heart_rate=None, sleep=())
    week = pat_week(data, FIRST_DAY + timedelta(days=WEEK_COURSE_DAYS - 1))
    label = bool(phq8_scores(rng, member.person, member.course)[-1] >= PHQ8_CUTOFF)
    if week.coverage < MIN_WORN:
        return None
    inputs = standardised(week, of_a_week(references[member.family]))
    return inputs.astype(np.float16), label, index


@dataclass(frozen=True)
class PersonDays:
    """Days of people with 12 nights behind them: one row a day in every array.

    ``inputs`` are the 36 and the 15 body features (n, 51), ``kinds`` the episode of the day,
    ``phq8`` its total; ``people`` and ``days`` say whose day it is and which, ``worn`` the share
    of the week that was worn. ``weeks`` (m, 10080) are the standardised weeks of the rows
    ``week_rows``. ``members`` are the people by their index. ``fewer`` are the inputs again with
    only that share of the nights before the day left, NaN on the days that were left out.
    """

    inputs: NDArray[np.float64]
    kinds: NDArray[np.int8]
    phq8: NDArray[np.float64]
    people: NDArray[np.int64]
    days: NDArray[np.int64]
    worn: NDArray[np.float64]
    weeks: NDArray[np.float16]
    week_rows: NDArray[np.int64]
    members: Mapping[int, Member]
    fewer: Mapping[float, NDArray[np.float64]] = field(default_factory=dict)


def simulate_person_days(
    seed: int,
    people: int,
    days: int,
    references: Mapping[Family, Reference] | None,
    levels: Mapping[Family, float],
    rates: Rates,
    sedentary: Mapping[Family, float],
    shares_left: Sequence[float] = (),
) -> PersonDays:
    """Every day with 12 nights behind it, of so many people over so many days.

    With ``references`` the week for PAT is kept of those that were worn enough; for each of
    ``shares_left`` every tenth day also has its inputs from that share of its nights.
    """
    shared = dict(references) if references else None
    make = partial(
        _days_of, seed, days, shared, dict(levels), rates, dict(sedentary), tuple(shares_left)
    )
    members: dict[int, Member] = {}
    rows: list[Row] = []
    weeks: KeptWeeks = []
    thinned: list[Thinned] = []
    for index, (member, of_person, kept, less) in enumerate(_each(make, range(people), "people")):
        members[index] = member
        weeks += [(len(rows) + at, week) for at, week in kept]
        thinned += [(len(rows) + at, share, values) for at, share, values in less]
        rows += of_person
    if not rows:
        raise InputError(
            f"None of {people} simulated people has {MIN_NIGHTS} nights in {days} days: make more."
        )
    inputs, kinds, phq8, whose, day, worn = (np.array(c) for c in zip(*rows, strict=True))
    return PersonDays(
        inputs, kinds.astype(np.int8), phq8, whose, day, worn,
        np.array([week for _, week in weeks], np.float16).reshape(-1, WEEK_MINUTES),
        np.array([row for row, _ in weeks], np.int64),
        members,
        _by_share(thinned, shares_left, inputs.shape),
    )  # fmt: skip


def _by_share(
    thinned: "list[Thinned]", shares: Sequence[float], shape: tuple[int, ...]
) -> dict[float, NDArray[np.float64]]:
    found = {share: np.full(shape, np.nan) for share in shares}
    for row, share, values in thinned:
        found[share][row] = values
    return found


Row = tuple[NDArray[np.float64], int, float, int, int, float]
KeptWeeks = list[tuple[int, NDArray[np.float16]]]
Thinned = tuple[int, float, NDArray[np.float64]]  # which row, the share left, the inputs


def _days_of(
    seed: int,
    days: int,
    references: dict[Family, Reference] | None,
    levels: dict[Family, float],
    rates: Rates,
    sedentary: dict[Family, float],
    shares_left: tuple[float, ...],
    index: int,
) -> tuple[Member, list[Row], KeptWeeks, list[Thinned]]:
    rng = np.random.default_rng([seed, index])
    member = a_member(rng, days, levels, rates)
    data = recorded(rng, member)
    scores = phq8_scores(rng, member.person, member.course)
    kinds = episode_kinds(member.course)
    reference = of_a_week(references[member.family]) if references else None
    # Of its own: nobody's recording is another for what is taken from it afterwards.
    luck = np.random.default_rng([seed, index, 1]).random(days)
    rows: list[Row] = []
    weeks: KeptWeeks = []
    less: list[Thinned] = []
    for day, features, seen, week in with_history(data, days, sedentary):
        inputs = vector(seen, features.day)
        if not features.night_present or inputs.nights_present < MIN_NIGHTS:
            continue
        values = np.concatenate((inputs.values, body_vector(seen, features.day)))
        for share in shares_left if day % THINNED_EVERY == 0 else ():
            left = [d for d in seen if d is features or luck[(d.day - FIRST_DAY).days] < share]
            less.append((len(rows), share, own_vector(left, features.day)))
        if reference and week.coverage >= MIN_WORN:
            weeks.append((len(rows), standardised(week, reference).astype(np.float16)))
        rows.append((values, int(kinds[day]), float(scores[day]), index, day, week.coverage))
    return member, rows, weeks, less


def with_history(
    data: PersonData, days: int, sedentary: Mapping[Family, float]
) -> Iterator[tuple[int, DayFeatures, list[DayFeatures], PatWeek]]:
    """Each day, its features, those of the 30 days that end with it, and its week."""
    seen: list[DayFeatures] = []
    phase = None
    for day in range(days):
        features, phase, week = day_features(
            data, FIRST_DAY + timedelta(days=day), phase, sedentary
        )
        seen = [*seen[-29:], features]
        yield day, features, seen, week


def _each(make: "partial[T]", indexes: range, what: str) -> Iterator[T]:
    """In order, by two processes; each person from a seed of their own."""
    with ProcessPoolExecutor(WORKERS) as pool:
        yield from tqdm(pool.map(make, indexes, chunksize=4), total=len(indexes), desc=what)
