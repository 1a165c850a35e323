"""Whose days everything is made of: nobody is learned from and measured on."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.engines.artifacts import Artifact, load_manifest
from scoring.engines.models import PARTS, Models
from scoring.learning import combination, train
from scoring.learning.combination import fitted as fitted_together
from scoring.learning.fit_depression import Plan
from scoring.learning.references import read_references
from scoring.learning.train import Sizes, Training, measured
from scoring.management.commands.calibrate_model import PEOPLE_AFTER
from scoring.resources import DATA, router_rules
from tests.model_folders import copied

FEW = Sizes(weeks=6, held_weeks=3, patients=3, days=20, test_people=8, test_days=20)
SEED = 40
COMMAND = "manage.py train_mania --seed 40"
People = set[tuple[int, int]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A whole training of few people, with what each step was given; the fits are left out."""
    folder = copied(tmp_path_factory.mktemp("training") / "artifacts")
    shipped = load_manifest(folder)
    training = Training(folder, DATA, seed=SEED, sizes=FEW, made_by=COMMAND)
    training.__dict__["_fitted"] = read_references(shipped["references"])  # minutes, else
    given: dict[str, Any] = {}
    simulated: dict[int, People] = {}

    with pytest.MonkeyPatch.context() as patch:
        weeks, days, fitted, figures = (
            train.simulate_weeks, train.simulate_person_days, combination.fitted, train.figures,
        )  # fmt: skip

        def simulate_weeks(seed: int, people: int, *rest: Any) -> Any:
            made = weeks(seed, people, *rest)
            first = rest[2]
            simulated[id(made)] = {(seed, first + n) for n in range(people)}
            given.setdefault("kept", []).append(made)  # an id is of what is still there
            return made

        def simulate_person_days(seed: int, people: int, *rest: Any) -> Any:
            made = days(seed, people, *rest)
            simulated[id(made)] = {(seed, n) for n in range(people)}
            given.setdefault("kept", []).append(made)
            return made

        def fit_mania(made: Any, *_: Any) -> list[Artifact]:
            given["boosters"] = simulated[id(made)]
            return []

        def fit_depression(learn: Any, stop: Any, calibrate: Any, *_: Any) -> Artifact:
            for name, made in (("learn", learn), ("stop", stop), ("calibrate", calibrate)):
                given[name] = simulated[id(made)]
            return shipped["depression"]

        def fitted_on(learns: Any, worn: Any, unseen: Any, *rest: Any) -> Any:
            given["combination"], given["unseen"] = set(learns["person"]), set(unseen["person"])
            given["pair"] = rest[-1]
            return fitted(learns, worn, unseen, *rest)

        def figures_of(table: Any, outcome: str) -> Any:
            given.setdefault("measured", set()).update(table.days["person"])
            return figures(table, outcome)

        patch.setattr(train, "NATURAL_PEOPLE", 20)
        patch.setattr(train, "simulate_weeks", simulate_weeks)
        patch.setattr(train, "simulate_person_days", simulate_person_days)
        patch.setattr(train, "fit_mania", fit_mania)
        patch.setattr(train, "fit_depression", fit_depression)
        patch.setattr(combination, "fitted", fitted_on)
        patch.setattr(train, "figures", figures_of)
        training.mania()
        training.depression(Plan())
        made = {"mania", "hypomania"}
        done = measured(training, list(shipped.values()), made, router_rules())
        given["clinic"] = simulated[id(given["kept"][-1])]
        given["calibrate_model"] = simulated[id(training.clinic(SEED + PEOPLE_AFTER, 2))]
        yield SimpleNamespace(given=given, done={a.name: a for a in done}, shipped=shipped)


def test_nobody_is_learned_from_stopped_by_calibrated_on_and_measured_on(
    ran: SimpleNamespace,
) -> None:
    parts = ("boosters", "learn", "stop", "calibrate", "clinic", "calibrate_model")
    for one, other in combinations(parts, 2):
        assert ran.given[one] and ran.given[other]
        assert not ran.given[one] & ran.given[other], (one, other)
    assert all(seed >= SEED for part in parts for seed, _ in ran.given[part])


def test_the_combination_is_measured_on_others_than_it_was_fitted_on(ran: SimpleNamespace) -> None:
    learns, unseen, found = (ran.given[n] for n in ("combination", "unseen", "measured"))
    assert learns and unseen and not learns & unseen
    assert found == unseen, "the tracks are measured on nobody whom the combination has seen"


def test_the_combination_keeps_its_calibration_and_of_which_pair_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(80), 20)
    p = pd.DataFrame({f"p_{name}": 0.3 * rng.random(len(people)) for name in train.FIGURES})
    for name in train.FIGURES:
        p[f"label_{name}"] = rng.random(len(people)) < p[f"p_{name}"]
    days, worn = p.assign(person=people), pd.Series(np.ones(len(people)))
    half = people < 40
    pair = {"depression": "ab", "mania": "cd"}
    [made] = fitted_together(
        days[half], worn[half], days[~half], worn[~half], tmp_path, router_rules(), SEED, pair
    )
    figures = made.metrics
    assert made.training["fitted_for"] == pair
    assert sum(b["n"] for b in figures["reliability"]) == figures["n"] == 800
    assert 0 < figures["brier"] < 0.25 and figures["ece"] < figures["ece_of_the_mean"]


def test_a_training_s_combination_is_of_the_models_beside_it(ran: SimpleNamespace) -> None:
    folder = Path(ran.done["mania"].folder)
    pair = {track: Models(folder).facts(track).sha256 for track in PARTS}
    assert ran.given["pair"] == pair


def test_what_was_kept_says_what_was_measured_when_it_was_made(ran: SimpleNamespace) -> None:
    assert ran.done["depression"] == ran.shipped["depression"]
    for name in ("mania", "hypomania"):
        assert ran.done[name].metrics["people"] == len(ran.given["measured"])
        assert ran.done[name].metrics != ran.shipped[name].metrics
    assert ran.done["distributions"].made_by == COMMAND != ran.done["depression"].made_by
    written = load_manifest(Path(ran.done["mania"].folder))
    assert written["depression"].metrics == ran.shipped["depression"].metrics
