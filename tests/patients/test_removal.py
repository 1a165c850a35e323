"""Taking out what a device reported: what stays is what there would be had it never come."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import (
    Channel,
    DeviceKind,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
)
from patients.domain.walks import WALK
from patients.ingest.common.base import Rejected
from patients.ingest.common.steps import steps_series
from patients.models import (
    AuditEvent,
    Device,
    Patient,
    RecordingDay,
    RecordingFile,
    RecordingPart,
    ResolvedDay,
)
from patients.removal import Removed, device_remove
from patients.resolving import devices_in_order
from patients.selectors import channel_days, recorded_span
from patients.storage import recordings_store
from tests import factories
from tests.people import every_row

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 3, 1, tzinfo=UTC)  # midnight
FIRST = START.date()
KINDS = {"phone": DeviceKind.PHONE, "watch": DeviceKind.WATCH, "ring": DeviceKind.RING}


def heart(name: str, start: datetime, *values: float, nights: Any = ()) -> Recording:
    """Heart rates of one device, a value a minute, and its nights."""
    minutes = np.array(values, dtype=np.float32)
    series = (MinuteSeries(Channel.HEART_RATE, "bpm", start, minutes),) if values else ()
    return Recording("vendor", name, None, series, tuple(nights), kind=KINDS[name])


def night(number: int, asleep: float = 400.0, log_id: str = "n") -> SleepEpisode:
    """From 22 h of the day before to 6 h of the day of that number, from 0."""
    end = START + number * DAY + 6 * HOUR
    return SleepEpisode(end - 8 * HOUR, end, asleep, 20.0, log_id=f"{log_id}{number}")


def store(patient: Patient, *what: Recording, name: str = "a", zone: str = "UTC") -> bool:
    stored = recordings_store(
        patient=patient, recordings=what, file_sha256=name * 64, zone=zone, by="t"
    )
    return stored.changed


def remove(patient: Patient, name: str, first: int | None = None, last: int | None = None) -> Any:
    """Remove a device's data of these days, counted from 0."""
    device = patient.devices.get(name=name)
    days = [None if n is None else FIRST + n * DAY for n in (first, last)]
    return device_remove(
        patient=patient, device=device, first_day=days[0], last_day=days[1], by="t"
    )


def left(patient: Patient) -> dict[str, Any]:
    """Minutes, choices, nights, devices and what files hold, with no keys, times or empty days."""
    name = {device.pk: device.name for device in patient.devices.all()}
    days = RecordingDay.objects.filter(device__patient=patient)
    parts = RecordingPart.objects.filter(device__patient=patient)
    return {
        "devices": [(d.name, d.last_data_at) for d in devices_in_order(patient)],
        "minutes": sorted((name[d.device_id], d.utc_day, bytes(d.values)) for d in days),
        "chosen": sorted(
            (d.utc_day, d.channel, [name[k] for k in d.devices], bytes(d.chosen), d.minutes)
            for d in patient.resolved_days.all()
            if d.devices
        ),
        "nights": sorted(
            (name[n.device_id], n.end, n.asleep_minutes, n.is_chosen)
            for n in patient.sleep_episodes.all()
        ),
        "parts": sorted(
            (p.file.sha256, name[p.device_id], p.channel, p.first_day, p.last_day,
             p.minutes_a_day, p.rejected_a_day)
            for p in parts.select_related("file")
        ),
        "files": sorted(patient.files.values_list("sha256", "minutes", "rejected")),
        "span": recorded_span(patient),
    }  # fmt: skip


def two_devices(patient: Patient) -> None:
    """Three days of the watch, and two of the phone that begin a day later; a night each."""
    store(patient, heart("watch", START, *[60.0] * 4320, nights=[night(1)]))
    store(patient, heart("phone", START + DAY, *[80.0] * 2880, nights=[night(2)]), name="b")


def test_a_device_taken_out_leaves_what_there_would_be_without_it() -> None:
    both, alone = factories.patient(zone="UTC"), factories.patient(zone="UTC")
    two_devices(both)
    store(alone, heart("phone", START + DAY, *[80.0] * 2880, nights=[night(2)]), name="b")
    assert remove(both, "watch") == Removed(days=3, minutes=4320, nights=1)
    assert left(both) == left(alone)
    assert [d.name for d in Device.objects.filter(patient=both)] == ["phone"]
    row = AuditEvent.objects.get(action="recording removed")
    assert row.detail["days"] == 3 and row.detail["nights"] == 1
    assert "watch" not in str(row.detail)


