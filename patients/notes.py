"""Writes of notes and contacts. Their words are the patient's record: they are never changed."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from patients.domain.errors import InputError
from patients.models import Note, Patient, User
from patients.services import audit_record

LONGEST = 4000  # characters
OLDEST = timedelta(days=366)  # a contact that is written down later belongs in the EHR


@transaction.atomic
def note_write(*, patient: Patient, text: str, by: User | str) -> Note:
    """A note as somebody of the care team wrote it, or as a program in somebody's name.

    Raises InputError for none, or a long one.
    """
    _check(text, needed=True)
    now = timezone.now()
    note = Note.objects.create(
        patient=patient,
        kind=Note.Kind.NOTE,
        text=text,
        at=now,
        author=by if isinstance(by, str) else by.username,
        written_at=now,
    )
    audit_record(by=by, action="note written", patient=patient, note=note.pk)
    return note


@transaction.atomic
def contact_record(
    *,
    patient: Patient,
    at: datetime,
    channel: str,
    person: str,
    outcome: str,
    by: User,
    text: str = "",
) -> Note:
    """Somebody was spoken to, or it was tried, whether or not an alert is open.

    Raises InputError for a moment in the future or more than a year ago, and for a channel, a
    person or an outcome that is not of the list.
    """
    now = timezone.now()
    if not now - OLDEST <= at <= now:
        raise InputError(
            _("The contact lies in the future or more than a year ago: correct the time.")
        )
    for value, known in (
        (channel, Note.Channel),
        (person, Note.Person),
        (outcome, Note.Outcome),
    ):
        if value not in known.values:
            raise InputError(_("Say how, with whom and with what outcome: choose from the lists."))
    _check(text, needed=False)
    note = Note.objects.create(
        patient=patient,
        kind=Note.Kind.CONTACT,
        text=text,
        at=at,
        channel=channel,
        person=person,
        outcome=outcome,
        author=by.username,
        written_at=now,
    )
    audit_record(by=by, action="contact recorded", patient=patient, note=note.pk, outcome=outcome)
    return note


@transaction.atomic
def note_mark_error(*, note: Note, by: User) -> bool:
    """It was entered in error: it is kept and marked. False if it was so already."""
    rows = Note.objects.filter(pk=note.pk, entered_in_error=False)
    if not rows.update(entered_in_error=True):
        return False
    action = f"{note.kind} entered in error"
    audit_record(by=by, action=action, patient=note.patient, note=note.pk)
    return True


def _check(text: str, needed: bool) -> None:
    if needed and not text.strip():
        raise InputError(_("Write something before you save the note."))
    if len(text) > LONGEST:
        raise InputError(
            _("The text is longer than %(longest)d characters: shorten it.") % {"longest": LONGEST}
        )
