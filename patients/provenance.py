"""Reads about where a patient's minutes came from: devices, local days, files."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.db.models import Max, Min, QuerySet

from patients.domain.days import ZoneHistory
from patients.domain.packing import unpack
from patients.models import Device, Patient, RecordingDay, RecordingPart, SleepEpisode
from patients.resolving import devices_in_order
from patients.selectors import channel_days, zones_of

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SLEEP = "sleep"

Lane = tuple[str, str]  # channel, unit family


@dataclass(frozen=True)
class DeviceSeen:
    """A device with its channels and the number of UTC days on which it reported lately."""

    device: Device
    channels: tuple[str, ...]
    days: int


@dataclass
class LaneDay:
    """A channel on a local day, in minutes: what counts, of which device, and what each had."""

    chosen: Counter[int] = field(default_factory=Counter)  # by device
    present: Counter[int] = field(default_factory=Counter)  # by device, chosen or not

    @property
    def minutes(self) -> int:
        """Minutes that count."""
        return self.chosen.total()


@dataclass(frozen=True)
class FilePart:
    """What a file held of a device's channel on some UTC days."""

    part: RecordingPart
    minutes: int
    rejected: int  # samples out of range


def devices_seen(patient: Patient, since: date) -> list[DeviceSeen]:
    """The patient's devices, the most believed first, and what they brought since that UTC day."""
    days: dict[int, set[date]] = defaultdict(set)
    channels: dict[int, set[str]] = defaultdict(set)
    rows = RecordingDay.objects.filter(
        device__patient=patient, utc_day__gte=since, minutes__gt=0
    ).values_list("device_id", "channel", "utc_day")
    slept = patient.sleep_episodes.filter(
        end__gte=_midnight(since), asleep_minutes__gt=0
    ).values_list("device_id", "end")
    nights = ((device, SLEEP, end.astimezone(UTC).date()) for device, end in slept)
    for device, channel, day in (*rows, *nights):
        channels[device].add(channel)
        days[device].add(day)
    return [
        DeviceSeen(device, tuple(sorted(channels[device.pk])), len(days[device.pk]))
        for device in devices_in_order(patient)
    ]


def days_held(patient: Patient) -> dict[int, tuple[date, date]]:
    """By device: the first and the last UTC day with any minute, or on which sleep ends."""
    days: dict[int, list[date]] = defaultdict(list)
    rows = RecordingDay.objects.filter(device__patient=patient).values("device_id")
    recorded = rows.annotate(Min("utc_day"), Max("utc_day"))
    for device, *ends in recorded.values_list("device_id", "utc_day__min", "utc_day__max"):
        days[device] += ends
    nights = patient.sleep_episodes.order_by().values("device_id").annotate(Min("end"), Max("end"))
    for device, *moments in nights.values_list("device_id", "end__min", "end__max"):
        days[device] += [moment.astimezone(UTC).date() for moment in moments]
    return {device: (min(held), max(held)) for device, held in days.items()}


def lanes_of_days(patient: Patient, first: date, last: date) -> dict[date, dict[Lane, LaneDay]]:
    """Minutes that count on each local day from first to last, by channel and device.

    Sleep records count in minutes asleep and awake, on the local day they end.
    """
    zones = zones_of(patient)
    found: dict[date, dict[Lane, LaneDay]] = {}
    for row in channel_days(patient, first - DAY, last + DAY):
        lane = (str(row.channel), str(row.family or ""))
        for day, inside in _local_parts(zones, row.utc_day, first, last):
            counts = np.bincount(row.chosen[inside], minlength=len(row.devices) + 1)
            held = found.setdefault(day, {}).setdefault(lane, LaneDay())
            held.chosen.update(_there(dict(zip(row.devices, counts[1:].tolist(), strict=True))))
    for episode in _sleep(patient, zones, first, last).filter(is_chosen=True):
        lanes = found.setdefault(zones.local_day(episode.end), {})
        lanes.setdefault((SLEEP, ""), LaneDay()).chosen[episode.device_id] += _length(episode)
    return {day: _of_minutes(lanes) for day, lanes in found.items()}


def lanes_of_day(patient: Patient, day: date) -> dict[Lane, LaneDay]:
    """The channels of one local day, also with the minutes of devices that were not chosen."""
    zones = zones_of(patient)
    lanes = lanes_of_days(patient, day, day).get(day, {})
    rows = RecordingDay.objects.filter(
        device__patient=patient, utc_day__range=utc_days(zones, day), minutes__gt=0
    )
    for row in rows:
        for _, inside in _local_parts(zones, row.utc_day, day, day):
            there = int((~np.isnan(unpack(bytes(row.values))[inside])).sum())
            lane = lanes.setdefault((row.channel, row.family), LaneDay())
            lane.present.update(_there({row.device_id: there}))
    for episode in _sleep(patient, zones, day, day):
        lane = lanes.setdefault((SLEEP, ""), LaneDay())
        lane.present[episode.device_id] += _length(episode)
    return _of_minutes(lanes)


def file_parts(patient: Patient, day: date) -> list[FilePart]:
    """What files held of the UTC days that the local day touches, the newest file first."""
    first, last = utc_days(zones_of(patient), day)
    parts = RecordingPart.objects.filter(
        file__patient=patient, first_day__lte=last, last_day__gte=first
    ).select_related("file", "device")
    days = [first + DAY * n for n in range((last - first).days + 1)]
    counted = [
        FilePart(part, sum(map(part.minutes_on, days)), sum(map(part.rejected_on, days)))
        for part in parts
    ]
    ordered = sorted(counted, key=lambda c: (c.part.channel, c.part.device_id))
    ordered.sort(key=lambda c: c.part.file.received_at, reverse=True)
    return [each for each in ordered if each.minutes or each.rejected]


def utc_days(zones: ZoneHistory, day: date) -> tuple[date, date]:
    """The first and the last UTC day that the local day touches."""
    start, end = zones.day_bounds(day)
    return start.date(), max(start, end - MINUTE).date()


def _local_parts(
    zones: ZoneHistory, utc_day: date, first: date, last: date
) -> Iterator[tuple[date, slice]]:
    """The local days from first to last that share minutes with the UTC day, and which."""
    midnight = _midnight(utc_day)
    for day in (utc_day - DAY, utc_day, utc_day + DAY):
        if first <= day <= last:
            start, end = zones.day_bounds(day)
            low, high = (min(max((t - midnight) // MINUTE, 0), 1440) for t in (start, end))
            if low < high:
                yield day, slice(low, high)


def _sleep(patient: Patient, zones: ZoneHistory, first: date, last: date) -> QuerySet[SleepEpisode]:
    begin, end = zones.day_bounds(first)[0], zones.day_bounds(last)[1]
    return patient.sleep_episodes.filter(end__gte=begin, end__lt=end, asleep_minutes__gt=0)


def _length(episode: SleepEpisode) -> int:
    return round(episode.asleep_minutes + episode.awake_minutes)


def _there(counts: dict[int, int]) -> dict[int, int]:
    return {device: minutes for device, minutes in counts.items() if minutes}


def _of_minutes(lanes: dict[Lane, LaneDay]) -> dict[Lane, LaneDay]:
    return {lane: held for lane, held in lanes.items() if held.minutes or held.present}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
