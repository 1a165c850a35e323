"""Taking out what a device reported, as if it had never come; the files can be given again."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet

from patients.domain.errors import InputError
from patients.domain.recording import Channel
from patients.file_records import parts_clear
from patients.minute_records import walks_renew
from patients.models import Device, Patient, RecordingDay, SleepEpisode, User
from patients.resolving import resolve_days, resolve_sleep
from patients.services import audit_record, patient_lock
from patients.sleep_records import nights_gone

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Removed:
    """How much was taken out: UTC days, minutes of the channel with the most, sleep records."""

    days: int
    minutes: int
    nights: int


@transaction.atomic
def device_remove(
    *,
    patient: Patient,
    device: Device,
    first_day: date | None,
    last_day: date | None,
    by: User | str,
) -> Removed:
    """Delete the device's minutes of these UTC days, and its sleep records that end on them.

    Both days are included; without one there is no bound on that side. A walk is of the day on
    which it starts. Who is believed is chosen anew, the patient's features and scores are made
    anew at the next scoring, and a device with nothing left is deleted. Questionnaires stay: they
    are the patient's own answers, and several devices of one source may have passed them on.
    Raises InputError for another patient's device, days in the wrong order or without anything
    of the device, and while a recording of the patient is being stored.
    """
    patient_lock(patient)
    own = patient.devices.filter(pk=device.pk).first()
    if own is None:
        raise InputError("The patient has no such device any more: reload the page.")
    first, last = first_day or date.min, last_day or date.max
    if first > last:
        raise InputError("The last day lies before the first: change one of them.")
    whole = first_day is None and last_day is None
    removed = _removed(patient, own, first, last)
    if not (removed.days or whole):
        raise InputError("The device has nothing on these days: choose others.")
    parts_clear(own, first, last)
    _note_what_is_left(own)
    audit_record(
        by=by,
        action="recording removed",
        patient=patient,
        device=own.pk,
        source=own.source,
        first_day=str(first_day or ""),
        last_day=str(last_day or ""),
        days=removed.days,
        minutes=removed.minutes,
        nights=removed.nights,
    )
    return removed


def _removed(patient: Patient, device: Device, first: date, last: date) -> Removed:
    """Delete minutes and sleep, and choose anew who is believed for what they told of."""
    rows = RecordingDay.objects.filter(device=device, utc_day__range=(first, last))
    minutes: dict[str, int] = {}
    keys = set()
    for day, channel, family, count in rows.values_list("utc_day", "channel", "family", "minutes"):
        keys.add((day, channel, family))
        minutes[channel] = minutes.get(channel, 0) + count
    episodes = list(_ending(device, first, last))
    rows.delete()
    SleepEpisode.objects.filter(pk__in=[row.pk for row in episodes]).delete()
    walked = {day for day, channel, _ in keys if channel == Channel.STEPS}
    beside = walks_renew(device=device, first=min(walked), last=max(walked)) if walked else set()
    resolve_days(patient=patient, keys=keys | beside, edited=beside)
    if episodes:
        start, end = min(row.start for row in episodes), max(row.end for row in episodes)
        resolve_sleep(patient=patient, first=start, last=end)
    nights_gone(patient.pk, {_utc_day(row) for row in episodes if row.is_chosen})
    days = {day for day, _, _ in keys} | {_utc_day(row) for row in episodes}
    nights = sum(row.asleep_minutes > 0 for row in episodes)
    return Removed(len(days), max(minutes.values(), default=0), nights)


def _ending(device: Device, first: date, last: date) -> QuerySet[SleepEpisode]:
    """The device's sleep records that end on these UTC days."""
    rows = device.sleep_episodes.filter(end__gte=_midnight(first))
    return rows if last == date.max else rows.filter(end__lt=_midnight(last + ONE_DAY))


def _note_what_is_left(device: Device) -> None:
    """Say when the device last reported anything, or delete it."""
    if not (device.recording_days.exists() or device.sleep_episodes.exists()):
        device.delete()
        return
    newest = device.recording_days.filter(minutes__gt=0).order_by("utc_day", "last_minute").last()
    nights = device.sleep_episodes.filter(asleep_minutes__gt=0)
    moments = [nights.aggregate(Max("end"))["end__max"]]
    if newest:
        moments.append(_midnight(newest.utc_day) + timedelta(minutes=newest.last_minute))
    device.last_data_at = max((moment for moment in moments if moment), default=None)
    device.save(update_fields=["last_data_at"])


def _utc_day(row: SleepEpisode) -> date:
    return row.end.astimezone(UTC).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
