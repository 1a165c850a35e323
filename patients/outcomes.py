"""Writes about questionnaires and mood episodes. Each names its actor and leaves its audit row."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.domain.questionnaires import Instrument
from patients.models import Episode, Patient, Questionnaire, User
from patients.resources import instruments
from patients.selectors import zones_of
from patients.services import audit_record

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FIRST_EPISODE_DAY = date(1950, 1, 1)
CLINIC = "clinic"


def instrument_named(key: str) -> Instrument:
    """The questionnaire of that key. Raises InputError."""
    if key not in instruments():
        known = ", ".join(instruments())
        raise InputError(f"“{key[:20]}” is no questionnaire that is scored: give one of {known}.")
    return instruments()[key]


def self_harm_item(questionnaire: Questionnaire) -> int | None:
    """The answer to the item on self-harm; None where it has none or its items are not told."""
    asked = instruments().get(questionnaire.instrument)
    return asked.self_harm(questionnaire.items) if asked else None


@transaction.atomic
def questionnaire_record(
    *,
    patient: Patient,
    instrument: str,
    taken_at: datetime,
    by: User | str,
    items: Sequence[int] | None = None,
    total: int | None = None,
    source: str = CLINIC,
) -> Questionnaire:
    """A questionnaire that was filled in, by its items or by its total alone.

    One that is recorded already is returned as it is; to its items a total alone adds nothing.
    Raises InputError, with nothing stored,
    for items or a total that cannot be, a moment before 2000 or in the future, and where
    another result of the same moment is recorded.
    """
    asked, now = instrument_named(instrument), timezone.now()
    result, answers = asked.total(items, total), list(items or ())
    if not EARLIEST <= taken_at <= now:
        raise InputError(
            f"The {asked.name} of {_moment(patient, taken_at)} lies before 2000 or in the future: "
            "give the time at which it was filled in."
        )
    made, is_new = Questionnaire.objects.get_or_create(
        patient=patient,
        instrument=instrument,
        taken_at=taken_at,
        entered_in_error=False,
        defaults={
            "total": result,
            "items": answers,
            "source": source,
            "recorded_by": by if isinstance(by, str) else by.username,
            "recorded_at": now,
        },
    )
    if made.total != result or (answers and made.items != answers):
        raise InputError(
            f"Another {asked.name} of {_moment(patient, taken_at)} is recorded, with the total "
            f"{made.total:g}: mark it as entered in error first, or correct the time."
        )
    if is_new:
        _audit(made, by, "questionnaire recorded")
    return made


def _moment(patient: Patient, moment: datetime) -> str:
    zones = zones_of(patient)
    return f"{moment.astimezone(zones.zone_on(zones.local_day(moment))):%-d %B %Y %H:%M}"


@transaction.atomic
def questionnaire_mark_error(*, questionnaire: Questionnaire, by: User | str) -> bool:
    """It was entered in error: it is kept, marked, and counts no more. False if it was so."""
    rows = Questionnaire.objects.filter(pk=questionnaire.pk, entered_in_error=False)
    if not rows.update(entered_in_error=True):
        return False
    _audit(questionnaire, by, "questionnaire entered in error")
    return True


def _audit(questionnaire: Questionnaire, by: User | str, action: str) -> None:
    audit_record(
        by=by,
        action=action,
        patient=questionnaire.patient,
        questionnaire=questionnaire.pk,
        instrument=questionnaire.instrument,
    )


@transaction.atomic
def episode_record(
    *,
    patient: Patient,
    kind: str,
    first_day: date,
    by: User,
    last_day: date | None = None,
    note: str = "",
) -> Episode:
    """A mood episode as a clinician saw it; without a last day it goes on.

    Raises InputError for an unknown kind, days in the future, before 1950 or in the wrong order,
    and where an episode of that kind is recorded for one of the days.
    """
    if kind not in Episode.Kind.values:
        known = ", ".join(Episode.Kind.values)
        raise InputError(f"“{kind[:20]}” is no kind of episode: give one of {known}.")
    _check_days(patient, first_day, last_day)
    _check_overlap(patient, kind, first_day, last_day)
    try:
        with transaction.atomic():
            episode = Episode.objects.create(
                patient=patient,
                kind=kind,
                first_day=first_day,
                last_day=last_day,
                note=note,
                recorded_by=by.username,
                recorded_at=timezone.now(),
            )
    except IntegrityError:  # somebody else was faster
        _check_overlap(patient, kind, first_day, last_day)
        raise
    _audit_episode(episode, by, "episode recorded")
    return episode


def _check_days(patient: Patient, first_day: date, last_day: date | None) -> None:
    today = zones_of(patient).local_day(timezone.now())
    for day in (first_day, last_day):
        if day is not None and not FIRST_EPISODE_DAY <= day <= today:
            raise InputError(f"{day} lies before 1950 or in the future: give a day up to today.")
    if last_day is not None and last_day < first_day:
        raise InputError(f"The episode began on {first_day}: it cannot have ended on {last_day}.")


def _check_overlap(patient: Patient, kind: str, first_day: date, last_day: date | None) -> None:
    rows = Episode.objects.filter(patient=patient, kind=kind, entered_in_error=False)
    rows = rows.exclude(last_day__lt=first_day)
    other = rows.filter(first_day__lte=last_day).first() if last_day else rows.first()
    if other:
        raise InputError(
            f"An episode of {kind} from {other.first_day} is recorded, which has a day in common: "
            "end it, or mark it as entered in error, first."
        )


@transaction.atomic
def episode_end(*, episode: Episode, last_day: date, by: User) -> None:
    """The episode lasted up to and including that day.

    Raises InputError for a day before it began or in the future, where it had ended already, and
    where it was entered in error.
    """
    episode.refresh_from_db(from_queryset=Episode.objects.select_for_update())
    if episode.entered_in_error or episode.last_day is not None:
        raise InputError(
            f"The episode from {episode.first_day} goes on no more: "
            "mark it as entered in error and record it anew to change it."
        )
    _check_days(episode.patient, episode.first_day, last_day)
    episode.last_day = last_day
    episode.save(update_fields=["last_day"])
    _audit_episode(episode, by, "episode ended")


@transaction.atomic
def episode_mark_error(*, episode: Episode, by: User) -> bool:
    """It was entered in error: it is kept, marked, and counts no more. False if it was so."""
    rows = Episode.objects.filter(pk=episode.pk, entered_in_error=False)
    if not rows.update(entered_in_error=True):
        return False
    _audit_episode(episode, by, "episode entered in error")
    return True


def _audit_episode(episode: Episode, by: User, action: str) -> None:
    audit_record(
        by=by, action=action, patient=episode.patient, episode=episode.pk, kind=episode.kind
    )
