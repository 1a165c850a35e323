"""What the page “Data” of a patient shows: devices, days, one day's provenance, files, zones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clarity_site.said import said_again
from patients.domain.plain import (
    channel_words,
    format_words,
    out_of_range_words,
    reason_words,
)
from patients.ingest.sources import AUTO
from patients.models import Device, Patient, RecordingFile, Upload
from patients.presenters import Freshness, freshness
from patients.provenance import (
    SLEEP,
    DeviceSeen,
    FilePart,
    Lane,
    LaneDay,
    devices_seen,
    file_parts,
    lanes_of_day,
    lanes_of_days,
    utc_days,
)
from patients.selectors import zones_of
from patients.templatetags.clarity import day as day_words
from patients.templatetags.clarity import thousands

SHOWN_DAYS = 30
FILES_A_PAGE = 20
FULL_DAY_MINUTES = 1440
UPLOADS_SHOWN = 10
PARTS_SHOWN = 60  # a device that pushes every few minutes fills a day with hundreds
DAY = timedelta(days=1)
FLAG_WORDS = {"travel_day": gettext_lazy("travel"), "clock_change": gettext_lazy("clock change")}


@dataclass(frozen=True)
class DeviceLine:
    """One device in its place of the order; the ends of the list cannot move further."""

    place: int
    device: Device
    format: str
    channels: str
    days: int
    fresh: Freshness
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class DayCell:
    """Minutes of a channel on a day, and the places of the devices they are from."""

    minutes: int
    share: int
    places: tuple[int, ...]
    names: str


@dataclass(frozen=True)
class DayRow:
    """A local day of the table; a cell is None where nothing was recorded."""

    day: date
    cells: tuple[DayCell | None, ...]
    flags: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True)
class LaneLine:
    """A channel of the opened day: its devices, and what features say of it in minutes."""

    label: str
    devices: tuple[tuple[Device, int, int], ...]  # device, minutes recorded, of these chosen
    worn: int | None
    imputed: int | None


def order_asked(asked: str, devices: Sequence[Device]) -> list[Device]:
    """The devices in the order that was asked for, if it names each of them once."""
    by_key = {str(device.pk): device for device in devices}
    keys = asked.split(",")
    return [by_key[key] for key in keys] if sorted(keys) == sorted(by_key) else list(devices)


def device_lines(
    seen: Sequence[DeviceSeen],
    order: Sequence[Device],
    patient: Patient,
    now: datetime,
) -> list[DeviceLine]:
    """The devices in that order, with what each brought lately."""
    zones, by_key = zones_of(patient), {each.device.pk: each for each in seen}
    today, lines = zones.local_day(now), []
    for place, device in enumerate(order, start=1):
        last = device.last_data_at
        lines.append(
            DeviceLine(
                place=place,
                device=device,
                format=format_words(device.source),
                channels=", ".join(map(channel_said, by_key[device.pk].channels)),
                days=by_key[device.pk].days,
                fresh=freshness(zones.local_day(last) if last else None, today),
                is_first=place == 1,
                is_last=place == len(order),
            )
        )
    return lines


def data_context(
    patient: Patient,
    now: datetime,
    until: date | None,
    day: date | None,
    asked_order: str = "",
) -> dict[str, Any]:
    """Everything about devices and days; ``until`` is the last day of the table.

    ``asked_order`` is an order of devices that is not saved, as keys with commas.
    """
    today = zones_of(patient).local_day(now)
    last = until or today
    if day and not last - (SHOWN_DAYS - 1) * DAY <= day <= last:
        last = day
    first = last - (SHOWN_DAYS - 1) * DAY
    seen = devices_seen(patient, today - (SHOWN_DAYS - 1) * DAY)
    stored = [each.device for each in seen]
    order = order_asked(asked_order, stored)
    places = {device.pk: place for place, device in enumerate(order, start=1)}
    by_day = lanes_of_days(patient, first, last)
    lanes = sorted({lane for held in by_day.values() for lane in held}, key=_lane_order)
    names = {device.pk: device.name for device in stored}
    flags = _of_features(patient, first, last, "flags")
    rows = [
        DayRow(
            day=each,
            cells=tuple(_cell(by_day.get(each, {}).get(lane), places, names) for lane in lanes),
            flags=tuple(str(FLAG_WORDS[f]) for f in flags.get(each, ()) if f in FLAG_WORDS),
            is_open=each == day,
        )
        for each in (last - n * DAY for n in range(SHOWN_DAYS))
    ]
    return {
        "devices": device_lines(seen, order, patient, now),
        "order": ",".join(str(device.pk) for device in order),
        "order_is_new": order != stored,
        "several_devices": len(stored) > 1,
        "shown_days": SHOWN_DAYS,
        "lanes": [_lane_words(lane, lanes) for lane in lanes],
        "rows": rows,
        "first": first,
        "last": last,
        "earlier": first - DAY,
        "later": min(last + SHOWN_DAYS * DAY, today) if last < today else None,
        "day": day_context(patient, day, stored) if day else None,
    }


def day_context(patient: Patient, day: date, devices: Sequence[Device]) -> dict[str, Any]:
    """Provenance and quality of one local day by channel."""
    zones = zones_of(patient)
    lanes = lanes_of_day(patient, day)
    quality = _of_features(patient, day, day, "quality").get(day) or {}
    ordered = sorted(lanes, key=_lane_order)
    parts = file_parts(patient, day)
    return {
        "day": day,
        "zone": str(zones.zone_on(day)),
        "utc_words": _(" and ").join(map(day_words, sorted(set(utc_days(zones, day))))),
        "lanes": [
            _lane_line(_lane_words(lane, ordered), lanes[lane], devices, quality.get(lane[0], {}))
            for lane in ordered
        ],
        "parts": [_part_line(each) for each in parts[:PARTS_SHOWN]],
        "more_parts": max(len(parts) - PARTS_SHOWN, 0),
    }


def _lane_line(
    label: str, held: LaneDay, devices: Sequence[Device], quality: Mapping[str, int | None]
) -> LaneLine:
    return LaneLine(
        label=label,
        devices=tuple(
            (device, held.present[device.pk], held.chosen[device.pk])
            for device in devices
            if held.present[device.pk] or held.chosen[device.pk]
        ),
        worn=quality.get("worn"),
        imputed=quality.get("imputed"),
    )


def _part_line(each: FilePart) -> dict[str, Any]:
    return file_line(each.part.file) | {
        "channel": channel_said(each.part.channel),
        "device": each.part.device,
        "minutes": each.minutes,
        "left_out": said_again(out_of_range_words(each.rejected)),
    }


def file_line(file: RecordingFile) -> dict[str, Any]:
    """A file with its format and what was left out of it in words."""
    return {
        "file": file,
        "format": format_words(file.source),
        "hash": file.sha256[:12],
        "rejected": rejected_said(file.rejected),
    }


def files_page(patient: Patient, number: str) -> dict[str, Any]:
    """One page of the patient's files, the newest first."""
    rows = patient.files.order_by("-received_at", "-pk").prefetch_related("parts__device")
    page = Paginator(rows, FILES_A_PAGE).get_page(number)
    return {"page": page, "files": [_whole_file(file) for file in page]}


