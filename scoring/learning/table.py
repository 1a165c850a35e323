"""Simulated person-days with what the models say of them: the table that evaluation measures."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patients.domain.recording import Family
from scoring.domain.rules import RouterRules
from scoring.domain.types import Floats
from scoring.domain.vector_names import BODY_VECTOR_NAMES, OWN_VECTOR_NAMES
from scoring.engines.models import Models
from scoring.learning.cohort import (
    PHQ8_CUTOFF,
    THINNED_EVERY,
    Member,
    PersonDays,
    simulate_person_days,
)
from scoring.learning.episodes import CLINIC_TIMES, Rates, episode_kinds
from scoring.learning.evaluate import Table
from scoring.learning.people import DEPRESSION, HYPOMANIA, MANIA

KINDS = {"depression": DEPRESSION, "hypomania": HYPOMANIA, "mania": MANIA}
EPISODE = ("person", "kind", "first_day", "last_day")
GROUPS = ("age", "sex", "diagnosis", "device", "life")
PLAIN = {  # what a logistic regression may see, by the columns of the vector
    "x_sleep_hours": "ST_long_MN",
    "x_sleep_z": "ST_long_Zscore",
    "x_phase": "Circadian_phase_MN",
    "x_phase_z": "Circadian_phase_Zscore",
    "x_sleep_share_sd": "Sleep_percentage_SD",
}
HEART = ("Resting_heart_rate", "SDNN", "RMSSD")
SHARES_LEFT = (0.8, 0.6, 0.4, 0.2)
CHUNK = 32


DAYS = 120  # of each person


def simulated_days(
    seed: int,
    people: int,
    models: Models,
    levels: Mapping[Family, float],
    sedentary: Mapping[Family, float],
) -> PersonDays:
    """So many people of a clinic, whom no seed of training gives.

    ``levels`` and ``sedentary`` are those of families.toml.
    """
    rates = Rates(CLINIC_TIMES)
    return simulate_person_days(
        seed, people, DAYS, models.references, levels, rates, sedentary, SHARES_LEFT
    )


def table_of(days: PersonDays, models: Models, rules: RouterRules, ablations: bool) -> Table:
    """Every person-day with both tracks' calibrated probabilities and tiers.

    Depression is there on the days whose week was worn enough. ``ablations`` adds what the
    models say from less: the 36 features alone, without heart, and with nights of the 30 or hours
    of the week taken away.
    """
    frame = pd.DataFrame(
        {"person": days.people, "day": days.days, "label_depression": days.phq8 >= PHQ8_CUTOFF}
    )
    for name in ("mania", "hypomania"):
        frame[f"label_{name}"] = days.kinds == KINDS[name]
    depression = _of_weeks(days, models, days.weeks, days.week_rows)
    both = _of_vectors(days.inputs, models)
    frame["p_depression"], frame["p_mania"], frame["p_hypomania"] = depression, *both
    frame["tier_depression"] = _tiers(depression, rules.depression.tier)
    frame["tier_mania"] = _tiers(np.minimum(sum(both), 1.0), rules.mania.tier)
    for name, column in PLAIN.items():
        frame[name] = days.inputs[:, OWN_VECTOR_NAMES.index(column)]
    frame["x_mean_activity"] = _mean_activity(days)
    for name, values in _ablated(days, models) if ablations else ():
        frame[name] = values
    for group in GROUPS:
        told = {person: _group(member, group) for person, member in days.members.items()}
        frame[group] = frame["person"].map(told)
    return Table(frame, pd.DataFrame(_episodes(days.members), columns=list(EPISODE)), GROUPS)


def _tiers(p: Floats, tier: Any) -> list[str]:
    return ["Indeterminate" if np.isnan(x) else tier(float(x)) for x in p]


def _of_weeks(
    days: PersonDays, models: Models, weeks: NDArray[np.float16], at: NDArray[np.int64]
) -> Floats:
    """Calibrated P(depression) of the weeks of the rows ``at``, NaN elsewhere; shape (n,)."""
    calibrate, found = models.calibrator("depression"), np.full(len(days.kinds), np.nan)
    for start in range(0, len(weeks), CHUNK):
        rows = at[start : start + CHUNK]
        raw = models.depression_engine.probabilities(
            weeks[start : start + CHUNK].astype(np.float32)
        )
        found[rows] = [calibrate(float(p)) for p in raw]
    return found


def _of_vectors(inputs: Floats, models: Models) -> tuple[Floats, Floats]:
    engine = models.mania_engine
    raw = engine.probabilities(inputs[:, : len(engine.names)])
    mania, hypomania = (
        np.array([calibrate(float(p)) for p in column])
        for calibrate, column in zip(
            map(models.calibrator, ("mania", "hypomania")), raw, strict=True
        )
    )
    return mania, hypomania


def _mean_activity(days: PersonDays) -> Floats:
    found = np.full(len(days.kinds), np.nan)
    for row, week in zip(days.week_rows, days.weeks, strict=True):
        worn = week[week != 0].astype(np.float32)
        found[row] = worn.mean() if worn.size else np.nan
    return found


def _ablated(days: PersonDays, models: Models) -> Iterator[tuple[str, Floats]]:
    """What the models say of less. Light enters neither: the 36 are of sleep alone."""
    for what, columns in (
        ("36 features alone", BODY_VECTOR_NAMES),
        ("without heart", [c for c in BODY_VECTOR_NAMES if c.startswith(HEART)]),
    ):
        less = days.inputs.copy()
        less[:, [OWN_VECTOR_NAMES.index(c) for c in columns]] = np.nan
        for name, p in zip(("mania", "hypomania"), _of_vectors(less, models), strict=True):
            yield f"p_{name}@{what}", p
    for share, inputs in days.fewer.items():
        known = ~np.isnan(inputs).all(axis=1)
        for name, p in zip(("mania", "hypomania"), _of_vectors(inputs[known], models), strict=True):
            found = np.full(len(inputs), np.nan)
            found[known] = p
            yield f"p_{name}@{share:.0%} of the nights", found
    rng = np.random.default_rng(0)
    some = np.flatnonzero(days.days[days.week_rows] % THINNED_EVERY == 0)
    whole, at = days.weeks[some], days.week_rows[some]
    for share in SHARES_LEFT:
        hours = rng.random((len(whole), whole.shape[1] // 60)) < share
        weeks = np.where(np.repeat(hours, 60, axis=1), whole, np.float16(0))
        yield f"p_depression@{share:.0%} of the week", _of_weeks(days, models, weeks, at)


def _group(member: Member, group: str) -> str:
    person = member.person
    if group == "age":
        return "66 and over" if person.age > 65 else "40 to 65" if person.age >= 40 else "under 40"
    told = {
        "sex": person.sex,
        "diagnosis": person.diagnosis,
        "device": str(member.family),
        "life": person.control,
    }
    return told[group]


def _episodes(members: Mapping[int, Member]) -> Iterator[dict[str, Any]]:
    """Runs of days of one kind; depressive ones are episodes, not every low spell."""
    for person, member in members.items():
        kinds = episode_kinds(member.course)
        for name, kind in KINDS.items():
            edges = np.flatnonzero(np.diff(np.concatenate(([0], kinds == kind, [0])).astype(int)))
            for first, stop in edges.reshape(-1, 2).tolist():
                yield {"person": person, "kind": name, "first_day": first, "last_day": stop - 1}


def columns_for_drift(days: PersonDays, table: Table) -> dict[str, Floats]:
    """The 51 inputs and the three outputs by name, as drift compares them."""
    columns = {name: days.inputs[:, i] for i, name in enumerate(OWN_VECTOR_NAMES)}
    for name in KINDS:
        told = table.days[f"p_{name}"].to_numpy(np.float64)
        columns[name] = told[~np.isnan(told)]
    return columns
