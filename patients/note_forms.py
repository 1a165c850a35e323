"""What is typed about a patient: a note, or a contact on the patient's own clock."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.domain.days import ZoneHistory
from patients.models import Note
from patients.notes import LONGEST


def _chosen(label: Any, choices: list[tuple[str, Any]], missing: Any) -> forms.ChoiceField:
    """A choice that nobody has made yet: what is recorded of a contact was said by a person."""
    return forms.ChoiceField(
        label=label, choices=[("", _("Choose")), *choices], error_messages={"required": missing}
    )


class NoteForm(forms.Form):
    """A note."""

    text = forms.CharField(
        label=_("Note"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write something before you save the note.")},
    )


class ContactForm(forms.Form):
    """A contact: when, how, with whom, with what outcome, and words if there are any."""

    day = forms.DateField(
        label=_("On"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Give the day."), "invalid": _("Give a date.")},
    )
    clock = forms.TimeField(
        label=_("At"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={
            "required": _("Give the time."),
            "invalid": _("Give a time such as 09:30."),
        },
    )
    channel = _chosen(_("How"), Note.Channel.choices, _("Choose how the contact was made."))
    person = _chosen(_("With whom"), Note.Person.choices, _("Choose with whom the contact was."))
    outcome = _chosen(_("Outcome"), Note.Outcome.choices, _("Choose the outcome of the contact."))
    text = forms.CharField(
        label=_("Words (optional)"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Any = None, *, zones: ZoneHistory, now: datetime) -> None:
        local = now.astimezone(zones.zone_on(zones.local_day(now)))
        initial = {"day": local.date(), "clock": local.time()}
        super().__init__(data, initial=initial, auto_id="contact-%s", label_suffix="")
        self.zones = zones

    def clean(self) -> dict[str, Any]:
        """Put the moment together: ``at``, in UTC."""
        typed = self.cleaned_data
        if not self.errors:
            typed["at"] = self.zones.at(typed.pop("day"), typed.pop("clock"))
        return typed
