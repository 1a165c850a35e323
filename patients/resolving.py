"""Who is believed for each minute and each night, by the patient's order of devices."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.domain.packing import pack_chosen, unpack
from patients.domain.recording import DeviceKind
from patients.domain.resolve import NIGHT_GAP, chosen_sleep, first_order, resolved
from patients.models import Device, Patient, RecordingDay, ResolvedDay, SleepEpisode, User
from patients.services import audit_record, patient_lock
from patients.sleep_records import as_recorded

BATCH_DAYS = 60
DayKey = tuple[date, str, str]  # UTC day, channel, family


def devices_in_order(patient: Patient) -> list[Device]:
    """The patient's devices, the most believed first."""
    return sorted(patient.devices.all(), key=_order)


def _order(device: Device) -> tuple[object, ...]:
    unplaced = device.place is None
    return (
        unplaced,
        device.place or 0,
        *first_order(DeviceKind(device.kind), device.source, device.name),
    )


@transaction.atomic
def device_order_set(*, patient: Patient, devices: Sequence[int], by: User | str) -> int:
    """Believe the devices in this order, and take every minute and night again by it.

    ``devices`` are the primary keys of all the patient's devices. Returns the number of UTC
    days that came out different. Raises InputError when a device is missing, twice, or
    somebody else's, and while a recording of the patient is being stored.
    """
    patient_lock(patient)
    begun = timezone.now()
    own = {device.pk: device for device in patient.devices.all()}
    if sorted(devices) != sorted(own):
        raise InputError("The order must name each of the patient's devices once: reload the page.")
    for place, pk in enumerate(devices):
        own[pk].place = place
    Device.objects.bulk_update(own.values(), ["place"])
    resolve_days(patient=patient, keys=_contested(patient), edited=())
    span = patient.sleep_episodes.order_by("start")
    first, last = span.first(), span.order_by("end").last()
    if first and last:
        resolve_sleep(patient=patient, first=first.start, last=last.end)
    audit_record(by=by, action="device order", patient=patient, devices=list(devices))
    return len(_days_changed_since(patient, begun))


def _days_changed_since(patient: Patient, moment: datetime) -> set[date]:
    minutes = patient.resolved_days.filter(updated_at__gte=moment)
    nights = patient.sleep_episodes.filter(updated_at__gte=moment)
    return {
        *minutes.values_list("utc_day", flat=True),
        *(end.astimezone(UTC).date() for end in nights.values_list("end", flat=True)),
    }


def _contested(patient: Patient) -> set[DayKey]:
    """The days and channels that more than one device recorded."""
    rows = RecordingDay.objects.filter(device__patient=patient)
    found: dict[DayKey, int] = defaultdict(int)
    for key in rows.values_list("utc_day", "channel", "family"):
        found[key] += 1
    return {key for key, count in found.items() if count > 1}


def resolve_days(*, patient: Patient, keys: Collection[DayKey], edited: Collection[DayKey]) -> None:
    """Choose the device of each minute of these days anew.

    A row is written where a device's minutes were ``edited`` or the choice came out different.
    Where no device has the day any more, an empty one stays, so that it is known to have changed.
    """
    order = [device.pk for device in devices_in_order(patient)]
    changed = set(edited)
    by_batch: dict[int, set[DayKey]] = defaultdict(set)
    for key in keys:
        by_batch[key[0].toordinal() // BATCH_DAYS].add(key)
    for _, batch in sorted(by_batch.items()):
        _resolve_batch(patient, order, batch, changed)


def _resolve_batch(
    patient: Patient, order: Sequence[int], keys: Collection[DayKey], edited: Collection[DayKey]
) -> None:
    first, last = min(key[0] for key in keys), max(key[0] for key in keys)
    span = {"utc_day__range": (first, last)}
    by_key: dict[DayKey, list[RecordingDay]] = defaultdict(list)
    rows = RecordingDay.objects.filter(device__in=order, **span)
    for day in rows.defer("values", "partial", "walks"):
        if (key := (day.utc_day, day.channel, day.family)) in keys:
            by_key[key].append(day)
    contested = {key for key, found in by_key.items() if len(found) > 1}
    packed = _packed(order, contested, span)
    unedited = any(key not in edited for key in keys)
    rows_before = ResolvedDay.objects.filter(patient=patient, **span) if unedited else ()
    before = {(row.utc_day, row.channel, row.family): row for row in rows_before}
    now = timezone.now()
    written = []
    for key in keys:
        row = _resolved_row(patient, key, by_key.get(key, []), order, packed, now)
        old = before.get(key)
        if key in edited or old is None or not _same(old, row):
            written.append(row)
    ResolvedDay.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["patient", "utc_day", "channel", "family"],
        update_fields=["devices", "chosen", "minutes", "last_minute", "updated_at"],
        batch_size=500,
    )