def test_some_days_taken_out_go_to_the_next_device_and_the_rest_stays() -> None:
    patient = factories.patient(zone="UTC")
    two_devices(patient)
    assert remove(patient, "watch", 1, 1) == Removed(days=1, minutes=1440, nights=1)
    found = channel_days(patient, FIRST, FIRST + 2 * DAY)
    assert [float(day.values[0]) for day in found] == [60.0, 80.0, 60.0]
    watch = patient.devices.get(name="watch")
    assert watch.last_data_at == START + 3 * DAY - MINUTE
    part = RecordingPart.objects.get(device=watch, channel="heart_rate")
    assert part.minutes_a_day == [1440, 0, 1440]
    remove(patient, "watch", 2)
    watch.refresh_from_db()
    part.refresh_from_db()
    assert watch.last_data_at == START + DAY - MINUTE
    assert (part.last_day, part.minutes_a_day) == (FIRST, [1440])


def test_days_that_nobody_has_any_more_are_empty_and_newer_than_before() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, heart("watch", START, *[60.0] * 4320))
    before = ResolvedDay.objects.latest("updated_at").updated_at
    remove(patient, "watch", 1, 1)
    gone = patient.resolved_days.get(utc_day=FIRST + DAY)
    assert (gone.devices, bytes(gone.chosen), gone.minutes) == ([], b"", 0)
    assert gone.updated_at > before
    others = patient.resolved_days.exclude(utc_day=FIRST + DAY)
    assert max(row.updated_at for row in others) <= before
    assert [day.utc_day for day in channel_days(patient, FIRST, FIRST + 2 * DAY)] == [
        FIRST, FIRST + 2 * DAY,
    ]  # fmt: skip
    store(patient, heart("watch", START, *[60.0] * 4320))
    assert patient.resolved_days.get(utc_day=FIRST + DAY).minutes == 1440


@pytest.mark.parametrize("minutes_beside", [True, False])
def test_a_night_alone_taken_out_marks_its_day_and_another_takes_its_place(
    minutes_beside: bool,
) -> None:
    patient = factories.patient(zone="UTC")
    if minutes_beside:
        store(patient, heart("phone", START, *[60.0] * 2880), name="p")
    store(patient, heart("ring", START, nights=[night(1), night(2, log_id="r")]))
    store(patient, heart("watch", START, nights=[night(1, 300.0)]), name="b")
    before = datetime.now(UTC)
    first, second = (
        patient.sleep_episodes.get(device__name=name, end__date=FIRST + DAY)
        for name in ("watch", "ring")
    )
    assert first.is_chosen and not second.is_chosen
    assert remove(patient, "watch") == Removed(days=1, minutes=0, nights=1)
    second.refresh_from_db()
    assert second.is_chosen and second.updated_at > before
    marked = patient.resolved_days.filter(updated_at__gt=before)
    assert {(row.utc_day, row.minutes) for row in marked} == {
        (FIRST + DAY, 1440 if minutes_beside else 0)
    }
    assert remove(patient, "ring") == Removed(days=2, minutes=0, nights=2)
    assert (recorded_span(patient) is not None) == minutes_beside


def test_a_file_whose_device_was_taken_out_may_come_in_another_zone() -> None:
    patient = factories.patient(zone="UTC")
    what = heart("watch", START, *[60.0] * 60, nights=[night(0)])
    there = replace(what, zones=ZoneHistory.of("Asia/Tokyo"))
    store(patient, replace(what, zones=ZoneHistory.of("UTC")))
    with pytest.raises(InputError, match="Asia/Tokyo"):
        store(patient, there)
    remove(patient, "watch")
    assert not RecordingFile.objects.exists() and not RecordingPart.objects.exists()
    assert store(patient, there)
    assert RecordingFile.objects.get().zone == "Asia/Tokyo"


def test_of_a_file_of_two_devices_the_others_part_stays() -> None:
    patient, alone = factories.patient(zone="UTC"), factories.patient(zone="UTC")
    watch = heart("watch", START, *[60.0] * 90)
    phone = heart("phone", START, *[80.0] * 30, nights=[night(1)])
    store(patient, watch, phone)
    remove(patient, "watch")
    store(alone, phone)
    assert left(patient) == left(alone)
    again, fresh = store(patient, watch, phone), factories.patient(zone="UTC")
    store(fresh, watch, phone)
    assert again and left(patient) == left(fresh)


def test_files_given_again_bring_back_values_and_counts_also_the_second_of_the_same_minutes() -> (
    None
):
    patient = factories.patient(zone="UTC")
    what = heart("watch", START, *[60.0] * 4320, nights=[night(1)])
    what = replace(what, rejected_days={(Channel.HEART_RATE, FIRST + DAY): 7})
    for name in "ab":
        store(patient, what, name=name)
    whole = left(patient)
    remove(patient, "watch", 1, 1)
    assert left(patient) != whole
    assert store(patient, what, name="a") and not store(patient, what, name="b")
    assert left(patient) == whole
    before = every_row()
    store(patient, what, name="b")
    assert every_row() == before


