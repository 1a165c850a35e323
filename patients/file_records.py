"""What a file held of each device's channel, a UTC day at a time, and how its times were read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import MINUTES_PER_DAY, Recording
from patients.models import Device, RecordingFile, RecordingPart

ONE_DAY = timedelta(days=1)
REJECTED_NEAR = timedelta(days=31)
MOVED = " from "  # in the words of several zones

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


def file_renew(
    file: RecordingFile, most_minutes: int, minutes: DayCounts, left_out: DayCounts
) -> None:
    """Say again what a file that was stored before holds, if a removal has taken of it since.

    ``most_minutes`` are those of the device's channel with the most.
    """
    parts = list(parts_of(file, minutes, left_out))
    if sorted(map(_held, parts)) == sorted(map(_held, file.parts.all())):
        return
    file.parts.all().delete()
    RecordingPart.objects.bulk_create(parts)
    file.minutes = most_minutes
    file.save(update_fields=["minutes"])


def _held(part: RecordingPart) -> tuple[object, ...]:
    days = part.first_day, part.minutes_a_day, part.rejected_a_day
    return part.device_id, part.channel, *days


def parts_clear(device: Device, first: date, last: date) -> None:
    """Take the device's minutes and samples of these UTC days out of what its files hold.

    Parts and files that hold nothing any more are deleted, so that the file can be given again
    in another zone.
    """
    parts = RecordingPart.objects.filter(device=device, first_day__lte=last, last_day__gte=first)
    touched = set(parts.values_list("file_id", flat=True))
    parts.filter(first_day__gte=first, last_day__lte=last).delete()
    for part in list(parts):
        if _cleared(part, first, last):
            part.save()
        else:
            part.delete()
    files = RecordingFile.objects.filter(pk__in=touched)
    files.filter(parts=None).delete()
    for file in files.prefetch_related("parts"):
        file.minutes = max(sum(part.minutes_a_day) for part in file.parts.all())
        file.save(update_fields=["minutes"])


def _cleared(part: RecordingPart, first: date, last: date) -> bool:
    """Zero these UTC days, not saved, and cut to what is left; False if that is nothing."""
    days = [part.first_day + ONE_DAY * n for n in range(len(part.minutes_a_day))]
    kept = {day for day in days if not first <= day <= last}
    held = [day for day in days if day in kept and (part.minutes_on(day) or part.rejected_on(day))]
    if not held:
        return False
    whole = [day for day in days if held[0] <= day <= held[-1]]
    minutes = [part.minutes_on(day) if day in kept else 0 for day in whole]
    rejected = [part.rejected_on(day) if day in kept else 0 for day in whole]
    part.minutes_a_day, part.rejected_a_day = minutes, rejected if any(rejected) else []
    part.first_day, part.last_day = held[0], held[-1]
    return True


def moments_of(recording: Recording) -> list[datetime]:
    """The first and the last moment of what it holds, and of each questionnaire (UTC)."""
    ends = [recording.start, recording.end] if recording.series or recording.sleep else []
    return ends + [answer.taken_at for answer in recording.questionnaires]


def read_in(zones: ZoneHistory, moments: Iterable[datetime]) -> str:
    """The zones in force over the local days of these moments, in words: ``ZoneHistory.told``.

    A day more at each end, because a local day may be the one before the UTC day or after it.
    """
    days = [moment.date() for moment in moments]
    return zones.told(min(days) - ONE_DAY, max(days) + ONE_DAY) if days else ""


def require_same_zones(earlier: str, now: str, given: str) -> None:
    """InputError if a file that was stored is now read in other zones: see ``read_in``.

    Its minutes would lie there twice, hours apart. ``now`` is "" where the zones do not matter.
    Of a logger's file the words were once those of all zones ``given``, so these pass too.
    """
    if now and earlier != now and not (MOVED in earlier and earlier == given):
        raise InputError(
            f"This file is already stored with its times read in {earlier}, and would now be read "
            f"in {now}: if that is right, remove that device's data on the patient's data page "
            "and give the file again."
        )


def require_days_alike(
    sha256: str, minutes: DayCounts, now: ZoneHistory, given: ZoneHistory
) -> None:
    """InputError if another file gave days of the same device that are now read in other zones.

    ``minutes`` are those of the file with that hash, ``now`` the zones it was read in, of all
    that were ``given``. What both files tell would lie there twice, hours apart.
    """
    counts = {(device.pk, channel): days for (device, channel), days in minutes.items()}
    parts = RecordingPart.objects.filter(device__in={device for device, _ in counts})
    earlier = parts.exclude(file__zone="").exclude(file__sha256=sha256).select_related("file")
    found: dict[str, set[date]] = {}
    for part in earlier:
        told = part.file.zone
        # A logger's file has one zone; several are in the words of one stored before that was so.
        zones = (now, given) if MOVED in told else (now,)
        if days := _otherwise(part, counts.get((part.device_id, part.channel), Counter()), zones):
            found.setdefault(told, set()).update(days)
    if found:
        every = sorted(set().union(*found.values()))
        around = every[0] - ONE_DAY, every[-1] + ONE_DAY
        words = dict.fromkeys(ZoneHistory.from_told(told).told(*around) for told in found)
        raise InputError(
            "Another file of the same device gave "
            f"{' to '.join(dict.fromkeys(map(str, (every[0], every[-1]))))} with its times read "
            f"in {' and '.join(words)}, and this one would now be read in {now.told(*around)}: "
            "if that is right, remove that device's data of these days on the patient's data page "
            "and give the file again."
        )


def _otherwise(
    part: RecordingPart, counts: Counter[date], now: tuple[ZoneHistory, ...]
) -> set[date]:
    """The part's UTC days on or beside those counted that were read otherwise; none if no day is.

    Such a day has more minutes than those of its local days that are read alike can hold.
    """
    before = ZoneHistory.from_told(part.file.zone)
    around = part.first_day - ONE_DAY, part.last_day + ONE_DAY
    if not counts or any(zones.told(*around) == before.told(*around) for zones in now):
        return set()
    days = [part.first_day + ONE_DAY * n for n in range(len(part.minutes_a_day))]
    near = [day for day in days if any(counts[day + ONE_DAY * n] for n in (-1, 0, 1))]
    others = {day for day in near if part.minutes_on(day) > _alike(day, before, now)}
    shared = any(counts[day] and not _only_meet(part, counts, day) for day in others)
    return others if shared else set()


def _alike(day: date, before: ZoneHistory, now: tuple[ZoneHistory, ...]) -> float:
    """Minutes of a UTC day on local days whose zone before is that of one of now."""
    start = datetime.combine(day, time.min, UTC)
    minutes = 0.0
    for local in (day - ONE_DAY, day, day + ONE_DAY):
        zone = before.zone_on(local)
        if any(zones.zone_on(local) == zone for zones in now):
            begins, ends = before.day_bounds(local)
            inside = min(ends, start + ONE_DAY) - max(begins, start)
            minutes += max(inside.total_seconds() / 60, 0)
    return minutes


def _only_meet(part: RecordingPart, counts: Counter[date], day: date) -> bool:
    """Whether one of two files ends on the day on which the other begins, with room for both."""
    ends = {(part.last_day, min(counts)), (max(counts), part.first_day)}
    return (day, day) in ends and part.minutes_on(day) + counts[day] <= MINUTES_PER_DAY
