from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients import storage
from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.packing import unpack
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
    SleepStage,
)
from patients.ingest.sources import read_recordings
from patients.models import (
    AuditEvent,
    Patient,
    Questionnaire,
    RecordingDay,
    RecordingFile,
    RecordingPart,
    ResolvedDay,
)
from patients.resolving import device_order_set
from patients.selectors import channel_days, joined_minutes, sleep_between
from patients.services import file_sha256
from patients.storage import Stored, recordings_store
from tests import factories
from tests.patients.ingest.builders import actlumus_rows, write_actlumus
from tests.people import every_row

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SLEEP = SleepEpisode(START, START + timedelta(hours=7), 400.0, 20.0, log_id="a")


def steps(*values: float, start: datetime = START, device: str = "watch") -> Recording:
    series = MinuteSeries(Channel.STEPS, "steps/min", start, np.array(values, np.float32))
    kind = DeviceKind.PHONE if device == "phone" else DeviceKind.WATCH
    return Recording("vendor", device, None, (series,), kind=kind)


def store(patient: Patient, *what: Recording, name: str = "a", zone: str = "UTC") -> Stored:
    return recordings_store(
        patient=patient, recordings=what, file_sha256=name * 64, zone=zone, by="tester"
    )


def minutes_of(
    patient: Patient, first: date, last: date
) -> tuple[dict[Channel, MinuteSeries], Family | None]:
    return joined_minutes(channel_days(patient, first, last), first, last)


def stored_steps(patient: Patient) -> list[float]:
    series, _ = minutes_of(patient, START.date(), START.date())
    values = series[Channel.STEPS].values
    return [float(v) for v in values[~np.isnan(values)]]


def everything_stored(patient: Patient) -> dict[str, list[tuple[Any, ...]]]:
    """Values, masks, chosen devices and sleep, with nothing that depends on time or hashes."""
    name = {device.pk: f"{device.source}/{device.name}" for device in patient.devices.all()}
    raw = RecordingDay.objects.filter(device__patient=patient)
    return {
        "minutes": sorted(
            (name[r.device_id], r.channel, r.family, r.utc_day, bytes(r.values), r.minutes)
            for r in raw
        ),
        "chosen": sorted(
            (r.channel, r.family, r.utc_day, [name[d] for d in r.devices], bytes(r.chosen))
            for r in patient.resolved_days.all()
        ),
        "sleep": sorted(
            (name[e.device_id], e.start, e.end, e.asleep_minutes, e.awake_minutes, str(e.stages),
             e.is_chosen)
            for e in patient.sleep_episodes.all()
        ),
    }  # fmt: skip


def test_the_same_recording_twice_leaves_every_row_as_it_was() -> None:
    patient = factories.patient(zone="UTC")
    what = replace(steps(1, 2, 3), sleep=(SLEEP,))
    first, before = store(patient, what), every_row()
    again = store(patient, what)
    assert (first.changed, again.changed) == (True, False)
    assert every_row() == before


def test_the_same_file_under_another_zone_is_refused_and_changes_nothing() -> None:
    patient = factories.patient(zone="UTC")
    berlin, tokyo = ZoneHistory.of("Europe/Berlin"), ZoneHistory.of("Asia/Tokyo")
    store(patient, replace(steps(1, 2, 3), zones=berlin))
    before = every_row()
    with pytest.raises(InputError, match="Europe/Berlin"):
        store(patient, replace(steps(1, 2, 3, start=START + HOUR), zones=tokyo))
    assert every_row() == before


def test_of_two_whole_values_of_one_device_the_larger_stays_in_either_order() -> None:
    files = steps(1, 2, 3, 4), steps(20, np.nan, 1, 50, start=START + MINUTE)
    for order in (files, files[::-1]):
        patient = factories.patient(zone="UTC")
        for name, what in zip("ab", order, strict=True):
            store(patient, what, name=name)
        assert stored_steps(patient) == [1, 20, 3, 4, 50]


def test_each_minute_is_the_preferred_devices_and_never_a_sum() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, steps(7, 7, 7, 7, device="phone"))
    store(patient, steps(1, np.nan, 3), name="b")
    [day] = channel_days(patient, START.date(), START.date())
    names = {d.pk: d.name for d in patient.devices.all()}
    there = np.flatnonzero(day.chosen)
    assert stored_steps(patient) == [1, 7, 3, 7]
    assert [names[day.devices[day.chosen[m] - 1]] for m in there] == [
        "watch", "phone", "watch", "phone",
    ]  # fmt: skip