def test_walks_over_midnight_are_of_the_day_on_which_they_start() -> None:
    patient, never = factories.patient(zone="UTC"), factories.patient(zone="UTC")
    day, hour = 86_400, 3_600
    kept = [(day - hour // 2, day + hour // 2, 600.0, 0), (3 * day, 3 * day + 600, 90.0, 0)]
    lost = [(day + hour, day + 2 * hour, 60.0, 0), (2 * day - 60, 2 * day + 60, 20.0, 0)]
    for who, walks in ((patient, kept + lost), (never, kept)):
        begin = round(START.timestamp())
        told = np.array([(begin + a, begin + b, n, teller) for a, b, n, teller in walks], WALK)
        series = steps_series(told, Rejected())
        assert series
        store(who, Recording("vendor", "watch", None, (series,)))
    remove(patient, "watch", 1, 1)
    for part in ("minutes", "chosen", "span", "devices"):
        assert left(patient)[part] == left(never)[part]
    beside = patient.resolved_days.get(utc_day=FIRST + 2 * DAY)
    assert not beside.devices, "what reached into the day after is gone too"


def test_questionnaires_of_the_source_stay() -> None:
    patient = factories.patient(zone="UTC")
    answer = QuestionnaireAnswer("phq9", START, 11.0)
    store(patient, replace(heart("watch", START, 60.0), questionnaires=(answer,)))
    remove(patient, "watch")
    assert patient.questionnaires.count() == 1 and not patient.devices.exists()


def test_a_day_of_long_ago_that_was_taken_out_no_longer_keeps_todays_data_out() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, heart("watch", START - 60 * 366 * DAY, 60.0))
    with pytest.raises(InputError, match="check the dates"):
        store(patient, heart("watch", START, 60.0), name="b")
    remove(patient, "watch")
    assert store(patient, heart("watch", START, 60.0), name="b")


def test_what_cannot_be_taken_out_is_refused_in_a_sentence_and_changes_nothing() -> None:
    patient, other = factories.patient(zone="UTC"), factories.patient(zone="UTC")
    two_devices(patient)
    store(other, heart("ring", START, 60.0))
    before = every_row()
    with pytest.raises(InputError, match=r"nothing on these days: choose others\.$"):
        remove(patient, "phone", 0, 0)
    with pytest.raises(InputError, match=r"before the first: change one of them\.$"):
        remove(patient, "watch", 2, 1)
    with pytest.raises(InputError, match=r"no such device any more: reload the page\.$"):
        device_remove(
            patient=patient, device=other.devices.get(), first_day=None, last_day=None, by="t"
        )
    assert every_row() == before


devices = st.sampled_from(sorted(KINDS))
files = st.lists(
    st.tuples(
        devices,
        st.integers(0, 3 * 1440),
        st.integers(0, 1600),
        st.lists(st.integers(0, 3), unique=True, max_size=2),
    ).filter(lambda file: file[2] or file[3]),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=files, first=st.integers(0, 3), more=st.integers(0, 2), name=devices)
def test_days_taken_out_are_as_if_they_had_never_come_and_come_back_whole(
    files: list[tuple[str, int, int, list[int]]], first: int, more: int, name: str
) -> None:
    """Of any files of three devices, with gaps and overlaps, and any days of one of them."""
    patient, never = (factories.patient(zone="UTC") for _ in range(2))
    given = [
        heart(device, START + offset * MINUTE, *[50.0 + n] * length, nights=map(night, nights))
        for n, (device, offset, length, nights) in enumerate(files)
    ]
    days = (FIRST + first * DAY, FIRST + (first + more) * DAY)
    for n, what in enumerate(given):
        store(patient, what, name=chr(97 + n))
        if cut := without(what, days) if what.device == name else what:
            store(never, cut, name=chr(97 + n))
    whole = left(patient)
    try:
        remove(patient, name, first, first + more)
    except (InputError, Device.DoesNotExist):
        assert all(without(what, days) == what for what in given if what.device == name)
    for part in ("minutes", "chosen", "nights", "parts", "span"):
        assert left(patient)[part] == left(never)[part]
    held = {device for device, _ in left(patient)["devices"]}
    assert held >= {device for device, _ in left(never)["devices"]}
    for n, what in enumerate(given):
        store(patient, what, name=chr(97 + n))
    assert left(patient) == whole


def without(what: Recording, days: tuple[date, date]) -> Recording | None:
    """The recording without these UTC days; itself where it has nothing on them, None if empty."""
    kept = tuple(n for n in what.sleep if not days[0] <= n.end.date() <= days[1])
    series = what.series
    for each in what.series:
        moments = [each.start + n * MINUTE for n in range(len(each.values))]
        inside = np.array([days[0] <= moment.date() <= days[1] for moment in moments])
        if inside.any():
            values = np.where(inside, np.nan, each.values).astype(np.float32)
            there = np.flatnonzero(~np.isnan(values))
            series = ()
            if there.size:
                low, high = there[0], there[-1] + 1
                series = (replace(each, start=moments[low], values=values[low:high]),)
    if kept == what.sleep and series is what.series:
        return what
    return replace(what, series=series, sleep=kept) if series or kept else None
