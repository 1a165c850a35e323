"""Data quality by source: what each device and channel brought lately, and what was worn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.fields.json import KT

from clarity_site.said import said_again
from patients.domain.plain import channel_words, format_words
from patients.models import Device, Patient, RecordingDay, RecordingPart
from patients.presenters import Freshness, freshness
from patients.provenance import SLEEP
from patients.resolving import devices_in_order
from patients.selectors import zones_of

WEEK, MONTH = 7, 30  # whole days before today
MINUTES = 1440


@dataclass(frozen=True)
class ChannelLine:
    """A channel of a device: shares (0 to 1) of the minutes recorded; of sleep, nights."""

    label: str
    week: float | None
    month: float | None
    nights: tuple[int, int] | None = None


@dataclass(frozen=True)
class SourceLine:
    """A device: its channels, when it was last heard of, and what was left out as impossible."""

    device: Device
    format: str
    fresh: Freshness
    channels: tuple[ChannelLine, ...]
    rejected: int

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came of it in 30 days."""
        return not self.channels


@dataclass(frozen=True)
class Quality:
    """``worn`` is the share of 7 and of 30 days worn or asleep; None: nothing is known of them."""

    sources: tuple[SourceLine, ...]
    worn_week: float | None
    worn_month: float | None
    week: int = WEEK
    month: int = MONTH


def data_quality(patient: Patient, now: datetime) -> Quality:
    """Of the 7 and 30 whole days before today; the most believed device first."""
    today = zones_of(patient).local_day(now)
    channels, rejected = _channels(patient, now), _rejected(patient, now)
    return Quality(
        sources=tuple(
            SourceLine(
                device=device,
                format=format_words(device.source),
                fresh=freshness(_day(patient, device.last_data_at), today),
                channels=tuple(channels.get(device.pk, ())),
                rejected=rejected.get(device.pk, 0),
            )
            for device in devices_in_order(patient)
        ),
        worn_week=_worn(patient, today, WEEK),
        worn_month=_worn(patient, today, MONTH),
    )


def _day(patient: Patient, moment: datetime | None) -> date | None:
    return zones_of(patient).local_day(moment) if moment else None


def _channels(patient: Patient, now: datetime) -> dict[int, list[ChannelLine]]:
    """By device; UTC days, as they are stored."""
    today = now.astimezone(UTC).date()
    week, month = (today - timedelta(days=n) for n in (WEEK, MONTH))
    found: dict[int, list[ChannelLine]] = {}
    rows = (
        RecordingDay.objects.filter(
            device__patient=patient, utc_day__gte=month, utc_day__lt=today, minutes__gt=0
        )
        .values("device_id", "channel", "family")
        .annotate(week=Sum("minutes", filter=Q(utc_day__gte=week)), month=Sum("minutes"))
        .order_by("channel", "family")
    )
    for row in rows:
        label = said_again(channel_words(row["channel"], row["family"]))
        shares = ((row["week"] or 0) / (WEEK * MINUTES), row["month"] / (MONTH * MINUTES))
        found.setdefault(row["device_id"], []).append(ChannelLine(label, *shares))
    begin, end = (datetime.combine(day, time.min, UTC) for day in (month, today))
    nights = (
        patient.sleep_episodes.filter(end__gte=begin, end__lt=end, asleep_minutes__gt=0)
        .order_by()
        .values("device_id")
        .annotate(
            week=Count(
                "end__date", distinct=True, filter=Q(end__gte=begin + timedelta(MONTH - WEEK))
            ),
            month=Count("end__date", distinct=True),
        )
    )
    for told in nights:
        nights_of = (told["week"], told["month"])
        line = ChannelLine(said_again(channel_words(SLEEP)), None, None, nights_of)
        found.setdefault(told["device_id"], []).append(line)
    return found


def _rejected(patient: Patient, now: datetime) -> dict[int, int]:
    """Samples out of range in the last 30 days, by device."""
    since = now.astimezone(UTC).date() - timedelta(days=MONTH)
    parts = RecordingPart.objects.filter(
        file__patient=patient, last_day__gte=since, rejected_a_day__len__gt=0
    )
    found: dict[int, int] = {}
    for part in parts.only("device_id", "first_day", "rejected_a_day"):
        days = range(max((since - part.first_day).days, 0), len(part.rejected_a_day))
        found[part.device_id] = found.get(part.device_id, 0) + sum(
            part.rejected_a_day[at] for at in days
        )
    return {device: count for device, count in found.items() if count}


def _worn(patient: Patient, today: date, days: int) -> float | None:
    span = (today - timedelta(days=days), today - timedelta(days=1))
    rows: Iterable[Any] = (
        patient.features.filter(day__range=span)
        .order_by()
        .annotate(worn=KT("values__worn_minutes"))
        .values_list("worn", flat=True)
    )
    minutes = [int(float(worn)) for worn in rows if worn is not None]
    return min(sum(minutes) / (days * MINUTES), 1.0) if minutes else None