def test_another_order_takes_every_minute_and_night_anew_and_is_audited() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, replace(steps(7, 7, 7, 7, device="phone"), sleep=(SLEEP,)))
    other = replace(SLEEP, asleep_minutes=300.0)
    store(patient, replace(steps(1, np.nan, 3), sleep=(other,)), name="b")
    assert sleep_between(patient, START, START + 9 * HOUR) == (other,)
    before = patient.resolved_days.get().updated_at
    phone, watch = (patient.devices.get(name=name).pk for name in ("phone", "watch"))
    device_order_set(patient=patient, devices=[phone, watch], by="dr")
    assert stored_steps(patient) == [7, 7, 7, 7]
    assert sleep_between(patient, START, START + 9 * HOUR) == (SLEEP,)
    assert patient.resolved_days.get().updated_at > before
    assert AuditEvent.objects.filter(action="device order", actor="dr").count() == 1
    device_order_set(patient=patient, devices=[watch, phone], by="dr")
    assert stored_steps(patient) == [1, 7, 3, 7]


@pytest.mark.parametrize("wrong", [[], [0], "twice"])
def test_an_order_that_does_not_name_each_device_once_is_refused(wrong: Any) -> None:
    patient = factories.patient(zone="UTC")
    store(patient, steps(1), steps(2, device="phone"))
    first = patient.devices.order_by("pk")[0].pk
    with pytest.raises(InputError, match="each of the patient's devices once"):
        device_order_set(patient=patient, devices=[first, first] if wrong else [], by="dr")
    assert all(device.place is None for device in patient.devices.all())


def test_unit_families_never_mix() -> None:
    patient = factories.patient(zone="UTC")
    for name, family, count in (("a", Family.CONDOR_PIM, 3), ("b", Family.MIMS, 5)):
        values = np.full(count, 2.0, np.float32)
        series = MinuteSeries(Channel.ACTIVITY, "", START + timedelta(days=count), values)
        store(patient, Recording(f"source {name}", "", family, (series,)), name=name)
    series_by, family = minutes_of(patient, START.date(), START.date() + timedelta(days=9))
    activity = series_by[Channel.ACTIVITY]
    assert (family, activity.unit) == (Family.MIMS, "MIMS/min")
    assert int((~np.isnan(activity.values)).sum()) == 5


@pytest.fixture
def log_rows() -> list[str]:
    """Ten hours over a midnight, a row every 10 s, each with its own activity."""
    count, rng = 3600, np.random.default_rng(5)
    rows = actlumus_rows(datetime(2026, 3, 1, 19, 0), count, pim="{}")
    return [row.format(n) for row, n in zip(rows, rng.integers(0, 900, count), strict=True)]


HALF = 1802  # rows: 20 s into a minute
Rows = list[str]
ARRANGED: dict[str, Callable[[Rows], list[Rows]]] = {
    "whole": lambda rows: [rows],
    "shuffled": lambda rows: [[rows[i] for i in np.random.default_rng(3).permutation(len(rows))]],
    "halves": lambda rows: [rows[:HALF], rows[HALF:]],
    "halves, later first": lambda rows: [rows[HALF:], rows[:HALF]],
    "halves, then whole": lambda rows: [rows[HALF:], rows[:HALF], rows],
    "whole, then half": lambda rows: [rows, rows[:HALF]],
    "overlapping halves": lambda rows: [rows[: HALF + 603], rows[HALF - 605 :]],
}


def test_however_a_log_arrives_the_same_minutes_are_stored(
    tmp_path: Path, log_rows: list[str]
) -> None:
    found = {}
    for name, arrange in ARRANGED.items():
        patient = factories.patient(zone="Europe/Berlin")
        for part, rows in enumerate(arrange(log_rows)):
            path = write_actlumus(tmp_path / f"{part}.txt", rows)
            recordings_store(
                patient=patient,
                recordings=read_recordings(path, "Europe/Berlin"),
                file_sha256=file_sha256(path),
                zone="Europe/Berlin",
                by="tester",
            )
        found[name] = everything_stored(patient)
    assert len(found["whole"]["minutes"]) == 4  # activity and light, two UTC days
    assert all(stored == found["whole"] for stored in found.values()), found.keys()