def _packed(
    order: Sequence[int], contested: Collection[DayKey], span: dict[str, tuple[date, date]]
) -> dict[tuple[int, DayKey], bytes]:
    """The packed minutes of the days on which devices must be held against each other."""
    if not contested:
        return {}
    rows = RecordingDay.objects.filter(device__in=order, **span)
    values = rows.values_list("device_id", "utc_day", "channel", "family", "values")
    return {
        (device, (day, channel, family)): bytes(packed)
        for device, day, channel, family, packed in values
        if (day, channel, family) in contested
    }


def _resolved_row(
    patient: Patient,
    key: DayKey,
    found: list[RecordingDay],
    order: Sequence[int],
    packed: dict[tuple[int, DayKey], bytes],
    now: datetime,
) -> ResolvedDay:
    devices, chosen = [row.device_id for row in found[:1]], b""
    minutes, last_minute = (found[0].minutes, found[0].last_minute) if found else (0, 0)
    if len(found) > 1:
        found.sort(key=lambda row: order.index(row.device_id))
        values, which = resolved([unpack(packed[row.device_id, key]) for row in found])
        taken = np.unique(which[which > 0])
        devices = [found[number - 1].device_id for number in taken] or devices
        there = np.flatnonzero(which)
        minutes, last_minute = there.size, int(there[-1]) if there.size else last_minute
        if len(devices) > 1:
            chosen = pack_chosen(np.searchsorted(taken, which).astype(np.uint8) + (which > 0))
    day, channel, family = key
    return ResolvedDay(
        patient=patient, utc_day=day, channel=channel, family=family, devices=devices,
        chosen=chosen, minutes=minutes, last_minute=last_minute, updated_at=now,
    )  # fmt: skip


def _same(old: ResolvedDay, new: ResolvedDay) -> bool:
    return (
        old.devices == new.devices
        and bytes(old.chosen) == new.chosen
        and (old.minutes, old.last_minute) == (new.minutes, new.last_minute)
    )


def resolve_sleep(*, patient: Patient, first: datetime, last: datetime) -> None:
    """Choose the records that count anew, for the nights that touch first to last."""
    rows = _whole_nights(patient, first, last)
    place = {device.pk: n for n, device in enumerate(devices_in_order(patient))}
    keep = chosen_sleep([as_recorded(r) for r in rows], [place[r.device_id] for r in rows])
    now, different = timezone.now(), []
    for row, kept in zip(rows, keep, strict=True):
        if row.is_chosen != kept:
            row.is_chosen, row.updated_at = kept, now
            different.append(row)
    SleepEpisode.objects.bulk_update(different, ["is_chosen", "updated_at"], batch_size=500)


def _whole_nights(patient: Patient, first: datetime, last: datetime) -> list[SleepEpisode]:
    """All records of the nights that touch first to last: the span grows until it cuts none."""
    while True:
        rows = list(
            patient.sleep_episodes.filter(end__gte=first - NIGHT_GAP, start__lte=last + NIGHT_GAP)
        )
        low = min([row.start for row in rows] + [first])
        high = max([row.end for row in rows] + [last])
        if (low, high) == (first, last):
            return rows
        first, last = low, high
