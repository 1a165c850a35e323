"""Simulated people: who they are, and the course of their mood.

Every number says where it comes from; *assumption* marks what no source gives. They are what
the shipped models learned from, and no evidence about real people: how far they resemble the
published ones is printed by `make check-realism`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

EUTHYMIA, DEPRESSION, HYPOMANIA, MANIA = range(4)
RAMP_DAYS = 4  # assumption: an episode takes some days to unfold
PATIENTS = ("mdd", "bipolar_1", "bipolar_2")
# 57, 42 and 69 of the 168 patients of Lim et al. 2024 (npj Digit Med 7:324).
DIAGNOSIS_SHARES = {"mdd": 57 / 168, "bipolar_1": 42 / 168, "bipolar_2": 69 / 168}
# Where such models fail: people whose lives look like episodes, and who have none.
CONTROLS = ("none", "shift_worker", "newborn_parent", "traveller", "athlete", "ill", "elderly")


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
    asrm: float
    missing: float  # added share of missing nights


# Which of these are assumptions is listed in data/realism.toml; `make check-realism` prints it.
# Phase: Z of 1-2 at an SD of 0.8-1.1 h (Lim 2024 and its released models) gives 1-2 h.
# Activity, depression: -30 % is 0.56 SD of Lipschitz's steps; an OR of 0.75 for 1,000 steps
#   (All of Us preprint 2026) would be one whole SD. Mania: the mean goes beyond its source, which
#   found it *not* higher (Krane-Gartiser 2014, inpatients); no study gives a size. That one found
#   a lower lag-1 autocorrelation, without a size that could be used here.
# Sleep: depression +0.57 SMD (Geoffroy 2015, remitted) of about 1 h; mania 1.5-3 h shorter is an
#   assumption, the middle is taken. Hypomania: half of mania (assumption).
# Awakenings, depression: OR 1.27 for +1 % of WASO (All of Us) at Lipschitz's SD of 17 min is
#   14 min of 57. Mania: assumption.
# Resting heart rate is among the first predictors of both poles (Lipschitz 2025), without a size:
#   assumption. RMSSD: two studies of opposite sign, so none is simulated.
# Missing nights rise with PHQ-8 (RADAR-MDD): the size is an assumption, and so are PHQ-8 and ASRM.
EFFECTS = {
    EUTHYMIA: Effect(0.0, 0.0, 1.0, 0.95, 1.0, 0.0, 0.0, 0.0, 0.0),
    DEPRESSION: Effect(1.5, 0.5, 0.70, 0.96, 1.25, 2.0, 12.0, 0.0, 0.06),
    HYPOMANIA: Effect(-0.9, -1.1, 1.08, 0.90, 1.0, 2.0, -1.0, 9.0, 0.02),
    MANIA: Effect(-1.8, -2.25, 1.15, 0.85, 1.2, 4.0, 0.0, 14.0, 0.05),
}


@dataclass(frozen=True)
class Person:
    """Traits of one simulated person, constant over time."""

    diagnosis: str
    midsleep_hours: float
    sleep_hours: float  # from falling asleep to waking, awakenings included
    sleep_sd_hours: float  # from night to night
    midsleep_sd_hours: float
    awakenings: float  # a night
    activity_level: float  # 1 is the mean
    resting_bpm: float
    phq8: float  # usual score when well
    missing_share: float
    weekend_hours: float  # social jet lag
    control: str = "none"
    age: int = 40
    sex: str = "female"
    activity_day_sd: float = 0.0  # of the log, from day to day
    burst_sd: float = 0.95  # of the log of a waking minute's activity
    still_share: float = 0.0  # of waking minutes without movement
    rmssd_ms: float = 35.0
    phase_response: float = 1.0  # how much of an effect on phase this person shows
    low_sleep_response: float = 1.0  # the same of sleep in depression: some sleep less
    floor_share: float = 0.0  # what the sensor reads at rest, as a share of a waking minute


def a_person(rng: np.random.Generator, diagnosis: str, control: str = "none") -> Person:
    """Draw the traits of a person with that diagnosis, "well" among them.

    Patients after Lipschitz 2025 (54 people with bipolar disorder: bedtime 23:32, SD 1.62 h; time
    asleep 431 min, SD 81; awake 57 min, SD 17; resting heart rate 69.4, SD 8.0; steps 6,632, SD
    3,585), the others after the general population: mid-sleep 03:46 (PMC10231580), resting
    heart rate 65.5, SD 7.7 (Quer 2020). From night to night 1.26 h of sleep (CARDIA, Knutson
    2007), in patients 2.09/1.73 times that (PMC10231580). Missing: 38 % of days (Lim 2024), for
    everybody, so that no model learns who is a patient from it.
    """
    is_patient = diagnosis in PATIENTS
    restless = 2.09 / 1.73 if is_patient else 1.0
    return Person(
        diagnosis=diagnosis,
        midsleep_hours=rng.normal(3.1, 1.3) if is_patient else rng.normal(3.7, 1.0),
        sleep_hours=float(np.clip(rng.normal(8.05, 1.32 if is_patient else 0.9), 4.5, 12.0)),
        sleep_sd_hours=restless * float(np.clip(rng.normal(1.13, 0.2), 0.6, 1.8)),
        # 0.7-1.1 h in workers, over 1.5 h in bipolar disorder (general knowledge).
        midsleep_sd_hours=restless * float(np.clip(rng.normal(1.15, 0.2), 0.6, 1.8)),
        awakenings=float(rng.gamma(16.0, 5.3 / 16.0)),
        activity_level=float(np.exp(rng.normal(0.0, 0.22))),
        resting_bpm=rng.normal(69.0, 7.7) if is_patient else rng.normal(65.5, 7.2),
        phq8=float(np.clip(rng.normal(4.5, 2.5), 0, 9)),
        missing_share=float(np.clip(rng.beta(1.4, 1.7), 0.0, 0.9)),
        weekend_hours=float(np.clip(rng.normal(0.5, 0.4), 0.0, 1.5)),
        control=control,
        age=int(rng.integers(66, 86)) if control == "elderly" else int(rng.integers(18, 66)),
        sex=str(rng.choice(("female", "male"), p=(0.55, 0.45))),  # 55 % female (Lim 2024)
        activity_day_sd=float(np.clip(rng.normal(0.18, 0.05), 0.05, 0.35)),
        # How a sensor's minutes scatter differs between makers and wearers: assumption.
        burst_sd=float(rng.uniform(0.75, 1.15)),
        still_share=float(rng.uniform(0.0, 0.25)),
        rmssd_ms=float(np.exp(rng.normal(3.5, 0.4))),
        # People differ: the mean is the published effect, the spread an assumption.
        phase_response=float(rng.normal(1.0, 0.5)),
        low_sleep_response=float(rng.normal(1.0, 1.5)),
        floor_share=float(rng.uniform(0.0, 0.05)) if rng.random() < 0.3 else 0.0,
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
    """Mood of each day: the kind of episode (0 when well) and how far it has unfolded, 0-1.

    ``severity`` is that of the whole episode, which ``intensity`` reaches when unfolded.
    ``lived`` holds what else moves a person, by the names of Effect: hours and beats are added,
    ``activity`` and ``wake_bouts`` are factors.
    """

    kind: np.ndarray
    intensity: np.ndarray
    severity: np.ndarray
    lived: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def days(self) -> int:
        return len(self.kind)

    def felt(self, name: str, response: float | np.ndarray = 1.0) -> np.ndarray:
        """That effect on each day: unfolded from the well value, and what else is lived.

        ``response`` is how much of the mood's effect the person shows.
        """
        well = getattr(EFFECTS[EUTHYMIA], name)
        full = np.array([getattr(EFFECTS[kind], name) for kind in range(4)])[self.kind]
        mood = well + response * self.intensity * (full - well)
        if name not in self.lived:
            return mood
        return mood * self.lived[name] if name in FACTORS else mood + self.lived[name]


FACTORS = ("activity", "wake_bouts")


def a_course(
    days: int, episodes: list[Episode], lived: Mapping[str, np.ndarray] | None = None
) -> Course:
    """Lay the episodes on a calendar; each ramps up over four days and down over four.

    Episodes may have begun before the first day (a negative one) and go on after the last.
    """
    kind, intensity, severity = np.zeros(days, dtype=np.int8), np.zeros(days), np.zeros(days)
    for episode in episodes:
        span = np.arange(max(episode.first_day, 0), min(episode.first_day + episode.days, days))
        into = span - episode.first_day + 1
        left = episode.first_day + episode.days - span
        kind[span], severity[span] = episode.kind, episode.severity
        intensity[span] = episode.severity * np.clip(np.minimum(into, left) / RAMP_DAYS, 0, 1)
    return Course(kind, intensity, severity, lived or {})


def phq8_scores(rng: np.random.Generator, person: Person, course: Course) -> np.ndarray:
    """A PHQ-8 total (0-24) for each day."""
    noise = rng.normal(0.0, 1.5, course.days)
    return np.clip(np.rint(person.phq8 + course.felt("phq8") + noise), 0, 24)


def asrm_scores(rng: np.random.Generator, course: Course) -> np.ndarray:
    """An ASRM total (0-20) for each day; 6 or more points to (hypo)mania."""
    noise = np.abs(rng.normal(0.0, 1.5, course.days))
    return np.clip(np.rint(course.felt("asrm") + noise), 0, 20)
