"""A nightly feature pass over many patients, from stored minutes to both models' inputs.

python -m tests.bench nightly [--quick]     (--quick takes 100 patients in place of 1,000)
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from patients.models import Patient

PATIENTS, QUICK_PATIENTS = 1_000, 100
TIMES_HISTORY = 10
# What a copy of a row has in place of the first patient's.
PERSON, DEVICE = {'"patient_id"': "new.person"}, {'"device_id"': "new.device"}
TABLES = {
    "patients_recordingday": DEVICE,
    "patients_resolvedday": PERSON | {'"devices"': "ARRAY[new.device]"},
    "patients_sleepepisode": PERSON | DEVICE,
    "scoring_dailyfeatures": PERSON,
}
DAYS = 36  # UTC days in which 35 local ones lie
SHIFT = f"times * {DAYS}"
EARLIER = {
    '"utc_day"': SHIFT,
    '"day"': SHIFT,
    '"start"': f"{SHIFT} * interval '1 day'",
    '"end"': f"{SHIFT} * interval '1 day'",
}
MOST_MS, MOST_GROWTH, MOST_RSS_MB = 12.0, 0.10, 1024


def main() -> None:
    """Print milliseconds a patient with 35 days of history and with ten times that."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    patients = QUICK_PATIENTS if "--quick" in sys.argv else PATIENTS
    clone_people(patients)
    first = night(patients, "35 days of history")
    print(f"  at most {MOST_MS:g} ms a patient")
    lengthen_history()
    ratio = night(patients, f"{35 * TIMES_HISTORY} days of history") / first
    print(f"  {ratio - 1:+.1%} (at most {MOST_GROWTH:+.0%})")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak RSS {peak_mb:.0f} MB (at most {MOST_RSS_MB})")


def clone_people(count: int) -> None:
    """So many patients with 35 days of minutes and nights, and features of all but the last day."""
    from patients.models import Device, Patient, TimeZoneSpan
    from scoring.features import features_update
    from tests.people import LAST_DAY, ZONE, in_care

    first = in_care("p0")
    features_update(patient=first)
    first.features.filter(day=LAST_DAY).delete()
    _as_of_last_night()
    others = Patient.objects.bulk_create(Patient(code=f"p{n}") for n in range(1, count))
    TimeZoneSpan.objects.bulk_create(
        TimeZoneSpan(patient=patient, first_day=date(1970, 1, 1), zone=ZONE) for patient in others
    )
    kind = first.devices.values("source", "name", "kind").get()
    devices = Device.objects.bulk_create(Device(patient=patient, **kind) for patient in others)
    to = [d.patient_id for d in devices], [d.pk for d in devices]
    for table, replaced in TABLES.items():
        columns = _columns(table)
        taken = ", ".join(replaced.get(name, name) for name in columns)
        _sql(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} "
            f"FROM {table}, unnest(%s, %s) AS new(person, device)",
            *to,
        )
    _sql("ANALYZE")


def _as_of_last_night() -> None:
    """Everything was stored before the features were made, but for the last day's minutes."""
    from tests.people import LAST_DAY

    new = "now() + interval '1 second'"
    old = "now() - interval '1 hour'"
    _sql("UPDATE scoring_dailyfeatures SET computed_at = now()")
    _sql(
        f"UPDATE patients_resolvedday SET updated_at = "
        f"CASE WHEN utc_day >= %s THEN {new} ELSE {old} END",
        LAST_DAY,
    )
    _sql(
        f"UPDATE patients_sleepepisode SET updated_at = "
        f'CASE WHEN "end" >= %s THEN {new} ELSE {old} END',
        LAST_DAY,
    )


def lengthen_history() -> None:
    """The same days again and again before them, and the last day as if it had just come."""
    from tests.people import LAST_DAY

    _sql("DELETE FROM scoring_dailyfeatures WHERE day = %s", LAST_DAY)
    for table in TABLES:
        columns = _columns(table)
        taken = ", ".join(f"{n} - {EARLIER[n]}" if n in EARLIER else n for n in columns)
        _sql(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} "
            f"FROM {table}, generate_series(1, {TIMES_HISTORY - 1}) AS times"
        )
    _as_of_last_night()
    _sql("ANALYZE")


def _columns(table: str) -> list[str]:
    from django.apps import apps

    model = next(m for m in apps.get_models() if m._meta.db_table == table)
    names = [f.column for f in model._meta.concrete_fields if f.column != "id"]
    return [f'"{name}"' for name in names]


def night(patients: int, what: str) -> float:
    """Milliseconds a patient of one night: features, the PAT week and the mania vector."""
    from patients.models import Patient
    from scoring.domain.vector import WINDOW_NIGHTS, vector
    from scoring.features import features_update_all
    from scoring.runs import JOBS_AT_ONCE
    from scoring.selectors import nights_between
    from tests.people import LAST_DAY

    first = LAST_DAY - timedelta(days=WINDOW_NIGHTS - 1)
    began = time.monotonic()
    for batch in batched(Patient.objects.iterator(chunk_size=200), JOBS_AT_ONCE):
        weeks = features_update_all(patients=batch)
        nights = nights_between(batch, first, LAST_DAY)
        for patient in batch:
            inputs = vector(nights[patient.pk], LAST_DAY)
            assert weeks[patient.pk][LAST_DAY].coverage > 0
            assert inputs.nights_present == WINDOW_NIGHTS
    each = (time.monotonic() - began) / patients * 1000
    print(f"{what}: {each:.1f} ms a patient")
    return each


def batched(items: Iterator[Patient], size: int) -> Iterator[list[Patient]]:
    """The items in lists of so many."""
    while batch := list(islice(items, size)):
        yield batch


def _sql(query: str, *values: object) -> list[tuple[object, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall()) if cursor.description else []
