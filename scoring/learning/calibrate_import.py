"""Probabilities for imported boosters: calibrated on simulated people of a clinic."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from scoring.engines.artifacts import SIMULATED, Artifact, write_manifest
from scoring.engines.mania import ManiaEngine
from scoring.engines.models import verified_parts
from scoring.learning.calibrate import calibrator_of
from scoring.learning.cohort import PersonDays
from scoring.learning.fit_mania import KINDS
from scoring.learning.outcome import calibration, discrimination

MADE_BY = "manage.py calibrate_model"
OF_THE_IMPORT = ("intended_use", "known_failures")  # both say that it is not calibrated


def calibrate_boosters(folder: Path, days: PersonDays, out: Path, seed: int) -> list[Artifact]:
    """Copy the boosters of ``folder`` into ``out``, each with a calibrator and its figures.

    Fitted on every other person of ``days`` and measured on the rest. The trees stay as they
    are; what their numbers mean comes from simulated people, so the copies count as made from
    these. Raises InputError where ``folder`` holds no two boosters, ArtifactError for a changed
    file, TooFewPositives as `calibrator_of` does.
    """
    parts, engine = boosters_of(folder)
    outputs = engine.probabilities(days.inputs[:, : len(engine.names)])
    made = [
        _calibrated(parts[name], raw, days.kinds == kind, days.people, seed)
        for (name, kind), raw in zip(KINDS.items(), outputs, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    for part in made:
        shutil.copyfile(folder / part.file, out / part.file)
    write_manifest(out, made)
    return made


def boosters_of(folder: Path) -> tuple[dict[str, Artifact], ManiaEngine]:
    """The folder's artefacts by name, and its two boosters at work.

    Raises InputError where it holds no two boosters, ArtifactError for a changed file.
    """
    parts = {part.name: part for part in verified_parts(folder, "mania")}
    if not set(KINDS) <= set(parts):
        raise InputError(f"{folder.name}/ holds no boosters of mania and hypomania: import them.")
    mania, hypomania = (folder / parts[name].file for name in KINDS)
    return parts, ManiaEngine(mania, hypomania)


def _calibrated(
    part: Artifact,
    raw: NDArray[np.float64],
    labels: NDArray[np.bool_],
    people: NDArray[np.int64],
    seed: int,
) -> Artifact:
    learns = people % 2 == 0
    calibrate = calibrator_of(labels[learns].astype(np.float64), raw[learns], people[learns])
    told = np.array([calibrate(float(p)) for p in raw[~learns]])
    kept: Mapping[str, Any] = {k: v for k, v in part.training.items() if k not in OF_THE_IMPORT}
    training = {
        **kept,
        "seed": seed,
        "calibrator": calibrate.as_dict(),
        "calibrated_on": f"{len(np.unique(people[learns]))} simulated people of a clinic",
        "trees_from": part.trained_on,
    }
    measured = discrimination(labels[~learns], told, people[~learns])
    return replace(
        part,
        training=training,
        trained_on=SIMULATED,
        metrics=measured | calibration(labels[~learns], told),
        made_by=MADE_BY,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
