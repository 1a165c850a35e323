"""The depression track on a labelled folder of recordings, in the shape INTERFACES fixes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.datasets.folder import Member, groups_in, mean_activity, members_in
from scoring.domain.metrics import auroc
from scoring.domain.output import RESEARCH_USE
from scoring.domain.pat_window import PatWeek, Reference, of_a_week, standardised
from scoring.domain.rules import RouterRules
from scoring.domain.types import Floats, Mask
from scoring.domain.unit_scale import scale_reason
from scoring.engines.models import Models
from scoring.learning.compared import SIX, out_of_fold, six_features
from scoring.learning.outcome import (
    Measured,
    at_cutoffs,
    calibration,
    curves,
    difference,
    discrimination,
    rounded,
)
from scoring.learning.references import MIN_PEOPLE, fitted

OWN, SHIPPED = "own", "shipped"
SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
THINNING_SEED = 0
FEW_PEOPLE = 10  # in a group, below which an interval says little: assumption
DOUBTFUL_SHARE, LOST_SHARE = 0.5, 0.05  # of the people, of a file's rows: assumption


@dataclass(frozen=True)
class Cohort:
    """The people of a folder who can be scored, and those who cannot."""

    scored: tuple[Member, ...]
    unscored: tuple[Member, ...]
    positive: str
    unit: Family

    @property
    def labels(self) -> Mask:
        """Who belongs to the positive group."""
        return np.array([m.group == self.positive for m in self.scored], dtype=bool)

    @property
    def weeks(self) -> list[PatWeek]:
        """Everyone's week."""
        return [m.week for m in self.scored if m.week is not None]


def folder_cohort(path: Path, positive: str, unit: str, rules: RouterRules) -> Cohort:
    """Read a folder of groups. Raises InputError where nothing could be compared."""
    family = _family(unit)
    groups = groups_in(path)
    if positive not in groups:
        names = ", ".join(groups)
        raise InputError(f"{path.name} has no group “{positive}”: give --positive one of {names}.")
    if len(groups) < 2:
        raise InputError(f"{path.name} has only the group “{positive}”: a second is needed.")
    total = sum(map(len, groups.values()))
    found = members_in(groups, family, rules.min_depression_coverage)
    members = list(tqdm(found, desc="people", total=total))
    cohort = Cohort(
        tuple(m for m in members if m.week), tuple(m for m in members if not m.week), positive,
        family,
    )  # fmt: skip
    for is_positive, group in ((True, f"“{positive}”"), (False, f"the others than “{positive}”")):
        if not (cohort.labels == is_positive).any():
            why = next(m for m in cohort.unscored if (m.group == positive) == is_positive)
            raise InputError(
                f"Nobody in {group} can be scored; of {why.name}: {why.reason} "
                "Give recordings of at least one person."
            )
    return cohort


def _family(unit: str) -> Family:
    try:
        return Family(unit)
    except ValueError:
        raise InputError(
            f"The unit “{unit}” is not known: give --unit one of {', '.join(Family)}."
        ) from None


def evaluate_folder(
    cohort: Cohort, models: Models, rules: RouterRules, reference: str | None, full: bool = False
) -> dict[str, Any]:
    """What ``manage.py evaluate --dataset folder`` prints; ``full`` adds what a report shows.

    AUCs are taken on the model's output before calibration, which keeps its order; mean
    activity is that of all recorded minutes of the week with its sign turned. Raises
    InputError if there is no reference of this unit, ArtifactError if the model cannot be
    loaded.
    """
    which = reference or (OWN if len(cohort.scored) >= MIN_PEOPLE else SHIPPED)
    cohort, raw = _scored(cohort, models, _reference(cohort, models, which))
    return _answer(cohort, models, rules, which, raw, full)


def _reference(cohort: Cohort, models: Models, which: str) -> Reference:
    if which == OWN:
        return of_a_week(fitted(cohort.weeks, "folder").reference)
    if which != SHIPPED:
        raise InputError(f"The reference “{which}” is not known: give {OWN} or {SHIPPED}.")
    if cohort.unit not in models.references:
        raise InputError(
            f"No reference of {cohort.unit} is shipped: give --reference {OWN}, for which "
            f"{MIN_PEOPLE} people are needed."
        )
    return models.references[cohort.unit]


