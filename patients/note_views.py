"""Notes and contacts of a patient: only for those who may care for the patient."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from patients import notes
from patients.domain.errors import InputError
from patients.models import Note, Patient, User
from patients.note_forms import ContactForm, NoteForm
from patients.permissions import Permission
from patients.selectors import patients_visible_to, zones_of
from patients.views import actor, page, patient_for

PLACES = {Note.Kind.NOTE: "notes", Note.Kind.CONTACT: "contacts"}  # on the patient's page


def note_for(user: User, note_id: int) -> Note:
    """The note, if it is of one of the user's patients; else 404."""
    rows = Note.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=note_id)


@page("POST", Permission.CARE, find=patient_for)
def note_add(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Write a note."""
    return _written(request, patient, NoteForm(request.POST), Note.Kind.NOTE)


@page("POST", Permission.CARE, find=patient_for)
def contact_add(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Record a contact."""
    form = ContactForm(request.POST, zones=zones_of(patient), now=timezone.now())
    return _written(request, patient, form, Note.Kind.CONTACT)


@page("POST", Permission.CARE, find=note_for)
def note_error(request: HttpRequest, note: Note) -> HttpResponse:
    """It was entered in error."""
    notes.note_mark_error(note=note, by=actor(request))
    messages.success(request, _("It is marked as entered in error, and kept."))
    return _back(note.patient, Note.Kind(note.kind))


def _written(
    request: HttpRequest, patient: Patient, form: forms.Form, kind: Note.Kind
) -> HttpResponse:
    if not form.is_valid():
        for problems in form.errors.values():
            messages.error(request, str(problems[0]))
        return _back(patient, kind)
    given: dict[str, Any] = {"patient": patient, "by": actor(request), **form.cleaned_data}
    try:
        if kind == Note.Kind.NOTE:
            notes.note_write(**given)
            messages.success(request, _("The note is saved."))
        else:
            notes.contact_record(**given)
            messages.success(request, _("The contact is recorded."))
    except InputError as refusal:
        messages.error(request, str(refusal))
    return _back(patient, kind)


def _back(patient: Patient, kind: Note.Kind) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('patient', args=[patient.code])}#{PLACES[kind]}")
