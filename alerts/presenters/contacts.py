"""Notes, and the contact log: every time somebody spoke to the patient or tried to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from alerts.domain.history import kept
from alerts.models import Alert, AlertKind, DismissReason
from alerts.presenters.cards import TITLES
from patients.models import Note, Patient, User
from patients.note_forms import ContactForm, NoteForm
from patients.permissions import Permission, may
from patients.selectors import zones_of

NOTES_SHOWN = CONTACTS_SHOWN = 50


@dataclass(frozen=True)
class Contact:
    """One line of the log. ``note`` is the row it can be marked by, None where an alert has it."""

    at: datetime
    who: str
    how: str
    with_whom: str
    outcome: str
    about: str
    text: str
    in_error: bool = False
    note: Note | None = None


def notes_context(
    patient: Patient, alerts: Sequence[Alert], user: User, now: datetime
) -> dict[str, Any]:
    """Notes, contacts and their forms; nothing for those who may not care for the patient."""
    if not may(user, Permission.CARE):
        return {"may_read_notes": False}
    rows = list(patient.notes.all())
    contacts = sorted(
        [*_written(rows), *_of_alerts(alerts)], key=lambda contact: contact.at, reverse=True
    )
    notes = [row for row in rows if row.kind == Note.Kind.NOTE]
    return {
        "may_read_notes": True,
        "notes_written": notes[:NOTES_SHOWN],
        "older_notes": notes[NOTES_SHOWN:],
        "contacts": contacts[:CONTACTS_SHOWN],
        "older_contacts": contacts[CONTACTS_SHOWN:],
        "note_form": NoteForm(auto_id="note-%s", label_suffix=""),
        "contact_form": ContactForm(zones=zones_of(patient), now=now),
    }


def _written(rows: Iterable[Note]) -> Iterator[Contact]:
    for row in rows:
        if row.kind == Note.Kind.CONTACT:
            yield Contact(
                at=row.at,
                who=row.author,
                how=row.get_channel_display(),
                with_whom=row.get_person_display(),
                outcome=row.get_outcome_display(),
                about="",
                text=row.text,
                in_error=row.entered_in_error,
                note=row,
            )


def _of_alerts(alerts: Iterable[Alert]) -> Iterator[Contact]:
    """Contacts that an alert keeps: recorded as such, or the reason it was dismissed for."""
    for alert in alerts:
        for change in kept(alert.transitions.all()):
            was_well = change.reason == DismissReason.PATIENT_CONTACTED_OK
            if change.event == "contacted" or (change.event == "dismissed" and was_well):
                yield Contact(
                    at=change.at,
                    who=change.actor,
                    how="",
                    with_whom=_("The patient"),
                    outcome=_("Contacted, well") if was_well else "",
                    about=str(TITLES[AlertKind(alert.kind)]),
                    text=change.note,
                )