def uploads_open(patient: Patient) -> list[dict[str, Any]]:
    """The last uploads that wait, are being read or were rejected, with why."""
    rows = patient.uploads.exclude(state=Upload.State.STORED).defer("body")
    return [
        {
            "received_at": row.received_at,
            "format": _("file") if row.source == AUTO else format_words(row.source),
            "uploaded_by": row.uploaded_by,
            "state": row.state,
            "words": upload_said(row),
        }
        for row in rows.order_by("-received_at")[:UPLOADS_SHOWN]
    ]


def channel_said(channel: str, family: str = "") -> str:
    """The channel in the reader's language, with its unit family where one is given."""
    words = said_again(channel_words(channel))
    return f"{words} ({said_again(family.replace('_', ' '))})" if family else words


def rejected_said(rejected: Mapping[str, int]) -> str:
    """All reasons with their numbers of samples, the most frequent first."""
    counted = sorted(((n, reason_words(r)) for r, n in rejected.items() if n), reverse=True)
    return ", ".join(f"{thousands(n)} {said_again(words)}" for n, words in counted)


def upload_said(upload: Upload) -> str:
    """Where an upload stands, and what became of it."""
    state = Upload.State(upload.state)
    if state == Upload.State.RECEIVED:
        return _("received, waits to be read")
    if state == Upload.State.PROCESSING:
        return _("is being read")
    if state == Upload.State.REJECTED:
        return _("rejected: %(why)s") % {"why": said_again(upload.reason)}
    result = upload.result
    words = _("nothing new: all of it was stored before")
    if result.get("status") != "unchanged":
        words = _("stored %(days)s, %(minutes)s of %(format)s") % {
            "days": counted_days(result["days"]),
            "minutes": counted_minutes(result["minutes"]),
            "format": format_words(result["source"]),
        }
    left = rejected_said(result.get("rejected") or {})
    return _("%(words)s; left out: %(left)s") % {"words": words, "left": left} if left else words


def counted_days(n: int) -> str:
    """“1 day”, “1,200 days”."""
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": thousands(n)}


def counted_minutes(n: int) -> str:
    """“1 minute”, “1,200 minutes”."""
    return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": thousands(n)}


def _whole_file(file: RecordingFile) -> dict[str, Any]:
    parts = list(file.parts.all())
    return file_line(file) | {
        "first": min((part.first_day for part in parts), default=None),
        "last": max((part.last_day for part in parts), default=None),
        "devices": ", ".join(sorted({part.device.name for part in parts})),
        "channels": ", ".join(channel_said(c) for c in sorted({part.channel for part in parts})),
    }


def _of_features(patient: Patient, first: date, last: date, key: str) -> dict[date, Any]:
    rows = patient.features.filter(day__range=(first, last), **{f"values__{key}__isnull": False})
    return dict(rows.values_list("day", f"values__{key}"))


def _lane_order(lane: Lane) -> tuple[bool, str, str]:
    channel, family = lane
    return channel == SLEEP, channel, family


def _lane_words(lane: Lane, lanes: Sequence[Lane]) -> str:
    """The channel; with its unit family where a patient has several."""
    channel, family = lane
    several = sum(each[0] == channel for each in lanes) > 1
    return channel_said(channel, family if several else "")


def _cell(
    held: LaneDay | None, places: Mapping[int, int], names: Mapping[int, str]
) -> DayCell | None:
    if held is None or not held.minutes:
        return None
    devices = sorted(held.chosen, key=lambda key: places.get(key, 0))
    return DayCell(
        minutes=held.minutes,
        share=min(round(100 * held.minutes / FULL_DAY_MINUTES), 100),
        places=tuple(places[key] for key in devices if key in places),
        names=", ".join(names[key] for key in devices if key in names),
    )
