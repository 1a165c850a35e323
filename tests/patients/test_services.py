from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db import IntegrityError

from patients.domain.errors import InputError
from patients.domain.packing import unpack
from patients.domain.recording import (
    Channel,
    Family,
    MinuteSeries,
    Recording,
    SleepEpisode,
)
from patients.ingest.sources import read_recording
from patients.models import AuditEvent, Patient, RecordingFile
from patients.selectors import joined_minutes, recording_days_between, sleep_between
from patients.services import (
    Stored,
    file_sha256,
    medication_list_set,
    medication_start,
    medication_stop,
    patient_enrol,
    recording_ingest,
)
from tests import factories
from tests.patients.ingest.builders import actlumus_rows, write_actlumus
from tests.people import every_row

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
SLEEP = SleepEpisode(START, START + timedelta(hours=7), 400.0, 20.0)


def steps(*values: float, start: datetime = START, source: str = "watch") -> Recording:
    series = MinuteSeries(Channel.STEPS, "steps/min", start, np.array(values, np.float32))
    return Recording(source, "wrist", None, (series,))


def ingest(patient: Patient, what: Recording, name: str = "a", zone: str = "UTC") -> Stored:
    return recording_ingest(
        patient=patient, recording=what, file_sha256=name * 64, zone=zone, by="tester"
    )


def minutes_of(
    patient: Patient, first: date, last: date
) -> tuple[dict[Channel, MinuteSeries], Family | None]:
    return joined_minutes(recording_days_between(patient, first, last), first, last)


def stored_steps(patient: Patient) -> list[float]:
    series, _ = minutes_of(patient, START.date(), START.date())
    values = series[Channel.STEPS].values
    return [float(v) for v in values[~np.isnan(values)]]


def test_the_same_recording_twice_leaves_every_row_as_it_was() -> None:
    patient = factories.patient(zone="UTC")
    what = replace(steps(1, 2, 3), sleep=(SLEEP,))
    first, before = ingest(patient, what), every_row()
    again = ingest(patient, what)
    assert (first.changed, again.changed) == (True, False)
    assert every_row() == before


def test_the_same_file_under_another_zone_is_refused_and_changes_nothing() -> None:
    patient = factories.patient(zone="UTC")
    ingest(patient, steps(1, 2, 3), zone="Europe/Berlin")
    before = every_row()
    with pytest.raises(InputError, match="Europe/Berlin"):
        ingest(patient, steps(1, 2, 3, start=START + timedelta(hours=1)), zone="Asia/Tokyo")
    assert every_row() == before


def test_newer_minutes_win_and_missing_ones_do_not() -> None:
    patient = factories.patient(zone="UTC")
    ingest(patient, steps(1, 2, 3, 4))
    ingest(patient, steps(20, np.nan, 40, 50, start=START + timedelta(minutes=1)), "b")
    assert stored_steps(patient) == [1, 20, 3, 40, 50]


def test_sources_stay_apart_and_each_day_is_the_fuller_ones() -> None:
    patient = factories.patient(zone="UTC")
    next_day = START + timedelta(days=1)
    ingest(patient, steps(1, 2, 3))
    ingest(patient, steps(7, 7, source="phone"), "b")
    ingest(patient, steps(8, start=next_day), "c")
    ingest(patient, steps(9, 9, start=next_day, source="phone"), "d")
    series, family = minutes_of(patient, START.date(), next_day.date())
    values = series[Channel.STEPS].values
    assert (values[~np.isnan(values)].tolist(), family) == ([1, 2, 3, 9, 9], None)


def test_unit_families_never_mix() -> None:
    patient = factories.patient(zone="UTC")
    for name, family, count in (("a", Family.CONDOR_PIM, 3), ("b", Family.MIMS, 5)):
        values = np.full(count, 2.0, np.float32)
        start = START + timedelta(days=count)
        series = MinuteSeries(Channel.ACTIVITY, f"unit of {family}", start, values)
        ingest(patient, Recording(f"source {name}", "", family, (series,)), name)
    series_by, family = minutes_of(patient, START.date(), START.date() + timedelta(days=9))
    activity = series_by[Channel.ACTIVITY]
    assert (family, activity.unit) == (Family.MIMS, "unit of mims")
    assert int((~np.isnan(activity.values)).sum()) == 5


@pytest.fixture
def log_rows() -> list[str]:
    """Ten hours over a midnight, a row every 10 s, each with its own activity."""
    count, rng = 3600, np.random.default_rng(5)
    rows = actlumus_rows(datetime(2026, 3, 1, 19, 0), count, pim="{}")
    return [row.format(n) for row, n in zip(rows, rng.integers(0, 900, count), strict=True)]


