"""From a person's minutes and features to both outputs and the one decision of a day."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import UNITS
from scoring.domain.calibration import IsotonicCalibrator
from scoring.domain.circumstances import Circumstance, weighed
from scoring.domain.early_warning import early_warning
from scoring.domain.explain import EXPLANATION_FAILED, Label, shown_probability
from scoring.domain.pat_window import PatWeek, Reference, pat_week, standardised
from scoring.domain.router import Antidepressant, decide
from scoring.domain.rules import RouterRules
from scoring.domain.types import (
    DayFeatures,
    Floats,
    PersonData,
    Reason,
    RiskDecision,
    TrackOutput,
)
from scoring.domain.unit_scale import scale_reason
from scoring.domain.vector import WINDOW_NIGHTS, Vector, named, own_vector, vector
from scoring.engines.artifacts import ArtifactError
from scoring.engines.explained import (
    NOT_EXPLAINED,
    Explanation,
    OccludedWeek,
    explained_vector,
)
from scoring.engines.models import Models, TrackFacts

log = logging.getLogger("clarity")
T = TypeVar("T")


@dataclass(frozen=True)
class Assessment:
    """One day's outputs and decision, the hash of all numbers that went in, and the models.

    A track whose model cannot even be named, because its manifest is broken, has none;
    ``combination_sha256`` is of what the weighted mean was passed through, None for nothing;
    ``combination_lost`` that there is such a file and it cannot be trusted.
    """

    decision: RiskDecision
    depression: TrackOutput
    mania: TrackOutput
    inputs_sha256: str
    models: Mapping[str, TrackFacts | None] = field(default_factory=dict)
    combination_sha256: str | None = None
    combination_lost: bool = False
    circumstances: tuple[Circumstance, ...] = ()


COMBINATION_LOST = Reason(
    "combination_lost",
    "What calibrates both tracks together is missing or was changed: the overall probability is "
    "their weighted mean as it is. Operations have been told.",
)

COMBINATION_NOT_FITTED = Reason(
    "combination_not_fitted",
    "The overall probability is the weighted mean of both tracks as it is: what calibrates it was "
    "fitted for other models than those in use.",
)


class NoNumber(ArithmeticError):
    """A model gave NaN or an infinite value."""


def assess_day(
    person: PersonData,
    days: Sequence[DayFeatures],
    day: date,
    antidepressant: Antidepressant,
    models: Models,
    rules: RouterRules,
    labels: dict[str, Label],
    explain: bool = True,
    window_nights: int = WINDOW_NIGHTS,
    circumstances: tuple[Circumstance, ...] = (),
) -> Assessment:
    """Both models side by side on one day, then the router.

    ``days`` are the features up to the day; later ones are ignored. ``window_nights`` is that of
    the mania model's inputs; ``circumstances`` are those that count on the day. A model that fails
    leaves its track unavailable with the reason, and the other goes on.
    """
    known = [d for d in days if d.day <= day]
    night = _latest_night(known, day, rules.mania_recent_nights)
    week, inputs = pat_week(person, day), own_vector(known, night or day, window_nights)
    nights = vector(known, day, window_nights)
    depression = _or_failed(
        lambda: _depression(person, day, week, models, rules, labels, explain), week.coverage
    )
    mania = _or_failed(
        lambda: _mania(known, night, inputs, nights, models, rules, labels, explain),
        nights.coverage,
    )
    p95 = _or_none(partial(models.population_p95, person.family))
    warning = early_warning(known, day, p95, rules.early_warning)
    both = depression.status == mania.status == "ok"
    combination, passed, lost = _combination(models) if both else (None, None, False)
    decision = decide(
        day, depression, mania, antidepressant, warning, rules, combination, circumstances
    )
    depression, mania = weighed(depression, circumstances), weighed(mania, circumstances)
    if both and combination is None:
        uncombined = COMBINATION_LOST if lost else COMBINATION_NOT_FITTED
        decision = replace(decision, reasons=(*decision.reasons, uncombined))
    if mania.status == "ok" and night:
        notes = _about_the_nights(known, day, night, window_nights)
        decision = replace(decision, reasons=(*decision.reasons, *notes))
    if depression.status == "ok" and person.family:
        levels = _or_none(partial(models.level_range, person.family))
        note = scale_reason(week, person.family, levels) if levels else None
        if note:
            decision = replace(decision, reasons=(*decision.reasons, note))
    used = {track: _or_none(partial(models.facts, track)) for track in ("depression", "mania")}
    digest = _inputs_hash(week, inputs, known[-7:])
    return Assessment(decision, depression, mania, digest, used, passed, lost, circumstances)


def _combination(models: Models) -> tuple[IsotonicCalibrator | None, str | None, bool]:
    """What the weighted mean is passed through, its file's hash, and whether it was lost."""
    try:
        return models.combination, models.combination_sha256, False
    except Exception:
        log.exception("the combination cannot be read")
        return None, None, True


def _latest_night(days: Sequence[DayFeatures], day: date, recent: int) -> date | None:
    """The latest night that is there among the last few: a missing one says nothing."""
    first = day - timedelta(days=recent - 1)
    return max((d.day for d in days if d.night_present and d.day >= first), default=None)


