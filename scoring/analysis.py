"""A recording analysed without a database, in the shape that INTERFACES fixes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from patients.domain.days import ZoneHistory, zone_named
from patients.domain.recording import UNITS, Recording
from scoring.domain.clinical_flags import clinical_flags
from scoring.domain.daily import FULL_DAY_MINUTES, daily_features
from scoring.domain.grid import build_grid
from scoring.domain.output import RESEARCH_USE, day_dict, decision_dict, track_dict
from scoring.domain.regularity import regularity
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.vector import vector
from scoring.engines.assess import assess_day
from scoring.resources import (
    feature_labels,
    flag_rules,
    models,
    router_rules,
    sedentary_thresholds,
    window_days,
)


def analysis(recording: Recording, zone: str) -> dict[str, Any]:
    """The object that ``manage.py analyse`` prints.

    A file says nothing of medication, so its list counts as unavailable.
    """
    zone_named(zone)
    series = {s.channel: s for s in recording.series}
    person = PersonData.of(ZoneHistory.of(zone), series, recording.family, recording.sleep)
    days = list(person.zones.days(recording.start, recording.end))
    made = daily_features(person, days[0], days[-1], sedentary=sedentary_thresholds())
    features = [f for f, _ in made]
    scored = _scored_day(features)
    assessed = assess_day(
        person, features, scored, Antidepressant.UNAVAILABLE, models(), router_rules(),
        feature_labels(), window_nights=window_days(),
    )  # fmt: skip
    decision = assessed.decision
    return {
        "recording": _recording(recording, person, days),
        "days": [day_object(features, f) for f in features],
        "depression": track_dict(assessed.depression, decision.depression_tier, "depression"),
        "mania": track_dict(assessed.mania, decision.mania_tier, "mania"),
        "decision": decision_dict(decision),
        "notice": RESEARCH_USE if models().are_simulated else None,
    }


def day_object(days: Sequence[DayFeatures], day: DayFeatures) -> dict[str, Any]:
    """The DAY object of a day; of ``days``, those before it and no later ones count."""
    window = window_days()
    return day_dict(
        day,
        vector(days, day.day, window),
        regularity(days, day.day, window),
        clinical_flags(days, day.day, flag_rules(), window),
    )


def _scored_day(features: list[DayFeatures]) -> date:
    """The last day with 12 h recorded; of a recording without one, the last day it touches."""
    full = [f.day for f in features if f.recorded_minutes >= FULL_DAY_MINUTES]
    return full[-1] if full else features[-1].day


def _recording(recording: Recording, person: PersonData, days: list[date]) -> dict[str, Any]:
    grid = build_grid(person, days[0], days[-1])
    zone = person.zones.zone_on(days[0])
    return {
        "source": recording.source,
        "start": recording.start.astimezone(zone).isoformat(),
        "end": recording.end.astimezone(zone).isoformat(),
        "minutes": int(grid.recorded.sum()),
        "worn_minutes": int(grid.worn.sum()),
        "unit": UNITS[person.family] if person.family else None,
        "rejected": dict(recording.rejected),
    }
