"""When episodes come: rates and lengths of a published cohort."""

from dataclasses import dataclass

import numpy as np

from scoring.learning.people import (
    DEPRESSION,
    DIAGNOSIS_SHARES,
    EUTHYMIA,
    HYPOMANIA,
    MANIA,
    RAMP_DAYS,
    Course,
    Episode,
)

# Lim et al. 2024: 6,955 episode days of 44,787 recorded ones. An episode day counts by diagnosis:
# mania only in bipolar I, hypomania in bipolar I and II, depression in all three.
PREVALENCE = {DEPRESSION: 0.1233, HYPOMANIA: 0.0257, MANIA: 0.0063}
# Days of these kinds by the 175, 39 and 21 episodes, over the 62 % of days that were recorded.
MEAN_DAYS = {DEPRESSION: 51.0, HYPOMANIA: 47.0, MANIA: 21.6}
HAS = {
    DEPRESSION: ("mdd", "bipolar_1", "bipolar_2"),
    HYPOMANIA: ("bipolar_1", "bipolar_2"),
    MANIA: ("bipolar_1",),
}
# PHQ-8 of 10 or more in 41 % of two-week windows (Lipschitz 2025): most low spells are milder
# than an episode. Spells are drawn so that those of EPISODE severity fill 12.33 % of the days.
LOW_SHARE = 0.49
SPELL_SEVERITY = (0.40, 1.0)
EPISODE_SEVERITY = SPELL_SEVERITY[1] - (SPELL_SEVERITY[1] - SPELL_SEVERITY[0]) * (
    PREVALENCE[DEPRESSION] / LOW_SHARE
)
HIGH_SEVERITY = (0.6, 1.0)  # of hypomania and mania: assumption
SHAPE = 6.0  # of the gamma distribution of lengths: assumption
LEAST_DAYS = 7
# At either end of an episode some days are not yet, or no longer, half unfolded and count to none.
UNCOUNTED_DAYS = 2 * (RAMP_DAYS // 2 - 1)
WELL_BETWEEN_DAYS = 7  # at least: assumption


# ASRM of 6 or more in 15 % of bipolar outpatients' two-week windows (Lipschitz 2025), three times
# the 4.9 % of their days in Lim's episodes: who is put on a wearable is followed for a reason.
CLINIC_TIMES = 3.0


@dataclass(frozen=True)
class Rates:
    """How much more often than published hypomania and mania come; 1 is as published."""

    times: float = 1.0


def random_episodes(
    rng: np.random.Generator, diagnosis: str, days: int, rates: Rates = Rates()
) -> list[Episode]:
    """Episodes and low spells of a person of that diagnosis, in order and apart.

    A stationary process: before the first day as much happened as after it. Severity of low
    spells is uniform; from EPISODE_SEVERITY on they are depressive episodes.
    """
    shares = _shares(diagnosis, rates.times)
    if not shares:
        return []
    kinds = list(shares)
    often = np.array([shares[kind] / MEAN_DAYS[kind] for kind in kinds])
    # Of all days, those well are left between episodes.
    well_days = max((1.0 - sum(shares.values())) / often.sum() - WELL_BETWEEN_DAYS, 1.0)
    day, episodes = -int(rng.integers(200, 400)), []
    while day < days:
        day += WELL_BETWEEN_DAYS + int(rng.exponential(well_days))
        kind = int(rng.choice(kinds, p=often / often.sum()))
        counted = max(int(rng.gamma(SHAPE, MEAN_DAYS[kind] / SHAPE)), LEAST_DAYS)
        length = counted + UNCOUNTED_DAYS
        severity = rng.uniform(*(SPELL_SEVERITY if kind == DEPRESSION else HIGH_SEVERITY))
        if day < days and day + length > 0:
            episodes.append(Episode(kind, day, length, float(severity)))
        day += length
    return episodes


def _shares(diagnosis: str, times: float) -> dict[int, float]:
    """Share of this diagnosis' days in each kind, so that all patients' are as published."""
    wanted = {DEPRESSION: LOW_SHARE} | {
        kind: times * PREVALENCE[kind] for kind in (HYPOMANIA, MANIA)
    }
    shares = {
        kind: wanted[kind] / sum(DIAGNOSIS_SHARES[d] for d in HAS[kind])
        for kind in wanted
        if diagnosis in HAS[kind]
    }
    high = sum(share for kind, share in shares.items() if kind != DEPRESSION)
    if DEPRESSION in shares:  # many episodes of one pole leave less time for the other
        shares[DEPRESSION] = min(shares[DEPRESSION], 0.9 - high)
    return shares


def episode_kinds(course: Course) -> np.ndarray:
    """The kind of episode that each day counts to: half unfolded, and no milder low spell."""
    is_one = (course.kind != EUTHYMIA) & (course.intensity >= course.severity / 2)
    is_one &= (course.kind != DEPRESSION) | (course.severity >= EPISODE_SEVERITY)
    return np.where(is_one, course.kind, EUTHYMIA)