minutes_lists = st.lists(st.one_of(st.none(), st.integers(0, 200)), min_size=1, max_size=40)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.lists(
        st.tuples(st.sampled_from(["watch", "phone", "band"]), st.integers(0, 2000), minutes_lists),
        min_size=1,
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
)  # fmt: skip
def test_overlaps_never_exceed_the_largest_source_and_come_out_the_same_in_any_order(
    files: list[tuple[str, int, list[int | None]]], order: Any
) -> None:
    def recordings(some: Sequence[tuple[str, int, list[int | None]]]) -> list[Recording]:
        return [
            steps(
                *(np.nan if v is None else v for v in values),
                start=START + offset * MINUTE,
                device=device,
            )
            for device, offset, values in some
        ]

    first, second = (factories.patient(zone="UTC") for _ in range(2))
    for number, what in enumerate(recordings(files)):
        store(first, what, name=chr(97 + number))
    order.shuffle(files)
    for number, what in enumerate(recordings(files + files[:2])):
        store(second, what, name=chr(97 + number))
    assert everything_stored(first) == everything_stored(second)
    largest: dict[datetime, float] = {}
    told: dict[datetime, float] = {}  # by the first device of the order that has the minute
    for device in ("band", "watch", "phone"):
        of_device: dict[datetime, float] = {}
        for what in recordings([f for f in files if f[0] == device]):
            for minute, value in enumerate(what.series[0].values):
                if not np.isnan(value):
                    moment = what.series[0].start + minute * MINUTE
                    of_device[moment] = max(of_device.get(moment, 0.0), float(value))
        for moment, value in of_device.items():
            largest[moment] = max(largest.get(moment, 0.0), value)
            told.setdefault(moment, value)
    days = channel_days(first, START.date(), START.date() + timedelta(days=3))
    stored = {
        datetime.combine(day.utc_day, datetime.min.time(), UTC) + int(m) * MINUTE: float(v)
        for day in days
        for m, v in enumerate(day.values)
        if not np.isnan(v)
    }
    assert stored == told
    assert all(value <= largest[moment] for moment, value in stored.items())


def night(*stages: tuple[float, float, str]) -> SleepEpisode:
    """A night of loose stretches: (from, to, stage), in hours after START."""
    told = tuple(SleepStage(START + a * HOUR, START + b * HOUR, stage) for a, b, stage in stages)
    asleep = sum(b - a for a, b, stage in stages if stage != "awake") * 60
    awake = sum(b - a for a, b, stage in stages if stage == "awake") * 60
    return SleepEpisode(told[0].start, told[-1].end, asleep, awake, told)


def test_a_night_cut_in_two_files_is_one_night() -> None:
    stages = [(0, 1, "light"), (1, 3, "deep"), (3, 3.5, "awake"), (3.5, 7, "rem")]
    whole = factories.patient(zone="UTC")
    store(whole, replace(steps(1), sleep=(night(*stages),)))
    for order in (1, -1):
        halves = factories.patient(zone="UTC")
        for name, part in list(zip("ab", (stages[:3], stages[3:]), strict=True))[::order]:
            store(halves, replace(steps(1), sleep=(night(*part),)), name=name)
        assert everything_stored(halves)["sleep"] == everything_stored(whole)["sleep"]
    assert len(sleep_between(whole, START, START + 9 * HOUR)) == 1


def test_a_rescored_log_does_not_make_two_nights() -> None:
    rescored = replace(SLEEP, start=SLEEP.start - 20 * MINUTE, asleep_minutes=415.0)
    for first, second in ((SLEEP, rescored), (rescored, SLEEP)):
        patient = factories.patient(zone="UTC")
        store(patient, replace(steps(1), sleep=(first,)))
        store(patient, replace(steps(1), sleep=(second,)), name="b")
        assert sleep_between(patient, START - HOUR, SLEEP.end) == (rescored,)