HALF = 1800  # rows: a whole minute
ARRANGED: dict[str, Callable[[list[str]], list[list[str]]]] = {
    "whole": lambda rows: [rows],
    "shuffled": lambda rows: [[rows[i] for i in np.random.default_rng(3).permutation(len(rows))]],
    "halves": lambda rows: [rows[:HALF], rows[HALF:]],
    "halves, later first": lambda rows: [rows[HALF:], rows[:HALF]],
    "overlapping halves": lambda rows: [rows[: HALF + 600], rows[HALF - 600 :]],
}


def test_however_a_log_arrives_the_same_minutes_are_stored(
    tmp_path: Path, log_rows: list[str]
) -> None:
    found = {}
    for name, arrange in ARRANGED.items():
        patient = factories.patient(zone="Europe/Berlin")
        for part, rows in enumerate(arrange(log_rows)):
            path = write_actlumus(tmp_path / f"{part}.txt", rows)
            recording_ingest(
                patient=patient,
                recording=read_recording(path, "Europe/Berlin"),
                file_sha256=file_sha256(path),
                zone="Europe/Berlin",
                by="tester",
            )
        days = patient.recording_days.order_by("channel", "utc_day")
        found[name] = [(d.channel, d.utc_day, bytes(d.values)) for d in days]
    assert len(found["whole"]) == 4  # activity and light, two UTC days
    assert all(days == found["whole"] for days in found.values()), found.keys()


def test_a_failing_ingest_leaves_nothing_half_stored() -> None:
    patient, before = factories.patient(zone="UTC"), None
    before = every_row()
    backwards = SleepEpisode(START, START - timedelta(hours=1), 1.0, 0.0)
    with pytest.raises(IntegrityError):
        ingest(patient, replace(steps(1, 2, 3), sleep=(backwards,)))
    assert every_row() == before


def test_two_sleep_records_that_begin_together_are_stored_once() -> None:
    patient = factories.patient(zone="UTC")
    longer = replace(SLEEP, end=SLEEP.end + timedelta(hours=1), asleep_minutes=460.0)
    ingest(patient, replace(steps(1), sleep=(SLEEP, longer)))
    assert sleep_between(patient, START, longer.end) == (longer,)


def test_an_ingest_is_audited_with_code_and_counts() -> None:
    patient = factories.patient("P-777", zone="UTC")
    ingest(patient, steps(1, 2, 3))
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.patient_code) == (
        "tester",
        "recording stored",
        "P-777",
    )
    assert event.detail == {"source": "watch", "days": 1, "file": "a" * 12}
    file = RecordingFile.objects.get()
    assert (file.minutes, file.zone, file.sha256) == (3, "UTC", "a" * 64)


def test_minutes_are_counted_and_cut_at_the_utc_midnight() -> None:
    patient = factories.patient(zone="Asia/Tokyo")
    stored = ingest(patient, steps(1, 2, 3, start=datetime(2026, 3, 1, 23, 58, tzinfo=UTC)))
    days = patient.recording_days.order_by("utc_day")
    assert [(d.utc_day.day, d.minutes) for d in days] == [(1, 2), (2, 1)]
    assert (stored.days, stored.minutes) == (2, 3)
    assert unpack(bytes(days[0].values))[-2:].tolist() == [1, 2]


def test_a_patients_zone_holds_from_the_beginning() -> None:
    patient = patient_enrol(code="P-9", zone="Asia/Tokyo", by="tester")
    assert [(z.first_day, z.zone) for z in patient.zones.all()] == [
        (date(1970, 1, 1), "Asia/Tokyo")
    ]
    assert AuditEvent.objects.get().action == "patient enrolled"


def test_a_code_too_long_for_its_column_is_refused() -> None:
    with pytest.raises(InputError, match="40 characters"):
        patient_enrol(code="P" * 41, zone="UTC", by="tester")


def test_medication_writes_are_audited_and_make_the_list_available() -> None:
    patient = factories.patient()
    admin = factories.user("administrator", "boss")
    course = medication_start(
        patient=patient,
        drug="sertraline",
        drug_class="ssri",
        dose="50 mg",
        first_day=date(2026, 2, 1),
        by=admin,
    )
    with pytest.raises(InputError, match="2026-01-31"):
        medication_stop(course=course, last_day=date(2026, 1, 31), by=admin)
    medication_stop(course=course, last_day=date(2026, 2, 1), by=admin)
    patient.refresh_from_db()
    assert patient.medication_list_available
    assert course.active_on(date(2026, 2, 1)) and not course.active_on(date(2026, 2, 2))
    medication_list_set(patient=patient, available=False, by=admin)
    patient.refresh_from_db()
    assert not patient.medication_list_available
    actions = AuditEvent.objects.order_by("id").values_list("actor", "action")
    assert list(actions) == [
        ("boss", "medication started"),
        ("boss", "medication stopped"),
        ("boss", "medication list"),
    ]
