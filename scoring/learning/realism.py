"""Simulated people beside published values: how far they are from the people of the studies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from patients.domain.recording import Family
from scoring.domain.daily import daily_features
from scoring.domain.rules import PROVENANCE, load_realism
from scoring.learning.episodes import episode_kinds, random_episodes
from scoring.learning.people import (
    DEPRESSION,
    DIAGNOSIS_SHARES,
    HYPOMANIA,
    MANIA,
    Course,
    Episode,
    Person,
    a_course,
    a_person,
    phq8_scores,
)
from scoring.learning.simulate import (
    in_units,
    resting_rates,
    simulate_intensity,
    simulate_nights,
    simulate_person_data,
)

FIRST_DAY = date(2025, 1, 6)
WINDOW_DAYS = 14
WELL_DAYS = 40  # before the episode whose phase is measured
EPISODE_DAYS = 25


@dataclass(frozen=True)
class Row:
    """One measure: what was published, within which bounds a simulated value lies, and which."""

    name: str
    unit: str
    people: str
    source: str
    low: float
    high: float
    published: str
    simulated: float

    @property
    def holds(self) -> bool:
        return self.low <= self.simulated <= self.high


def realism_table(path: Path, seed: int, people: int) -> list[Row]:
    """The rows of realism.toml, measured on so many simulated patients and as many others."""
    table = load_realism(path)
    measured = dict(_measures(seed, people))
    return [
        _row(name, values, measured[name], table["within"])
        for name, values in table.items()
        if name not in (*PROVENANCE, "within", "assumption")
    ]


def assumptions(path: Path) -> list[str]:
    """A line for each effect of a mood that no published value bounds: what, how much, why."""
    return [
        f"{row['effect']} in {row['state']}: {row['size']} ({row['why']})"
        for row in load_realism(path)["assumption"]
    ]


def _row(name: str, values: dict[str, object], simulated: float, within: float) -> Row:
    told = {key: str(values[key]) for key in ("unit", "people", "source")}
    if "published" in values:
        value = float(str(values["published"]))
        margin = within * abs(value)
        return Row(name, **told, low=value - margin, high=value + margin,
                   published=f"{value:g}", simulated=simulated)  # fmt: skip
    low, high = (float(str(values[key])) for key in ("low", "high"))
    return Row(name, **told, low=low, high=high, published=f"{low:g} to {high:g}",
               simulated=simulated)  # fmt: skip


def _measures(seed: int, people: int) -> Iterator[tuple[str, float]]:
    rng = np.random.default_rng(seed)
    patients = [_lived(rng, a_person(rng, _diagnosis(rng))) for _ in range(people)]
    others = [_lived(rng, a_person(rng, "well")) for _ in range(people)]
    yield from _of_windows(patients)
    within = [_within_sd(lives) for lives in (patients, others)]
    yield "sleep_hours_within_sd", within[1]
    yield "sleep_within_sd_ratio", within[0] / within[1]
    yield from _of_moods(rng, 100 * people)
    mania = _phase_shifts(rng, MANIA, "bipolar_1", people // 3)
    depression = _phase_shifts(rng, DEPRESSION, "mdd", people // 3)
    yield "phase_sd_hours", float(np.concatenate((mania, depression))[:, 1].mean())
    for name, found in (("mania", mania), ("depression", depression)):
        shift, sd = found.mean(axis=0)
        yield f"phase_shift_{name}_sd", float(shift / sd)


def _diagnosis(rng: np.random.Generator) -> str:
    return str(rng.choice(list(DIAGNOSIS_SHARES), p=list(DIAGNOSIS_SHARES.values())))


@dataclass(frozen=True)
class _Life:
    """Nightly hours asleep (NaN: not recorded), bedtimes, minutes awake; steps; resting rate."""

    asleep: np.ndarray
    bedtime: np.ndarray
    awake: np.ndarray
    steps: np.ndarray
    resting: np.ndarray


def _lived(rng: np.random.Generator, person: Person, days: int = 8 * WINDOW_DAYS) -> _Life:
    course = a_course(days, random_episodes(rng, person.diagnosis, days))
    nights = simulate_nights(rng, person, course)
    awake = np.array([sum(stop - start for start, stop in n.wakes) for n in nights], float)
    asleep = np.array([n.offset - n.onset for n in nights]) / 60 - awake / 60
    steps = in_units(simulate_intensity(rng, person, course, nights), Family.STEPS, 1.0)
    life = _Life(
        asleep,
        np.array([n.onset for n in nights]) / 60 + 24.0,
        awake,
        steps.reshape(days, -1).sum(axis=1),
        resting_rates(rng, person, course),
    )
    missing = np.array([not n.recorded for n in nights])
    for values in (life.asleep, life.bedtime, life.awake):
        values[missing] = np.nan
    return life


def _windows(lives: list[_Life], name: str) -> np.ndarray:
    """Means of two weeks, of those with half of their days."""
    rows = np.concatenate([getattr(life, name).reshape(-1, WINDOW_DAYS) for life in lives])
    return np.nanmean(rows[(~np.isnan(rows)).sum(axis=1) >= WINDOW_DAYS // 2], axis=1)


def _of_windows(patients: list[_Life]) -> Iterator[tuple[str, float]]:
    sleep, bedtime = _windows(patients, "asleep"), _windows(patients, "bedtime")
    resting, steps = _windows(patients, "resting"), _windows(patients, "steps")
    yield "sleep_hours_mean", float(sleep.mean())
    yield "sleep_hours_between_sd", float(sleep.std(ddof=1))
    yield "bedtime_median_hour", float(np.median(bedtime))
    yield "bedtime_between_sd", float(bedtime.std(ddof=1))
    yield "awake_minutes_mean", float(_windows(patients, "awake").mean())
    yield "resting_bpm_mean", float(resting.mean())
    yield "resting_bpm_between_sd", float(resting.std(ddof=1))
    yield "steps_mean", float(steps.mean())
    yield "steps_between_sd", float(steps.std(ddof=1))
    missing = np.concatenate([np.isnan(life.asleep) for life in patients])
    yield "nights_missing", float(missing.mean())


def _within_sd(lives: list[_Life]) -> float:
    known = [life.asleep[~np.isnan(life.asleep)] for life in lives]
    return float(np.sqrt(np.mean([k.var(ddof=1) for k in known if len(k) > WINDOW_DAYS])))


def _of_moods(
    rng: np.random.Generator, people: int, days: int = 120
) -> Iterator[tuple[str, float]]:
    counts, from_10, bipolar_days = np.zeros(4), 0, 0
    for _ in range(people):
        diagnosis = _diagnosis(rng)
        course = a_course(days, random_episodes(rng, diagnosis, days))
        counts += np.bincount(episode_kinds(course), minlength=4)
        if diagnosis != "mdd":
            scores = phq8_scores(rng, a_person(rng, diagnosis), course)
            from_10, bipolar_days = from_10 + int((scores >= 10).sum()), bipolar_days + days
    yield "phq8_from_10", from_10 / bipolar_days
    yield "depressive_episode_days", counts[DEPRESSION] / people / days
    yield "hypomanic_episode_days", counts[HYPOMANIA] / people / days
    yield "manic_episode_days", counts[MANIA] / people / days


def _phase_shifts(rng: np.random.Generator, kind: int, diagnosis: str, people: int) -> np.ndarray:
    """How far the mean DLMO of an episode's days lies from that of the well days before, and the
    SD over all of them, as in the published Z (h); shape (people, 2).
    """
    shifts = []
    for _ in range(people):
        severity = float(rng.uniform(0.6, 1.0))
        days = WELL_DAYS + EPISODE_DAYS
        course = a_course(days, [Episode(kind, WELL_DAYS, EPISODE_DAYS + 9, severity)])
        phases = _phases(rng, a_person(rng, diagnosis), course)
        before, during = phases[10:WELL_DAYS], phases[WELL_DAYS + 7 :]
        if (~np.isnan(before)).sum() >= 12 and (~np.isnan(during)).any():
            shift = np.nanmean(during) - np.nanmean(before)
            shifts.append((shift, np.nanstd(phases[10:], ddof=1)))
    return np.array(shifts)


def _phases(rng: np.random.Generator, person: Person, course: Course) -> np.ndarray:
    data = simulate_person_data(
        rng, person, course, FIRST_DAY, "Etc/UTC", Family.ACTIGRAPH_COUNTS, 2000.0
    )
    last = FIRST_DAY + timedelta(days=course.days - 1)
    phases = [f.indexes[10] for f, _ in daily_features(data, FIRST_DAY, last)]
    return np.array([np.nan if p is None else p for p in phases])
