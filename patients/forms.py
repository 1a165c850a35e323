"""What is typed about medications, time zones and what is to be removed."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.models import Circumstance, Device, MedicationCourse

# What a browser's date field reads, whatever the language.
DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
A_DAY = {"required": _("Give the first day."), "invalid": _("Give a date.")}
# Somebody who types a drug knows its class; what nobody knows comes from the EHR alone.
CLASSES = [it for it in MedicationCourse.DrugClass.choices if it[0] != "unknown"]
A_DOSE = forms.TextInput(attrs={"placeholder": _("for example 50 mg/day")})


class CourseForm(forms.ModelForm):
    """A drug from a day on. Without a class it is the one of the table of drugs."""

    drug_class = forms.ChoiceField(
        label=_("Class"),
        required=False,
        choices=[("", _("as in the table of drugs")), *CLASSES],
    )

    class Meta:
        model = MedicationCourse
        fields = ("drug", "dose", "first_day", "drug_class", "atc", "rxnorm")
        widgets = {
            "first_day": DATE,
            "dose": A_DOSE,
            "drug": forms.TextInput(attrs={"list": "drug-names"}),
            "atc": forms.TextInput(attrs={"placeholder": _("optional, such as N06AB06")}),
            "rxnorm": forms.TextInput(attrs={"placeholder": _("optional, such as 36437")}),
        }
        labels = {
            "drug": _("Drug"),
            "dose": _("Dose"),
            "first_day": _("First day"),
            "atc": _("ATC code"),
            "rxnorm": _("RxNorm code"),
        }


class ReasonForm(forms.Form):
    """Why a course was entered in error."""

    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[("", _("choose")), *MedicationCourse.ErrorReason.choices],
        error_messages={"required": _("Choose a reason.")},
    )


class CorrectionForm(ReasonForm):
    """The days and the dose a course should have had from the beginning, and why."""

    dose = forms.CharField(label=_("Dose"), max_length=40, required=False, widget=A_DOSE)
    first_day = forms.DateField(label=_("First day"), widget=DATE, error_messages=A_DAY)
    last_day = forms.DateField(
        label=_("Last day (empty: still taken)"), required=False, widget=DATE, error_messages=A_DAY
    )
    field_order = ("dose", "first_day", "last_day", "reason")


class DoseForm(forms.Form):
    """A new dose from a day on."""

    dose = forms.CharField(
        label=_("New dose"),
        max_length=40,
        widget=A_DOSE,
        error_messages={"required": _("Give the dose.")},
    )
    first_day = forms.DateField(label=_("From the day"), widget=DATE, error_messages=A_DAY)


class StopForm(forms.Form):
    """The last day a drug was taken."""

    last_day = forms.DateField(
        label=_("Last day"),
        widget=DATE,
        error_messages={"required": _("Give the last day."), "invalid": _("Give a date.")},
    )

    def __init__(self, *args: Any, course: MedicationCourse, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course = course

    def clean_last_day(self) -> date:
        """Refuse a last day before the first."""
        last_day: date = self.cleaned_data["last_day"]
        if last_day < self.course.first_day:
            raise forms.ValidationError(_("The last day lies before the first."))
        return last_day


class ZoneForm(forms.Form):
    """Another time zone from a day on; the names are offered while typing."""

    first_day = forms.DateField(
        label=_("From the day"),
        widget=DATE,
        error_messages={"required": _("Give the first day."), "invalid": _("Give a date.")},
    )
    zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"list": "zone-names", "placeholder": _("for example Europe/Berlin")}
        ),
        error_messages={"required": _("Give the time zone.")},
    )


class RemovalForm(forms.Form):
    """The first and the last UTC day of which a device's data are removed."""

    def __init__(
        self, data: Any = None, *, device: Device, initial: dict[str, Any] | None = None
    ) -> None:
        ids = f"remove-{device.pk}-%s"  # the page has one a device
        super().__init__(data, auto_id=ids, label_suffix="", initial=initial)
        self.device = device

    first_day = forms.DateField(
        label=_("First day"),
        widget=DATE,
        error_messages={"required": _("Give the first day."), "invalid": _("Give a date.")},
    )
    last_day = forms.DateField(
        label=_("Last day"),
        widget=DATE,
        error_messages={"required": _("Give the last day."), "invalid": _("Give a date.")},
    )
    sure = forms.BooleanField(
        label=_("Yes, remove them"), error_messages={"required": _("Say that you want this.")}
    )


class CircumstanceForm(forms.Form):
    """Something in a patient's life from a day on; the last day may not be known yet."""

    kind = forms.ChoiceField(
        label=_("What"),
        choices=Circumstance.Kind.choices,
        error_messages={
            "required": _("Say what it is."),
            "invalid_choice": _("Choose one of the list."),
        },
    )
    first_day = forms.DateField(
        label=_("First day"),
        widget=DATE,
        error_messages={"required": _("Give the first day."), "invalid": _("Give a date.")},
    )
    last_day = forms.DateField(
        label=_("Last day (if known)"),
        required=False,
        widget=DATE,
        error_messages={"invalid": _("Give a date.")},
    )


class CircumstanceEndForm(forms.Form):
    """The last day it held."""

    last_day = forms.DateField(
        error_messages={"required": _("Give the last day."), "invalid": _("Give a date.")}
    )
