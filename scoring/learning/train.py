"""`make train`: every shipped artefact from the seed, and what the models do on people unseen."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.domain.drift import reference_of
from scoring.domain.pat_window import Reference
from scoring.domain.rules import RouterRules, family_values
from scoring.engines.artifacts import Artifact, write_manifest
from scoring.engines.distributions import save_distributions
from scoring.engines.models import COMBINATION, PARTS, Models
from scoring.learning import combination, fit
from scoring.learning.cohort import (
    PersonDays,
    Weeks,
    kind_shares,
    simulate_person_days,
    simulate_weeks,
)
from scoring.learning.episodes import CLINIC_TIMES, Rates
from scoring.learning.evaluate import EITHER, Table, outcome_measured, with_either
from scoring.learning.fit_depression import Plan, fit_depression
from scoring.learning.fit_mania import fit_mania
from scoring.learning.references import SEED, Fitted, save_references, simulated_references
from scoring.learning.table import columns_for_drift, table_of

ENRICHED = Rates(6.0)  # so many times more hypomania and mania to learn from
CLINIC = Rates(CLINIC_TIMES)  # what is calibrated for, and measured on
CALIBRATE_TIMES = 3  # as many weeks as held to stop by: a calibrator's steps are shares
NATURAL_AFTER, NATURAL_PEOPLE = 5, 20_000  # how often each kind of episode is, nobody enriched
TEST_AFTER = 3  # the seed's own people on whom everything is measured
COMBINATION_PEOPLE = 4  # of the test people every so many-th is for the combination


@dataclass(frozen=True)
class Sizes:
    """How many people and days everything is made of."""

    weeks: int = 96_000
    held_weeks: int = 3_000
    patients: int = 2_000
    days: int = 120
    test_people: int = 700
    test_days: int = 120


class Training:
    """One seed's people, references and rules; what is asked for is made once."""

    def __init__(
        self,
        folder: Path,
        data: Path,
        seed: int = SEED,
        sizes: Sizes = Sizes(),
        made_by: str = fit.MADE_BY,
    ) -> None:
        self.folder, self.data, self.seed, self.sizes = folder, data, seed, sizes
        self.made_by = made_by  # the command, as a manifest names it
        self.levels = family_values(data / "families.toml", "waking_level")
        self.sedentary = family_values(data / "families.toml", "sedentary_below")
        folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def _fitted(self) -> Mapping[Family, Fitted]:
        return simulated_references(self.seed, self.data / "families.toml")

    @property
    def references(self) -> Mapping[Family, Reference]:
        """By unit family, of simulated people."""
        return {family: fitted.reference for family, fitted in self._fitted.items()}

    def fitted_references(self) -> Artifact:
        """What the weeks are standardised by."""
        return save_references(self._fitted, self.folder, self.seed, self.made_by)

    def named(self, made: Iterable[Artifact]) -> list[Artifact]:
        """The same artefacts, made by this training's command."""
        return [replace(artifact, made_by=self.made_by) for artifact in made]

    def mania(self) -> list[Artifact]:
        """Both boosters, from people with more episodes than there are."""
        days = self._days(self.seed + 1, self.sizes.patients, self.sizes.days, ENRICHED)
        natural = kind_shares(
            self.seed + NATURAL_AFTER, NATURAL_PEOPLE, self.sizes.days, self.levels, CLINIC
        )
        return self.named(fit_mania(days, natural, self.folder, self.seed))

    def weeks(self, first: int, people: int, to_learn: bool = False) -> Weeks:
        """Weeks of people from the ``first`` on."""
        return simulate_weeks(self.seed + 2, people, self.references, self.levels, first, to_learn)

    def depression(self, plan: Plan) -> Artifact:
        """PAT with its head."""
        train = self.weeks(0, self.sizes.weeks, to_learn=True)
        at, held = self.sizes.weeks, self.sizes.held_weeks
        stop, calibrate = self.weeks(at, held), self.weeks(at + held, CALIBRATE_TIMES * held)
        made = fit_depression(train, stop, calibrate, plan, self.folder, self.seed)
        return self.named([made])[0]

    def clinic(
        self, seed: int, people: int, references: Mapping[Family, Reference] | None = None
    ) -> PersonDays:
        """People of a clinic, who trained nothing; with references, their weeks for PAT too."""
        return self._days(seed, people, self.sizes.test_days, CLINIC, references)

    def _days(
        self,
        seed: int,
        people: int,
        days: int,
        rates: Rates,
        references: Mapping[Family, Reference] | None = None,
    ) -> PersonDays:
        return simulate_person_days(
            seed, people, days, references, self.levels, rates, self.sedentary
        )


