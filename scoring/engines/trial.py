"""A track's model loaded and run once, before it may score anybody."""

from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.domain.pat_window import WEEK_MINUTES
from scoring.engines.artifacts import ArtifactError
from scoring.engines.models import PARTS, Models

ONE_TWICE = "its mania and hypomania boosters are the same trees: give one of each"


def trial_trouble(folder: Path, track: str) -> str:
    """Why the folder's model of that track cannot score, in one clause; blank where it can.

    It is loaded with all that a score needs and run on one plain input. Imports TensorFlow or
    XGBoost: for commands and workers, never for a web process.
    """
    try:
        (_depression if track == "depression" else _mania)(Models(folder))
    except (ArtifactError, InputError) as error:
        return str(error).rstrip(".")
    except Exception as error:  # a library may raise anything on a file that is not its own
        return f"it cannot be loaded and run ({type(error).__name__}: {_first_line(error)})"
    return ""


def _depression(models: Models) -> None:
    from scoring.engines.pat import SIZES

    size = models.depression_weights[1]
    if size not in SIZES:
        raise InputError(
            f"its manifest gives the size {size!r}, which is none of {', '.join(SIZES)}"
        )
    for family in models.references:
        _check_reference(models, family)
    week = np.zeros((1, WEEK_MINUTES), np.float32)  # as everybody's mean, minute by minute
    _check_output("depression", models, models.depression_engine.probabilities(week))


def _check_reference(models: Models, family: Family) -> None:
    reference = models.references[family]
    models.level_range(family)
    models.population_p95(family)
    for values in (reference.mean, reference.sd):
        if values.shape != (WEEK_MINUTES,) or not np.isfinite(values).all():
            raise InputError(f"its reference of {family} is not {WEEK_MINUTES} numbers")


def _mania(models: Models) -> None:
    engine = models.mania_engine
    if engine.is_one_twice:
        raise InputError(ONE_TWICE)
    outputs = engine.probabilities(np.zeros((1, len(engine.names))))
    engine.margin_contributions(np.zeros((1, len(engine.names))))
    for name, raw in zip(PARTS["mania"], outputs, strict=True):
        _check_output(name, models, raw)


def _check_output(name: str, models: Models, raw: Any) -> None:
    [value] = (models.calibrator(name)(float(p)) for p in raw)
    if not (0 <= float(raw[0]) <= 1 and 0 <= value <= 1):
        raise InputError(f"{name} gave {float(raw[0])} for a plain input, which is no probability")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120]
