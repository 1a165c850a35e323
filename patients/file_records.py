"""What a file held of each device's channel, a UTC day at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from patients.domain.recording import MINUTES_PER_DAY
from patients.models import Device, RecordingFile, RecordingPart

REJECTED_NEAR = timedelta(days=31)

DayCounts = Mapping[tuple[Device, str], Counter[date]]  # by device and channel


def parts_of(
    file: RecordingFile, minutes: DayCounts, left_out: DayCounts
) -> Iterator[RecordingPart]:
    """The file's parts, not saved: recorded minutes and samples out of range on each UTC day.

    A device's left-out samples that a wild date puts over REJECTED_NEAR from all its minutes are
    on no day: they would stretch the part over years.
    """
    for device, channel in {**minutes, **left_out}:
        recorded = minutes.get((device, channel), Counter())
        rejected = _near_minutes(minutes, device, left_out.get((device, channel), Counter()))
        both = recorded.keys() | rejected.keys()
        if not both:
            continue
        first, last = min(both), max(both)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        yield RecordingPart(
            file=file,
            device=device,
            channel=str(channel),
            first_day=first,
            last_day=last,
            minutes_a_day=[min(recorded[day], MINUTES_PER_DAY) for day in days],
            rejected_a_day=[rejected[day] for day in days] if rejected else [],
        )


def _near_minutes(minutes: DayCounts, device: Device, rejected: Counter[date]) -> Counter[date]:
    held = [day for (other, _), days in minutes.items() if other == device for day in days]
    if not rejected or not held:
        return Counter()
    first, last = min(held) - REJECTED_NEAR, max(held) + REJECTED_NEAR
    return Counter({day: count for day, count in rejected.items() if first <= day <= last})
