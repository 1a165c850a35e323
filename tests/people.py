"""Small simulated people in care, and a look at every row of the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.apps import apps

from patients.domain.recording import Family, Recording, SleepEpisode
from patients.models import CareTeamMember, Patient, User
from patients.services import patient_enrol
from patients.storage import recordings_store
from scoring.learning.people import a_course, a_person
from scoring.learning.simulate import simulate_person_data

ZONE = "America/Toronto"
DAYS = 35
LAST_DAY = date(2026, 3, 1)
LEVEL = 2000.0  # counts of an average waking minute
# Somebody who wears the sensor every night, and sleeps from after midnight on.
STEADY: dict[str, Any] = {
    "missing_share": 0.0,
    "midsleep_hours": 4.5,
    "sleep_hours": 8.2,
    "sleep_sd_hours": 0.4,
    "midsleep_sd_hours": 0.3,
    "weekend_hours": 0.3,
    "floor_share": 0.0,
}


def morning(day: date = LAST_DAY) -> datetime:
    """Eight o'clock on the day after: when that day's score is read."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(ZONE)).replace(
        hour=8
    )


@cache
def recording(
    seed: int = 1, days: int = DAYS, last_day: date = LAST_DAY, sleepless: int = 0
) -> Recording:
    """Every minute and night of a person who is well; the last ``sleepless`` nights last 3 h."""
    rng = np.random.default_rng(seed)
    person = replace(a_person(rng, "mdd"), **STEADY)
    first = last_day - timedelta(days=days - 1)
    data = simulate_person_data(
        rng, person, a_course(days, []), first, ZONE, Family.ACTIGRAPH_COUNTS, LEVEL
    )
    kept = len(data.sleep) - sleepless
    sleep = (*data.sleep[:kept], *map(_cut_short, data.sleep[kept:]))
    return Recording("simulated", "simulated wrist device", data.family, data.series, sleep)


def _cut_short(episode: SleepEpisode) -> SleepEpisode:
    end = episode.start + timedelta(hours=3)
    return SleepEpisode(episode.start, end, 175.0, 5.0, log_id=episode.log_id)


def in_care(
    code: str, what: Recording | None = None, team: Sequence[User] = (), **more: Any
) -> Patient:
    """A patient with a recording, through the services."""
    patient = patient_enrol(code=code, zone=ZONE, by="test")
    for name, value in more.items():
        setattr(patient, name, value)
    patient.save()
    CareTeamMember.objects.bulk_create(CareTeamMember(patient=patient, user=u) for u in team)
    store(patient, what or recording())
    return patient


def store(patient: Patient, what: Recording, name: str = "first") -> None:
    """Take the recording in as a file of that name."""
    recordings_store(
        patient=patient,
        recordings=[what],
        file_sha256=f"{patient.code}-{name}",
        zone=ZONE,
        by="test",
    )


def every_row() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, as stored."""
    return {
        model._meta.label: [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in model.objects.order_by("pk").values_list()
        ]
        for model in apps.get_models()
    }
