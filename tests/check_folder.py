"""`make check-folder`: the depression track beside mean activity on folders it was not made for.

python -m tests.check_folder [PEOPLE [ARTEFACTS]]

Each folder holds simulated people of two groups, in a depressive episode and well, as wrist
recorders without a heart rate or a sleep log write them, and is read as `evaluate --dataset
folder` reads any other. What the illness does differs: real people need not resemble the
simulator's, and a track that leans on lateness fails where the ill are early. Mean activity is
what has to be matched.
"""

import csv
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.recording import Family
from scoring.domain.rules import family_values
from scoring.engines.models import Models
from scoring.evaluation import evaluate_folder, folder_cohort
from scoring.learning.cohort import FIRST_DAY, ZONE
from scoring.learning.episodes import SPELL_SEVERITY
from scoring.learning.people import (
    DEPRESSION,
    PATIENTS,
    Episode,
    Person,
    a_course,
    a_person,
)
from scoring.learning.simulate import simulate_person_data
from scoring.resources import DATA, models, router_rules

PEOPLE, SEED, DAYS = 240, 20261128, 9
FAMILY = Family.ACTIWATCH_COUNTS
WELL, ILL = "well", "ill"
# What differs from the simulator's own people: traits of both groups.
FOLDERS: Mapping[str, Mapping[str, Any]] = {
    "as simulated": {},
    "less active, no later": {"phase_response": 0.0, "low_sleep_response": 0.0},
    "less active and earlier": {"phase_response": -1.0},
    "half of all waking minutes still": {"still_share": 0.5},
    "a floor in place of zeros": {"floor_share": 0.04},
}


def write_folder(folder: Path, people: int, traits: Mapping[str, Any]) -> None:
    """One CSV a person in ``ill`` and ``well``, half of the people each."""
    rng = np.random.default_rng(SEED)
    scale = family_values(DATA / "families.toml", "waking_level")[FAMILY]
    for index in range(people):
        group = ILL if index % 2 else WELL
        diagnosis = str(rng.choice(PATIENTS)) if group == ILL else "well"
        person = replace(a_person(rng, diagnosis), **traits)
        (folder / group).mkdir(exist_ok=True)
        _write(folder / group / f"{index:04}.csv", _counts(rng, person, group, scale))


def _counts(rng: np.random.Generator, person: Person, group: str, scale: float) -> np.ndarray:
    severity = float(rng.uniform(*SPELL_SEVERITY))
    spell = Episode(DEPRESSION, -10, 40, severity)
    course = a_course(DAYS, [spell] if group == ILL else [])
    whole = replace(person, missing_share=0.0)
    data = simulate_person_data(rng, whole, course, FIRST_DAY, ZONE, FAMILY, scale)
    assert data.activity is not None
    return data.activity.values


def _write(path: Path, counts: np.ndarray) -> None:
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("timestamp", "date", "activity"))
        start = np.datetime64(FIRST_DAY, "m")
        for minute, count in zip(start + np.arange(len(counts)), counts, strict=True):
            at = str(minute).replace("T", " ")
            rows.writerow((f"{at}:00", at[:10], "" if np.isnan(count) else int(count)))


def main(arguments: Sequence[str]) -> int:
    """Print every folder; 1 if mean activity is better in one."""
    people = int(arguments[0]) if arguments else PEOPLE
    loaded = Models(Path(arguments[1])) if len(arguments) > 1 else models()
    behind = 0
    print(f"{'folder':34} {'depression track':>16} {'mean activity':>14}  difference (95 %)")
    for name, traits in FOLDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_folder(Path(folder), people, traits)
            cohort = folder_cohort(Path(folder), ILL, FAMILY, router_rules())
        found = evaluate_folder(cohort, loaded, router_rules(), None)
        ours, theirs = found["depression_auc"], found["mean_activity_auc"]
        low, high = found["difference"]["auroc_ci"]
        behind += ours < theirs
        print(
            f"{name:34} {ours:>16.3f} {theirs:>14.3f}  "
            f"{ours - theirs:+.3f} ({low:+.3f} to {high:+.3f})"
        )
    print(f"behind mean activity in {behind} of {len(FOLDERS)} folders of {people} people")
    return int(behind > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