def _scored(cohort: Cohort, models: Models, reference: Reference) -> tuple[Cohort, Floats]:
    """Everyone's uncalibrated output; those of whom the model says nothing are put aside."""
    raw = _outputs(cohort.weeks, models, reference)
    said = np.isfinite(raw)
    if said.all():
        return cohort, raw
    reason = "The model gave no number."
    silent = [
        Member(m.name, m.group, None, reason, m.rejected)
        for m, ok in zip(cohort.scored, said, strict=True)
        if not ok
    ]
    kept = tuple(m for m, ok in zip(cohort.scored, said, strict=True) if ok)
    left = Cohort(kept, (*cohort.unscored, *silent), cohort.positive, cohort.unit)
    if len(np.unique(left.labels)) < 2:
        raise InputError("The model gave no number for a whole group: restore its file.")
    return left, raw[said]


def _outputs(weeks: Sequence[PatWeek], models: Models, reference: Reference) -> Floats:
    engine = models.depression_engine
    chunks = (weeks[i : i + 32] for i in range(0, len(weeks), 32))
    inputs = (np.stack([standardised(week, reference) for week in chunk]) for chunk in chunks)
    parts = [np.asarray(engine.probabilities(chunk), dtype=np.float64) for chunk in inputs]
    return np.concatenate(parts)


def _answer(
    cohort: Cohort, models: Models, rules: RouterRules, which: str, raw: Floats, full: bool
) -> dict[str, Any]:
    labels, people = cohort.labels, np.arange(len(cohort.scored))
    still = -np.array([mean_activity(week) for week in cohort.weeks])
    worn = -np.array([mean_activity(_only_worn(week)) for week in cohort.weeks])
    ours, theirs = discrimination(labels, raw, people), discrimination(labels, still, people)
    calibrate, facts = models.calibrator("depression"), models.facts("depression")
    p = np.array([calibrate(float(x)) for x in raw])
    cutoffs = {"Moderate": rules.depression.moderate, "High": rules.depression.high}
    answer = {
        "dataset": "folder",
        "n": len(cohort.scored),
        "positives": int(labels.sum()),
        "depression_auc": ours["auroc"],
        "depression_auc_ci": ours["auroc_ci"],
        "depression_auprc": ours["auprc"],
        "depression_auprc_ci": ours["auprc_ci"],
        "mean_activity_auc": theirs["auroc"],
        "mean_activity_auc_ci": theirs["auroc_ci"],
        "mean_worn_activity_auc": rounded(auroc(labels, worn)),
        "difference": difference(labels, raw, still, people),
        "calibration": calibration(labels, p),
        "cutoffs": at_cutoffs(labels, p, people, cutoffs),
        "unscored": [
            {"name": m.name, "reason": m.reason, "group": m.group} for m in cohort.unscored
        ],
        "rejected": _rejected(cohort),
        "warnings": list(_warnings(cohort, models)),
        "positive": cohort.positive,
        "unit": str(cohort.unit),
        "reference": which,
        "model": {"version": facts.version, "sha256": facts.sha256, "trained_on": facts.trained_on},
        "notice": RESEARCH_USE if facts.trained_on == "simulated" else None,
    }
    return answer | (_more(cohort, models, which, raw, still) if full else {})


def _only_worn(week: PatWeek) -> PatWeek:
    return PatWeek(np.where(week.worn, week.activity, np.float32(np.nan)), week.worn)


def _rejected(cohort: Cohort) -> dict[str, int]:
    """Rows left out of all files, by reason."""
    total: dict[str, int] = {}
    for member in (*cohort.scored, *cohort.unscored):
        for reason, rows in member.rejected.items():
            total[reason] = total.get(reason, 0) + rows
    return total


def _warnings(cohort: Cohort, models: Models) -> Iterator[str]:
    """What makes the figures doubtful: few people, one of them twice, the unit."""
    yield from _about_the_people(cohort)
    yield from _about_the_unit(cohort, models)