def measured(
    training: Training, there: list[Artifact], made: Container[str], rules: RouterRules
) -> list[Artifact]:
    """All that is there, those named in ``made`` with figures of test people; beside them these
    people's distributions and the combination of the two tracks. What was kept says what was
    measured when it was made.
    """
    models = Models(training.folder)  # what was kept may have been standardised otherwise
    test_seed = training.seed + TEST_AFTER
    days = training.clinic(test_seed, training.sizes.test_people, models.references)
    table = table_of(days, models, rules, ablations=False)
    _check_enough(table)
    # The combination learns from people of its own, of whom nothing is measured.
    learns = np.array(days.people % COMBINATION_PEOPLE == 0)
    worn = pd.Series(days.worn)
    there = [a for a in there if a.name not in ("distributions", COMBINATION)]
    both = combination.fitted(
        table.days[learns], worn[learns], table.days[~learns], worn[~learns], training.folder,
        rules, training.seed, {track: models.facts(track).sha256 for track in PARTS},
    )  # fmt: skip
    there += training.named(both)
    table = replace(
        table,
        days=table.days[~learns],
        episodes=table.episodes[table.episodes["person"] % COMBINATION_PEOPLE != 0],
    )
    done = [
        replace(a, metrics=figures(table, a.name)) if a.name in made and a.name in FIGURES else a
        for a in there
    ]
    columns = columns_for_drift(days, table)
    references = [reference_of(name, values) for name, values in columns.items()]
    done.append(save_distributions(references, training.folder, test_seed, training.made_by))
    write_manifest(training.folder, done)
    return done


def _check_enough(table: Table) -> None:
    """InputError where those left to measure on have no day with a number."""
    told = table.days[table.days["person"] % COMBINATION_PEOPLE != 0]
    if told["p_depression"].notna().sum() == 0:
        raise InputError(
            f"{table.days['person'].nunique()} test people have too few days with both tracks: "
            "give --test-people more."
        )


FIGURES = ("depression", "mania", "hypomania")
PER_DAY = ("sensitivity", "sensitivity_ci", "specificity", "ppv", "npv", "npv_ci")


def figures(table: Table, outcome: str) -> dict[str, Any]:
    """What a manifest keeps of an outcome: by person-day, by tier and by episode.

    Beside mania's stand those of "mania or hypomania", of which the mania track's tier is.
    """
    found = outcome_measured(table, outcome)
    told = {key: found[key] for key in ("n", "people", "positives", "auroc", "auroc_ci")}
    told |= {"auprc": found["auprc"], **found["calibration"]}
    told["observed_to_expected"] = found["observed_to_expected"]
    for tier, of_tier in found["tiers"].items():
        episodes = of_tier["episodes"]
        told[f"from_{tier.lower()}"] = {
            **{key: of_tier.get(key) for key in PER_DAY},
            "alerts_per_patient_month": of_tier["alerts_per_patient_month"],
            "episodes": episodes["scored"],
            "episodes_found": episodes["share_found"],
            "episodes_found_ci": episodes["share_found_ci"],
            "lead_days_median": episodes["lead_days_median"],
        }
    if outcome == "mania":
        told[EITHER] = figures(with_either(table), EITHER)
    return told
