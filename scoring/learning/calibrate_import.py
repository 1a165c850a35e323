"""Probabilities for imported boosters: calibrated on simulated people of a clinic."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from patients.domain.errors import InputError
from scoring.engines.artifacts import SIMULATED, Artifact, write_manifest
from scoring.engines.mania import ManiaEngine
from scoring.engines.models import verified_parts
from scoring.learning.calibrate import calibrator_of
from scoring.learning.cohort import PersonDays
from scoring.learning.fit_mania import KINDS


def calibrate_boosters(folder: Path, days: PersonDays, out: Path) -> list[Artifact]:
    """Copy the boosters of ``folder`` into ``out``, each with a calibrator fitted on ``days``.

    The trees stay as they are; what their numbers mean comes from simulated people, so the
    copies count as made from these. Raises InputError where it holds no two boosters,
    ArtifactError for a changed file, TooFewPositives as `calibrator_of` does.
    """
    parts = {part.name: part for part in verified_parts(folder, "mania")}
    if not set(KINDS) <= set(parts):
        raise InputError(f"{folder.name}/ holds no boosters of mania and hypomania: import them.")
    mania, hypomania = (folder / parts[name].file for name in KINDS)
    engine = ManiaEngine(mania, hypomania)
    outputs = engine.probabilities(days.inputs[:, : len(engine.names)])
    made = []
    for (name, kind), raw in zip(KINDS.items(), outputs, strict=True):
        labels = (days.kinds == kind).astype(np.float64)
        fitted = {
            "calibrator": calibrator_of(labels, raw, days.people).as_dict(),
            "calibrated_on": f"{len(days.members)} simulated people of a clinic",
            "trees_from": parts[name].trained_on,
        }
        training = parts[name].training | fitted
        made.append(replace(parts[name], folder=out, training=training, trained_on=SIMULATED))
    out.mkdir(parents=True, exist_ok=True)
    for part in made:
        shutil.copyfile(folder / part.file, out / part.file)
    write_manifest(out, made)
    return made