def _about_the_people(cohort: Cohort) -> Iterator[str]:
    positive = int(cohort.labels.sum())
    fewest = min(positive, len(cohort.scored) - positive)
    if fewest < FEW_PEOPLE:
        yield (
            f"Of one group {fewest} {'person' if fewest == 1 else 'people'} could be scored: with "
            f"fewer than {FEW_PEOPLE} in either, an interval says little."
        )
    by_contents: dict[str, list[str]] = {}
    for member in (*cohort.scored, *cohort.unscored):
        if member.contents:
            by_contents.setdefault(member.contents, []).append(f"{member.group}/{member.name}")
    for names in by_contents.values():
        if len(names) > 1:
            yield (
                f"{' and '.join(names)} have the same contents: one person counts as "
                f"{len(names)}; remove the copies."
            )


def _about_the_unit(cohort: Cohort, models: Models) -> Iterator[str]:
    """Levels that the shipped reference never had, lost rows."""
    people, unit = len(cohort.scored), cohort.unit
    if unit in models.references:
        seen = models.level_range(unit)
        outside = sum(scale_reason(week, unit, seen) is not None for week in cohort.weeks)
        if outside > DOUBTFUL_SHARE * people:
            yield (
                f"The mean activity of {outside} of {people} recordings lies outside "
                f"{seen[0]:.3g} to {seen[1]:.3g}, where the reference people of {unit} lay: check "
                "--unit."
            )
    lost = [m for m in cohort.scored if sum(m.rejected.values()) > LOST_SHARE * m.rows]
    if lost:
        yield (
            f"{len(lost)} of {people} recordings lost more than {LOST_SHARE:.0%} of their rows, "
            f"such as {lost[0].name}; “rejected” says why: check --unit and the files."
        )


def _more(cohort: Cohort, models: Models, which: str, raw: Floats, still: Floats) -> dict[str, Any]:
    """Curves, a third thing to beat, groups by wear, and what is left when minutes are lost."""
    labels, people = cohort.labels, np.arange(len(cohort.scored))
    features = np.array([[six_features(w)[name] for name in SIX] for w in cohort.weeks])
    logistic = out_of_fold(features, labels, people)
    coverage = np.array([week.coverage for week in cohort.weeks])
    parts = {"worn 60 % of the week or more": coverage >= 0.6, "worn less": coverage < 0.6}
    return {
        "groups": _groups(cohort),
        "curves": {"depression": curves(labels, raw), "mean_activity": curves(labels, still)},
        "baselines": {
            "mean_activity": discrimination(labels, still, people),
            "logistic_regression": None
            if logistic is None
            else discrimination(labels, logistic, people),
        },
        "subgroups": {
            name: discrimination(labels[rows], raw[rows], people[rows])
            for name, rows in parts.items()
        },
        "ablations": [_thinned_to(share, cohort, models, which) for share in SHARES],
    }


def _groups(cohort: Cohort) -> dict[str, dict[str, int]]:
    names = sorted({m.group for m in (*cohort.scored, *cohort.unscored)})
    return {
        name: {
            "scored": sum(m.group == name for m in cohort.scored),
            "unscored": sum(m.group == name for m in cohort.unscored),
        }
        for name in names
    }


def _thinned_to(share: float, cohort: Cohort, models: Models, which: str) -> Measured:
    """Both AUCs when only that share of the week's hours is left, the same for both."""
    rng = np.random.default_rng(THINNING_SEED)
    every = [_with_hours(week, share, rng) for week in cohort.weeks]
    left = np.array([week.coverage > 0 for week in every])
    weeks = [week for week in every if week.coverage > 0]
    raw = _outputs(weeks, models, _reference(cohort, models, which))
    still = -np.array([mean_activity(week) for week in weeks])
    labels, people = cohort.labels[left], np.arange(len(weeks))
    ours, theirs = discrimination(labels, raw, people), discrimination(labels, still, people)
    return {
        "share": share,
        "n": len(weeks),
        "depression_auc": ours["auroc"],
        "depression_auc_ci": ours["auroc_ci"],
        "mean_activity_auc": theirs["auroc"],
    }


def _with_hours(week: PatWeek, share: float, rng: np.random.Generator) -> PatWeek:
    hours = len(week.worn) // 60
    kept = np.zeros(hours, dtype=bool)
    kept[rng.permutation(hours)[: round(share * hours)]] = True
    minutes = np.repeat(kept, 60)
    return PatWeek(np.where(minutes, week.activity, np.float32(np.nan)), week.worn & minutes)
