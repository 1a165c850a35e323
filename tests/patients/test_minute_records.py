"""Walks in the database: the same rows whichever files they came in."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.packing import pack, unpack
from patients.domain.recording import Channel, DeviceKind, Family, MinuteSeries, Recording
from patients.domain.walks import DAY_SECONDS, WALK, unpack_walks
from patients.ingest.common.base import Rejected
from patients.ingest.common.steps import steps_series
from patients.minute_records import walks_renew
from patients.models import Device, Patient, RecordingDay, ResolvedDay
from patients.storage import Stored, recordings_store
from tests import factories

pytestmark = pytest.mark.django_db
MIDNIGHT = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
HOUR = 3600
Row = tuple[int, int, float, int]  # start, end (from MIDNIGHT), steps, teller


def walking(rows: Sequence[Row], how: str = "max") -> Recording:
    walks = np.array([(a + MIDNIGHT, b + MIDNIGHT, n, t) for a, b, n, t in rows], WALK)
    series = steps_series(walks, Rejected(), how)
    assert series is not None
    return Recording("vendor", "watch", Family.STEPS, (series,), kind=DeviceKind.WATCH)


def store(patient: Patient, rows: Sequence[Row], name: object, how: str = "max") -> Stored:
    return recordings_store(
        patient=patient,
        recordings=[walking(rows, how)],
        file_sha256=f"{name}".rjust(64, "0"),
        zone="UTC",
        by="tester",
    )


def rows_of(patient: Patient) -> list[tuple[object, ...]]:
    days = RecordingDay.objects.filter(device__patient=patient).order_by("utc_day")
    resolved = ResolvedDay.objects.filter(patient=patient).order_by("utc_day")
    return [
        *((d.utc_day, bytes(d.values), bytes(d.walks or b""), d.partial, d.minutes) for d in days),
        *((r.utc_day, r.minutes, r.last_minute, bytes(r.chosen)) for r in resolved),
    ]


def minutes_of(patient: Patient) -> dict[int, float]:
    """Steps by the minute from MIDNIGHT."""
    found = {}
    for day in RecordingDay.objects.filter(device__patient=patient):
        first = (day.utc_day - datetime.fromtimestamp(MIDNIGHT, UTC).date()).days * 1440
        values = unpack(bytes(day.values))
        found |= {first + int(i): float(values[i]) for i in np.flatnonzero(~np.isnan(values))}
    return found


walks = st.lists(
    st.tuples(
        st.integers(-3 * HOUR, 3 * HOUR) | st.integers(-30 * HOUR, 30 * HOUR),
        st.integers(0, 120) | st.integers(0, HOUR),
        st.integers(0, 300).map(float),
        st.integers(0, 1),
    ).map(lambda r: (r[0], r[0] + r[1], r[2], r[3])),
    min_size=1,
    max_size=20,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(walks, st.integers(1, 4), st.randoms())
def test_any_files_in_any_order_give_the_same_bytes(
    rows: list[Row], files: int, rng: random.Random
) -> None:
    whole, pieces = factories.patient(), factories.patient()
    store(whole, rows, "a")
    told = [*rows, *rows[:2]]
    rng.shuffle(told)
    for number in range(files):
        if told[number::files]:
            store(pieces, told[number::files], number)
    assert rows_of(pieces) == rows_of(whole)
    assert not store(whole, told, "b").changed


def test_a_walk_over_midnight_leaves_the_rest_of_its_count_to_the_day_before() -> None:
    """An hour of 1,200 from 23:30, and 30 minutes of 35 each from 00:00 in another file."""
    patient = factories.patient()
    store(patient, [(-HOUR // 2, HOUR // 2, 1200.0, 0)], "hour")
    assert set(minutes_of(patient).values()) == {20.0}
    store(patient, [(60 * n, 60 * n + 60, 35.0, 0) for n in range(30)], "minutes")
    found = minutes_of(patient)
    assert [found[n] for n in (-30, -1, 0, 29)] == [5, 5, 35, 35]
    assert sum(found.values()) == 1200


def test_two_kinds_of_movement_add_up_though_they_come_in_two_files() -> None:
    patient = factories.patient()
    store(patient, [(0, 900, 300.0, 1)], "walking", "sum")
    store(patient, [(0, 900, 150.0, 2)], "running", "sum")
    assert set(minutes_of(patient).values()) == {30.0}


def test_steps_over_the_limit_are_no_minute_but_are_kept() -> None:
    patient = factories.patient()
    store(patient, [(0, 20, 200.0, 0)], "a")
    store(patient, [(30, 50, 200.0, 0)], "b")
    assert minutes_of(patient) == {}
    day = RecordingDay.objects.get(device__patient=patient)
    assert day.minutes == 0 and day.walks is not None
    assert unpack_walks(bytes(day.walks), MIDNIGHT)[0].size == 2


def test_minutes_stored_before_walks_were_kept_are_not_lost() -> None:
    patient = factories.patient()
    device = Device.objects.create(patient=patient, source="vendor", name="watch", kind="watch")
    day = np.full(1440, np.nan, np.float32)
    day[[5, 700]] = 12, 34
    RecordingDay.objects.create(
        device=device, utc_day=datetime.fromtimestamp(MIDNIGHT, UTC).date(), channel="steps",
        family="", values=pack(day), minutes=2, last_minute=700,
    )  # fmt: skip
    store(patient, [(0, 600, 100.0, 0)], "new")
    found = minutes_of(patient)
    assert found[5] == 12 and found[700] == 34
    assert sum(found.values()) == pytest.approx(134)


@pytest.mark.parametrize("plain_first", [True, False])
def test_minutes_and_walks_of_one_device_go_together(plain_first: bool) -> None:
    patient = factories.patient()
    start = datetime.fromtimestamp(MIDNIGHT, UTC)
    minutes = MinuteSeries(Channel.STEPS, "steps/min", start, np.array([40, 50], np.float32))
    plain = Recording("vendor", "watch", Family.STEPS, (minutes,), kind=DeviceKind.WATCH)
    every = [plain, walking([(60, 180, 60.0, 0)])]
    for number, what in enumerate(every if plain_first else every[::-1]):
        recordings_store(
            patient=patient, recordings=[what], file_sha256=f"{number:064}", zone="UTC", by="t"
        )
    assert minutes_of(patient) == {0: 40, 1: 50, 2: 10}
    day = RecordingDay.objects.get(device__patient=patient)
    assert day.walks is not None


def test_a_day_keeps_its_walks_by_their_start() -> None:
    patient = factories.patient()
    store(patient, [(-60, 60, 10.0, 0), (DAY_SECONDS - 60, DAY_SECONDS + 60, 20.0, 0)], "a")
    days = RecordingDay.objects.filter(device__patient=patient).order_by("utc_day")
    held = [
        unpack_walks(bytes(day.walks or b""), MIDNIGHT + (n - 1) * DAY_SECONDS)[0]["start"].tolist()
        for n, day in enumerate(days)
    ]
    assert held == [[MIDNIGHT - 60], [MIDNIGHT + DAY_SECONDS - 60], []]
    assert [day.minutes for day in days] == [1, 2, 1]


def test_days_that_lost_their_walks_leave_nothing_of_them_beside() -> None:
    patient, never = factories.patient(), factories.patient()
    kept = [(-DAY_SECONDS, -DAY_SECONDS + 600, 100.0, 0), (-HOUR // 2, HOUR // 2, 600.0, 0)]
    lost = [(HOUR, 2 * HOUR, 60.0, 0), (DAY_SECONDS - 60, DAY_SECONDS + 60, 20.0, 0)]
    store(never, kept, "a")
    store(patient, [*kept, *lost], "a")
    day = datetime.fromtimestamp(MIDNIGHT, UTC).date()
    device = patient.devices.get()
    RecordingDay.objects.filter(device=device, utc_day=day).delete()
    changed = walks_renew(device=device, first=day, last=day)
    assert {utc_day for utc_day, *_ in changed} == {day, day + timedelta(days=1)}
    assert rows_of(patient)[:3] == rows_of(never)[:3]
    assert not walks_renew(device=device, first=day, last=day)