def test_a_failing_file_leaves_nothing_half_stored() -> None:
    patient = factories.patient(zone="UTC")
    before = every_row()
    backwards = SleepEpisode(START, START - HOUR, 1.0, 0.0, log_id="x")
    with pytest.raises(IntegrityError):
        store(patient, steps(1, 2, 3), replace(steps(4), sleep=(backwards,)))
    assert every_row() == before


def test_a_file_is_audited_and_its_parts_are_on_record() -> None:
    patient = factories.patient("P-777", zone="UTC")
    asked_at = START + timedelta(days=9)
    zones, rejected = ZoneHistory.of("UTC"), {"steps_out_of_range": 2}
    what = replace(steps(1, 2, 3), sleep=(SLEEP,), rejected=rejected, zones=zones)
    recordings_store(
        patient=patient, recordings=[what], file_sha256="a" * 64, zone="UTC", by="tester",
        received_at=asked_at,
    )  # fmt: skip
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.patient_code) == (
        "tester",
        "recording stored",
        "P-777",
    )
    assert event.detail == {"source": "vendor", "days": 1, "file": "a" * 12}
    file = RecordingFile.objects.get()
    assert (file.minutes, file.zone, file.sha256) == (420, "UTC", "a" * 64)
    assert (file.received_at, file.rejected) == (asked_at, {"steps_out_of_range": 2})
    parts = {p.channel: p for p in RecordingPart.objects.all()}
    assert parts["steps"].minutes_on(START.date()) == 3
    assert parts["sleep"].minutes_on(START.date()) == 420
    assert parts["steps"].minutes_on(START.date() + timedelta(days=1)) == 0
    device = patient.devices.get()
    assert device.last_data_at == SLEEP.end


def test_minutes_are_counted_and_cut_at_the_utc_midnight() -> None:
    patient = factories.patient(zone="Asia/Tokyo")
    stored = store(patient, steps(1, 2, 3, start=datetime(2026, 3, 1, 23, 58, tzinfo=UTC)))
    days = RecordingDay.objects.order_by("utc_day")
    assert [(d.utc_day.day, d.minutes) for d in days] == [(1, 2), (2, 1)]
    assert (stored.days, stored.minutes) == (2, 3)
    assert unpack(bytes(days[0].values))[-2:].tolist() == [1, 2]


def test_questionnaires_are_stored_once() -> None:
    patient = factories.patient(zone="UTC")
    answer = QuestionnaireAnswer("phq9", START, 12.0, (1, 2, 1, 1, 2, 1, 2, 1, 1))
    for name in "ab":
        store(patient, Recording("vendor", "app", None, (), questionnaires=(answer,)), name=name)
    stored = Questionnaire.objects.get()
    assert (stored.total, stored.items, stored.source) == (12.0, list(answer.items), "vendor")


def test_what_one_device_adds_does_not_touch_another_patients_rows() -> None:
    mine, other = factories.patient(zone="UTC"), factories.patient(zone="UTC")
    store(mine, steps(1, 2, 3))
    store(other, steps(9, 9, 9))
    assert (stored_steps(mine), stored_steps(other)) == ([1, 2, 3], [9, 9, 9])
    assert ResolvedDay.objects.count() == 2


def test_more_devices_than_a_person_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST_DEVICES", 2)
    patient = factories.patient(zone="UTC")
    for name in ("a", "b", "a"):
        store(patient, replace(steps(1, 2, 3), device=name), name=name)
    with pytest.raises(InputError, match="more than 2 devices of one patient"):
        store(patient, replace(steps(1, 2, 3), device="c"), name="c")
    assert patient.devices.count() == 2


@pytest.mark.parametrize("totals", [(12.0, 3.0), (3.0, 12.0)])
def test_of_two_answers_of_one_moment_the_higher_stays(totals: tuple[float, float]) -> None:
    told = tuple(QuestionnaireAnswer("phq9", START, total) for total in totals)
    together, apart = factories.patient(zone="UTC"), factories.patient(zone="UTC")
    for name in "ab":
        store(together, Recording("vendor", "app", None, (), questionnaires=told), name=name)
    for name, answer in zip("ab", told, strict=True):
        store(apart, Recording("vendor", "app", None, (), questionnaires=(answer,)), name=name)
    assert [q.total for q in Questionnaire.objects.all()] == [12.0, 12.0]
