"""Both tracks measured on a table of person-days, by day, by episode, by part and by person.

Everything is a function of the table alone: who makes it, and from which people, is not said
here. Intervals are over people, never over days: a person's days are not independent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.domain.crossings import alerts_per_patient_month, crossings, lead_days
from scoring.domain.metrics import AtCutoff
from scoring.domain.rules import RouterRules
from scoring.domain.types import Floats, Mask
from scoring.learning.compared import fitted_logistic, out_of_fold
from scoring.learning.outcome import (
    FEW_ROUNDS,
    Measured,
    calibration,
    called_measured,
    curves,
    difference,
    discrimination,
    observed_to_expected,
    rounded,
    share_interval,
)

OUTCOMES = {"depression": "depression", "mania": "mania", "hypomania": "mania"}  # and its track
ORDER = {"Indeterminate": 0, "Low": 1, "Moderate": 2, "High": 3}
EARLIER_SHARE = 0.7  # of the calendar, in a chronological split
FOLDS = 5
EITHER = "mania_or_hypomania"  # what a Low of the mania track is to exclude
TRACKS = OUTCOMES | {EITHER: "mania"}


@dataclass(frozen=True)
class Table:
    """Scored person-days and the episodes that lay among them.

    ``days`` has a row a person and day: ``person`` and ``day`` (integers), ``label_*`` (bool),
    ``p_*`` (calibrated probability, NaN where the track was unavailable) for depression, mania
    and hypomania; ``tier_depression`` and ``tier_mania`` (Low, Moderate, High, Indeterminate);
    ``x_*``, plain features of that day, ``x_mean_activity`` among them; and ``p_*@NAME``, the
    same probability from less (an ablation). ``groups`` names the columns to look at apart.
    ``episodes`` has ``person, kind, first_day, last_day``; kind is an outcome.
    """

    days: pd.DataFrame
    episodes: pd.DataFrame
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        needed = ["person", "day", *(f"{k}_{o}" for o in OUTCOMES for k in ("label", "p"))]
        needed += ["tier_depression", "tier_mania", *self.groups]
        missing = [name for name in needed if name not in self.days]
        missing += [
            c for c in ("person", "kind", "first_day", "last_day") if c not in self.episodes
        ]
        if missing:
            raise InputError(f"The table of person-days lacks {', '.join(missing)}: add them.")
        if self.days.duplicated(["person", "day"]).any():
            raise InputError("The table tells a day of a person twice: give one row a day.")

    def rows(self, outcome: str) -> pd.DataFrame:
        """The days on which that outcome's track gave a number, by person and day."""
        there = self.days[self.days[f"p_{outcome}"].notna()]
        return there.sort_values(["person", "day"], kind="stable").reset_index(drop=True)


def evaluated(
    table: Table, rules: RouterRules, refits: Mapping[str, Measured] = MappingProxyType({})
) -> dict[str, Any]:
    """All of it for all three outcomes, and for mania or hypomania together. Probabilities are
    measured as the clinic sees them.

    ``refits`` are what models fitted again did (refit.py), by outcome.
    """
    return {
        "dataset": "simulated",
        "people": int(table.days["person"].nunique()),
        "person_days": len(table.days),
        "episodes": {o: int((table.episodes["kind"] == o).sum()) for o in OUTCOMES},
        "cutoffs": {
            track: {"Moderate": edges.moderate, "High": edges.high}
            for track, edges in (("depression", rules.depression), ("mania", rules.mania))
        },
        "outcomes": {
            outcome: outcome_measured(of, outcome) | {"refitted": refits.get(outcome, {})}
            for outcome, of in (*((o, table) for o in OUTCOMES), (EITHER, with_either(table)))
        },
    }


def with_either(table: Table) -> Table:
    """The table with mania or hypomania as an outcome more: of either label, with the sum of both
    probabilities, which the mania track's tier is of.
    """
    days, episodes = table.days, table.episodes
    p = np.minimum(days["p_mania"] + days["p_hypomania"], 1.0)
    labels = days["label_mania"] | days["label_hypomania"]
    either = episodes[episodes["kind"].isin(("mania", "hypomania"))].assign(kind=EITHER)
    return replace(
        table,
        days=days.assign(**{f"p_{EITHER}": p, f"label_{EITHER}": labels}),
        episodes=pd.concat([episodes, either]),
    )


