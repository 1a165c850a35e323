"""Reference statistics of PAT's weeks: from people's recordings, or from simulated people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.domain.pat_window import PatWeek, Reference
from scoring.domain.rules import family_values, read_rule_file
from scoring.domain.unit_scale import LevelRange, weekly_level
from scoring.engines.artifacts import RESTORE, Artifact, ArtifactError, sha256_of, verified_path
from scoring.learning.cohort import WEEK_COURSE_DAYS, simulated_week
from scoring.learning.fit import LICENCE
from scoring.learning.people import a_course, a_person

NAME, FILE, KIND = "references", "references.npz", "minute_references"
SEED = 20261120  # of everything that `make train` makes
SIMULATED = "simulated"
SIMULATED_PEOPLE = 150
SMOOTHING_MINUTES = 15
# With fewer, the mean of a minute is that of single people: assumption.
MIN_PEOPLE = 20
OWN_LICENCE = "that of the recordings; means and SDs of a group, of no single person"


@dataclass(frozen=True)
class Fitted:
    """The reference of one unit family, and of whom it is.

    Mean and SD have 10,080 minutes, or 1,440 of a day that stands for all seven.
    ``daily_p95`` is the 95th percentile of a day's mean activity, ``level_range`` the lowest
    and highest mean of a week; ``inputs_sha256`` is of the weeks, None for simulated ones.
    """

    reference: Reference
    daily_p95: float
    level_range: LevelRange
    source: str
    people: int
    inputs_sha256: str | None = None


def fitted(weeks: Sequence[PatWeek], source: str) -> Fitted:
    """Mean and SD (ddof 0) of each minute over people, as the PAT paper standardises.

    Only worn minutes count; a minute at which nobody wore the sensor has the mean and SD of
    all minutes. Raises InputError for fewer than 20 weeks.
    """
    if len(weeks) < MIN_PEOPLE:
        raise InputError(
            f"{len(weeks)} people with a usable week are too few for a reference: give at least "
            f"{MIN_PEOPLE}, or its minutes are those of single people."
        )
    values = _values(weeks)
    there = ~np.isnan(values)
    count, filled = there.sum(axis=0), np.where(there, values, 0.0)
    some = np.maximum(count, 1)
    mean = np.where(count > 0, filled.sum(axis=0) / some, values[there].mean())
    squares = np.where(there, (values - mean) ** 2, 0.0).sum(axis=0) / some
    sd = np.where(count > 0, np.sqrt(squares), values[there].std())
    return Fitted(
        Reference(mean.astype(np.float32), sd.astype(np.float32)),
        _daily_p95(values),
        _level_range(weeks),
        source,
        len(weeks),
        sha256(b"".join(sorted(row.tobytes() for row in values))).hexdigest(),
    )


def simulated_references(
    seed: int, families: Path, people: int = SIMULATED_PEOPLE
) -> dict[Family, Fitted]:
    """References of simulated well people, scaled by the waking levels of families.toml.

    Averaged over the seven days and 15 neighbouring minutes: a simulated person knows no
    weekday worth a column of its own.
    """
    rng = np.random.default_rng(seed)
    notes, _ = read_rule_file(families)
    references = {}
    for family, level in family_values(families, "waking_level").items():
        weeks = []
        for _ in tqdm(range(people), desc=f"reference {family}"):
            course = a_course(WEEK_COURSE_DAYS, [])
            weeks.append(simulated_week(rng, a_person(rng, "well"), course, family, level))
        values = _values(weeks).reshape(-1, 1440)
        mean = _smooth(np.nanmean(values, axis=0))
        square = _smooth(np.nanmean(values**2, axis=0))
        sd = np.sqrt(np.maximum(square - mean**2, 1e-12))
        # At night almost nobody moves: an SD near zero would blow up one stray count.
        sd = np.maximum(sd, 0.05 * sd.max())
        references[family] = Fitted(
            Reference(mean.astype(np.float32), sd.astype(np.float32)),
            _daily_p95(values),
            _level_range(weeks),
            f"{SIMULATED}; waking level of {level:g}: {notes[family]['note']}",
            people,
        )
    return references


def _values(weeks: Sequence[PatWeek]) -> NDArray[np.float64]:
    """Activity of the worn minutes, else NaN; shape (people, 10080)."""
    return np.stack([np.where(w.worn, w.activity, np.nan) for w in weeks]).astype(np.float64)


def _daily_p95(values: NDArray[np.float64]) -> float:
    days = values.reshape(-1, 1440)
    known = days[~np.isnan(days).all(axis=1)]
    return float(np.percentile(np.nanmean(known, axis=1), 95))


def _level_range(weeks: Sequence[PatWeek]) -> LevelRange:
    levels = [level for level in map(weekly_level, weeks) if level is not None]
    return min(levels), max(levels)


def _smooth(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    half = SMOOTHING_MINUTES // 2
    padded = np.concatenate((profile[-half:], profile, profile[:half]))
    return np.convolve(padded, np.full(SMOOTHING_MINUTES, 1 / SMOOTHING_MINUTES), "valid")


def save_references(
    references: Mapping[Family, Fitted], folder: Path, seed: int, made_by: str
) -> Artifact:
    """Write references.npz into the folder; returns the manifest's entry.

    While one family is of simulated people, the whole counts as trained on these.
    """
    path = folder / FILE
    arrays: dict[str, Any] = {}
    for family, fit in references.items():
        arrays[f"{family}_mean"], arrays[f"{family}_sd"] = fit.reference.mean, fit.reference.sd
    np.savez_compressed(path, **arrays)
    sources = sorted({fit.source for fit in references.values() if fit.inputs_sha256})
    is_simulated = any(fit.inputs_sha256 is None for fit in references.values())
    digest = sha256_of(path)
    return Artifact(
        folder=folder,
        name=NAME,
        file=FILE,
        sha256=digest,
        kind=KIND,
        version=f"own-{digest[:8]}" if sources else f"sim-{seed}",
        trained_on=SIMULATED if is_simulated else ", ".join(sources),
        training={
            "seed": seed,
            "daily_activity_p95": {str(f): fit.daily_p95 for f, fit in references.items()},
            "weekly_level_range": {str(f): list(fit.level_range) for f, fit in references.items()},
            "sources": {
                str(f): {
                    "source": fit.source,
                    "people": fit.people,
                    "inputs_sha256": fit.inputs_sha256,
                }
                for f, fit in references.items()
            },
        },
        licence=OWN_LICENCE if sources else LICENCE,
        metrics={},
        made_by=made_by,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_references(artifact: Artifact) -> dict[Family, Fitted]:
    """What ``save_references`` wrote. Raises ArtifactError for a file that is not as written."""
    told = artifact.training
    if "sources" not in told:
        raise ArtifactError(f"{artifact.file} does not say whose minutes it holds; {RESTORE}.")
    with np.load(verified_path(artifact)) as arrays:
        return {
            Family(family): Fitted(
                Reference(arrays[f"{family}_mean"], arrays[f"{family}_sd"]),
                told["daily_activity_p95"][family],
                tuple(told["weekly_level_range"][family]),
                **source,
            )
            for family, source in told["sources"].items()
        }