def _about_the_nights(
    days: Sequence[DayFeatures], day: date, night: date, window_nights: int
) -> Iterator[Reason]:
    """What a reader must know of the nights behind the mania track."""
    if night != day:
        text = f"Mania is read from the night to {night}, the latest there."
        yield Reason("mania_night", text)
    first = day - timedelta(days=window_nights - 1)
    present = [d for d in days if d.day >= first and d.night_present]
    unworn = sum("night_unworn" in d.flags for d in present)
    if unworn:
        text = (
            f"The sensor was not worn in {unworn} of {len(present)} nights: their sleep is "
            "assumed from its lying still in the dark."
        )
        yield Reason("mania_nights_unworn", text)


def _or_failed(run: Callable[[], TrackOutput], coverage: float) -> TrackOutput:
    try:
        return run()
    except Exception as error:  # whatever a model does, the other track must still be read
        log.exception("model failed")
        return TrackOutput.failure(f"{_why(error)}; operations have been told.", coverage)


def _why(error: Exception) -> str:
    """What a clinician must know of it; the rest is in the operations log."""
    if isinstance(error, ArtifactError):
        return "the files of its model are missing or were changed, so it was not used"
    if isinstance(error, NoNumber):
        return "its model gave no usable number"
    return "its model failed"


def _or_none(read: Callable[[], T]) -> T | None:
    """What is wanted beside the models' numbers; None where it cannot be had."""
    try:
        return read()
    except Exception:
        log.exception("not had beside a model's number")
        return None


def _or_unexplained(explain: Callable[[], Explanation | None]) -> Explanation:
    """The explanation; where it fails, the number stands without one and the page says so."""
    return _or_none(explain) or ((), {EXPLANATION_FAILED: True})


def _finite(raw: Iterable[float]) -> list[float]:
    """The outputs. Raises NoNumber for one that is none: NaN compares to no tier's edge."""
    values = [float(p) for p in raw]
    if not np.isfinite(values).all():
        raise NoNumber
    return values


def _occluded(
    person: PersonData, day: date, week: PatWeek, inputs: NDArray[np.float32], reference: Reference
) -> OccludedWeek:
    """With its rows made, so that what fails in them fails here."""
    occluded = OccludedWeek.of(person, day, week, inputs, reference)
    assert len(occluded.rows)
    return occluded


def _depression(
    person: PersonData,
    day: date,
    week: PatWeek,
    models: Models,
    rules: RouterRules,
    labels: dict[str, Label],
    explain: bool,
) -> TrackOutput:
    if person.family not in models.references:
        unit = f"{person.family} ({UNITS[person.family]})" if person.family else "unknown"
        why = "values cannot be compared" if person.family else "no activity was recorded"
        return TrackOutput.unavailable(f"no reference for unit {unit}: {why}.", week.coverage)
    needed = rules.min_depression_coverage
    assert person.family is not None
    if week.coverage < needed:
        return TrackOutput.unavailable(
            f"the sensor was worn {100 * week.coverage:.1f} % of the week, "
            f"{100 * needed:.0f} % is needed.",
            week.coverage,
        )
    reference = models.references[person.family]
    engine, calibrate = models.depression_engine, models.calibrator("depression")
    inputs = standardised(week, reference)
    occluded = None
    if explain:
        occluded = _or_none(partial(_occluded, person, day, week, inputs, reference))
    raw = engine.probabilities(occluded.rows if occluded else inputs[np.newaxis])
    [probability] = (calibrate(p) for p in _finite(raw[:1]))
    contributions, explained = NOT_EXPLAINED
    if explain:
        unit = UNITS[person.family]
        contributions, explained = _or_unexplained(
            lambda: (
                occluded.explanation(engine, [calibrate(p) for p in _finite(raw)], unit, labels)
                if occluded
                else None
            )
        )
    return TrackOutput("ok", None, probability, week.coverage, contributions, explained=explained)


def _mania(
    days: Sequence[DayFeatures],
    night: date | None,
    inputs: Floats,
    nights: Vector,
    models: Models,
    rules: RouterRules,
    labels: dict[str, Label],
    explain: bool,
) -> TrackOutput:
    needed, coverage = rules.min_mania_nights, nights.coverage
    if nights.nights_present < needed:
        there = f"{nights.nights_present} of {nights.window_nights} nights are there"
        return TrackOutput.unavailable(f"{there}, {needed} are needed.", coverage)
    if night is None:
        return TrackOutput.unavailable(
            f"none of the last {rules.mania_recent_nights} nights is there.", coverage
        )
    columns = models.mania_engine.names
    row = inputs[np.newaxis, : len(columns)]
    names = ("mania", "hypomania")
    calibrators = [models.calibrator(name) for name in names]
    raw = _finite(p[0] for p in models.mania_engine.probabilities(row))
    parts = [calibrate(p) for calibrate, p in zip(calibrators, raw, strict=True)]
    contributions, explained = NOT_EXPLAINED
    if explain:
        about = next(d for d in days if d.day == night)
        contributions, explained = _or_unexplained(
            lambda: explained_vector(
                models.mania_engine, named(columns, row[0]), row, parts, calibrators, about, labels
            )
        )
    return TrackOutput(
        "ok",
        None,
        shown_probability(parts),
        coverage,
        contributions,
        {"mania_probability": parts[0], "hypomania_probability": parts[1]},
        explained=explained,
    )


def _inputs_hash(week: PatWeek, inputs: Floats, last_days: Sequence[DayFeatures]) -> str:
    digest = sha256(np.where(week.worn, week.activity, np.nan).astype("<f4").tobytes())
    digest.update(np.round(inputs, 9).astype("<f8").tobytes())
    for d in last_days:
        digest.update(repr((d.day, d.sleep["time_asleep_hours"], d.night_worn_minutes)).encode())
    return digest.hexdigest()