def outcome_measured(table: Table, outcome: str) -> Measured:
    """One outcome by person-day and by episode, in parts, with less, and beside plain things."""
    rows = table.rows(outcome)
    labels, p, people = _columns(rows, outcome)
    if len(rows) == 0:
        return discrimination(labels, p, people)
    return {
        **discrimination(labels, p, people),
        "unavailable_days": len(table.days) - len(rows),
        "calibration": calibration(labels, p),
        "observed_to_expected": observed_to_expected(labels, p, people),
        "curves": curves(labels, p),
        "tiers": {tier: tier_measured(table, outcome, tier) for tier in ("Moderate", "High")},
        "person_folds": list(person_folds(rows, outcome)),
        "chronological": chronological(rows, outcome),
        "subgroups": {g: subgroups(rows, outcome, g) for g in table.groups},
        "ablations": ablations(rows, outcome),
        "baselines": baselines(rows, outcome),
    }


def _columns(rows: pd.DataFrame, outcome: str) -> tuple[Mask, Floats, NDArray[np.int64]]:
    return (
        rows[f"label_{outcome}"].to_numpy(bool),
        rows[f"p_{outcome}"].to_numpy(np.float64),
        rows["person"].to_numpy(np.int64),
    )


def reached(rows: pd.DataFrame, outcome: str, tier: str) -> Mask:
    """Days on which the outcome's track stood at that tier or above, shape (n,)."""
    return (rows[f"tier_{TRACKS[outcome]}"].map(ORDER) >= ORDER[tier]).to_numpy(bool)


def tier_measured(table: Table, outcome: str, tier: str) -> Measured:
    """What that tier calls, by day and by episode, and how often it begins.

    Hypomania is looked for where mania is: a hypomanic day that the mania track raises counts
    as a false positive of mania, and the other way round.
    """
    rows = table.rows(outcome)
    flagged, people = reached(rows, outcome, tier), rows["person"].to_numpy(np.int64)
    return {
        **called_measured(rows[f"label_{outcome}"].to_numpy(bool), flagged, people),
        "alerts_per_patient_month": rounded(alerts_per_patient_month(people, flagged)),
        "episodes": episodes_found(table, outcome, tier),
    }


def episodes_found(table: Table, outcome: str, tier: str) -> Measured:
    """Share of the episodes of which any scored day reaches the tier, and days of lead.

    Lead is from the first crossing within 14 days of the onset to it, below 0 if after it;
    episodes without a scored day are counted apart.
    """
    rows = table.rows(outcome)
    flagged, people = reached(rows, outcome, tier), rows["person"].to_numpy(np.int64)
    days = rows["day"].to_numpy(np.int64)
    crossed = crossings(people, flagged)
    found, whose_found, leads, unseen = [], [], [], 0
    mine = table.episodes[table.episodes["kind"] == outcome]
    spans = mine[["person", "first_day", "last_day"]].to_numpy(np.int64)
    for person, first, last in spans.tolist():
        whose = people == person
        inside = whose & (days >= first) & (days <= last)
        if not inside.any():
            unseen += 1
            continue
        found.append(bool((inside & flagged).any()))
        whose_found.append(person)
        lead = lead_days(days[whose & crossed].tolist(), first)
        leads += [] if lead is None else [lead]
    return {
        "scored": len(found),
        "unscored": unseen,
        "found": sum(found),
        "share_found": rounded(sum(found) / len(found)) if found else None,
        "share_found_ci": share_interval(
            np.array(found, bool), np.ones(len(found), bool), np.array(whose_found, np.int64)
        ),
        "with_lead": len(leads),
        "lead_days_median": float(np.median(leads)) if leads else None,
        "lead_days_quartiles": [float(q) for q in np.percentile(leads, (25, 75))]
        if leads
        else None,
    }


