"""Simulated people: who they are, and the course of their mood.

Every number says where it comes from; *assumption* marks what no source gives. The people
are for first weights and for the demo clinic. They are not evidence about real ones.
"""

from dataclasses import dataclass

import numpy as np

EUTHYMIA, DEPRESSION, HYPOMANIA, MANIA = range(4)
RAMP_DAYS = 4  # assumption: an episode takes some days to unfold


@dataclass(frozen=True)
class Effect:
    """What a full-blown state does to a person, beside their own usual."""

    phase_hours: float  # sleep timing; + is later
    sleep_hours: float
    activity: float  # factor on waking activity
    smoothness: float  # lag-1 autocorrelation of waking activity, per minute
    wake_bouts: float  # factor on awakenings
    resting_bpm: float
    phq8: float
    missing: float  # added share of missing nights


# Phase: Z of 1-2 at an SD of about 1 h (Lim 2024 and its reference group) gives 1-2 h.
# Activity and smoothness: Krane-Gartiser 2014 (depression lower mean; mania not much higher,
# but a lower lag-1 autocorrelation). Sleep in mania: 1.5-3 h shorter is an assumption.
# Missing days rise with PHQ-8 (RADAR-MDD). PHQ-8 points and heart rate: assumption.
EFFECTS = {
    EUTHYMIA: Effect(0.0, 0.0, 1.0, 0.95, 1.0, 0.0, 0.0, 0.0),
    DEPRESSION: Effect(1.2, 0.5, 0.70, 0.96, 1.6, 2.5, 10.0, 0.06),
    HYPOMANIA: Effect(-0.8, -1.2, 1.10, 0.90, 1.0, 2.0, -1.0, 0.02),
    MANIA: Effect(-1.6, -2.4, 1.18, 0.85, 1.2, 5.0, 0.0, 0.05),
}


@dataclass(frozen=True)
class Person:
    """Traits of one simulated person, constant over time."""

    diagnosis: str
    midsleep_hours: float  # 3.9 h +- 1.0: between patients and controls of PMC10231580
    sleep_hours: float  # 7.2 h +- 1.0: Lipschitz 2025, TST 431 min (SD 81)
    sleep_sd_hours: float  # about 1.26 h within a person (CARDIA, Knutson 2007)
    midsleep_sd_hours: float  # about 0.9 h (assumption in the reference: 0.7-1.1)
    awakenings: float  # a night
    activity_level: float  # 1 is the mean; log SD 0.3 (steps 6632 +- 3585 asks for more)
    resting_bpm: float  # 65.5 +- 7.7 (Quer 2020)
    phq8: float  # usual score when well
    missing_share: float  # 4 % (Lipschitz) to 38 % (Lim)
    weekend_hours: float  # social jet lag


def a_person(rng: np.random.Generator, diagnosis: str) -> Person:
    """Draw the traits of a person with that diagnosis."""
    return Person(
        diagnosis=diagnosis,
        midsleep_hours=rng.normal(3.9, 1.0),
        sleep_hours=float(np.clip(rng.normal(7.2, 0.8), 5.0, 9.5)),
        sleep_sd_hours=float(np.clip(rng.normal(1.0, 0.25), 0.5, 1.8)),
        midsleep_sd_hours=float(np.clip(rng.normal(0.75, 0.2), 0.3, 1.5)),
        awakenings=float(rng.gamma(4.0, 0.6)),
        activity_level=float(np.exp(rng.normal(0.0, 0.3))),
        resting_bpm=rng.normal(66.0, 7.7),
        phq8=float(np.clip(rng.normal(4.5, 2.5), 0, 9)),
        missing_share=float(np.clip(rng.beta(1.2, 9.0), 0.0, 0.4)),
        weekend_hours=float(np.clip(rng.normal(0.5, 0.4), 0.0, 1.5)),
    )


@dataclass(frozen=True)
class Episode:
    """One mood episode: kind, first day, length in days, severity 0 to 1."""

    kind: int
    first_day: int
    days: int
    severity: float


@dataclass(frozen=True)
class Course:
    """Mood of each day: the kind of episode (0 when well) and how far it has unfolded, 0-1."""

    kind: np.ndarray
    intensity: np.ndarray

    @property
    def days(self) -> int:
        return len(self.kind)

    def felt(self, field: str) -> np.ndarray:
        """That effect on each day: unfolded from the well value."""
        well = getattr(EFFECTS[EUTHYMIA], field)
        full = np.array([getattr(EFFECTS[kind], field) for kind in range(4)])[self.kind]
        return well + self.intensity * (full - well)


def a_course(days: int, episodes: list[Episode]) -> Course:
    """Lay the episodes on a calendar; each ramps up over four days and down over four."""
    kind, intensity = np.zeros(days, dtype=np.int8), np.zeros(days)
    for episode in episodes:
        span = np.arange(episode.first_day, min(episode.first_day + episode.days, days))
        into = span - episode.first_day + 1
        left = episode.first_day + episode.days - span
        kind[span] = episode.kind
        intensity[span] = episode.severity * np.clip(np.minimum(into, left) / RAMP_DAYS, 0, 1)
    return Course(kind, intensity)


def random_episodes(rng: np.random.Generator, diagnosis: str, days: int) -> list[Episode]:
    """Episodes for a person of that diagnosis: one about every 75 days (assumption).

    Kinds by diagnosis follow what the diagnosis allows; lengths are gamma distributed around
    25 days for depression, 12 for hypomania, 18 for mania (assumption).
    """
    kinds = {
        "well": [],
        "mdd": [DEPRESSION],
        "bipolar_2": [DEPRESSION, HYPOMANIA],
        "bipolar_1": [DEPRESSION, MANIA, HYPOMANIA],
    }[diagnosis]
    mean_days = {DEPRESSION: 25.0, HYPOMANIA: 12.0, MANIA: 18.0}
    episodes, day = [], int(rng.integers(5, 60))
    while kinds and day < days:
        kind = int(rng.choice(kinds))
        length = max(int(rng.gamma(6.0, mean_days[kind] / 6.0)), 6)
        episodes.append(Episode(kind, day, length, float(rng.uniform(0.6, 1.0))))
        day += length + int(rng.exponential(50.0)) + 10
    return episodes


def phq8_scores(rng: np.random.Generator, person: Person, course: Course) -> np.ndarray:
    """A PHQ-8 total (0-24) for each day."""
    noise = rng.normal(0.0, 1.5, course.days)
    return np.clip(np.rint(person.phq8 + course.felt("phq8") + noise), 0, 24)