def person_folds(rows: pd.DataFrame, outcome: str, seed: int = 0) -> Iterator[Measured]:
    """The same in each fifth of the people: how much it depends on who they are."""
    labels, p, people = _columns(rows, outcome)
    names = np.random.default_rng(seed).permutation(np.unique(people))
    for fold in np.array_split(names, FOLDS):
        part = np.isin(people, fold)
        yield discrimination(labels[part], p[part], people[part], FEW_ROUNDS)


def later_days(days: NDArray[np.int64]) -> Mask:
    """Whether each day lies in the last 30 % of the calendar; shape (n,)."""
    first, last = days.min(), days.max()
    return np.asarray(days >= first + EARLIER_SHARE * (last - first + 1))


def chronological(rows: pd.DataFrame, outcome: str) -> Measured:
    """Earlier and later days apart, and the plain features fitted on the earlier ones only."""
    labels, p, people = _columns(rows, outcome)
    later = later_days(rows["day"].to_numpy(np.int64))
    found = {
        name: discrimination(labels[part], p[part], people[part], FEW_ROUNDS)
        for name, part in (("earlier", ~later), ("later", later))
    }
    features, both = _features(rows), len(np.unique(labels[~later])) == 2
    if features is not None and both and later.any():
        model = fitted_logistic(features[~later], labels[~later])
        guess = model.predict_proba(features[later])[:, 1]
        found["later_logistic_regression"] = discrimination(
            labels[later], guess, people[later], FEW_ROUNDS
        )
    return found


def subgroups(rows: pd.DataFrame, outcome: str, column: str) -> dict[str, Measured]:
    """Each value of that column alone: discrimination, calibration, sensitivity by tier."""
    found: dict[str, Measured] = {}
    for value, part in rows.groupby(column, sort=True, dropna=False):
        labels, p, people = _columns(part, outcome)
        found[str(value)] = {
            **discrimination(labels, p, people, FEW_ROUNDS),
            "ece": calibration(labels, p)["ece"],
            **{
                tier: AtCutoff.of(labels, reached(part, outcome, tier)).as_dict()
                for tier in ("Moderate", "High")
            },
            "alerts_per_patient_month": rounded(
                alerts_per_patient_month(people, reached(part, outcome, "Moderate"))
            ),
        }
    return found


def ablations(rows: pd.DataFrame, outcome: str) -> dict[str, Measured]:
    """Each ``p_*@NAME`` on the days it is there, and how far it falls behind the whole."""
    prefix = f"p_{outcome}@"
    found: dict[str, Measured] = {}
    for column in (str(c) for c in rows if str(c).startswith(prefix)):
        part = rows[rows[column].notna()]
        labels, whole, people = _columns(part, outcome)
        less = part[column].to_numpy(np.float64)
        measured = discrimination(labels, less, people, FEW_ROUNDS)
        if len(part):
            measured["less_the_whole"] = difference(labels, less, whole, people, FEW_ROUNDS)
        found[column.removeprefix(prefix)] = measured
    return found


def baselines(rows: pd.DataFrame, outcome: str) -> dict[str, Measured | None]:
    """Mean activity (lower is more depressed, higher more manic) and six plain features."""
    found: dict[str, Measured | None] = {}
    if "x_mean_activity" in rows:
        sign = -1.0 if outcome == "depression" else 1.0
        mean = sign * rows["x_mean_activity"].to_numpy(np.float64)
        found["mean_activity"] = _beside(rows[~np.isnan(mean)], outcome, mean[~np.isnan(mean)])
    features = _features(rows)
    if features is not None:
        labels, _, people = _columns(rows, outcome)
        guess = out_of_fold(features, labels, people)
        found["logistic_regression"] = None if guess is None else _beside(rows, outcome, guess)
    return found


def _beside(rows: pd.DataFrame, outcome: str, scores: Floats) -> Measured | None:
    """A plain score, and how far the model is ahead of it on the same days."""
    labels, p, people = _columns(rows, outcome)
    if len(rows) == 0:
        return None
    ahead = difference(labels, p, scores, people, FEW_ROUNDS)
    return {**discrimination(labels, scores, people), "model_ahead": ahead}


def _features(rows: pd.DataFrame) -> Floats | None:
    names = [c for c in rows if str(c).startswith("x_")]
    return rows[names].to_numpy(np.float64) if names else None
