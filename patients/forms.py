"""What is typed about medications, time zones and what is to be removed."""

from datetime import date
from typing import Any

from django import forms

from patients.models import Circumstance, Device, MedicationCourse

DATE = forms.DateInput(attrs={"type": "date"})
A_DAY = {"required": "Give the first day.", "invalid": "Give a date."}
A_DOSE = forms.TextInput(attrs={"placeholder": "for example 50 mg/day"})


class CourseForm(forms.ModelForm):
    """A drug from a day on. Without a class it is the one of the table of drugs."""

    drug_class = forms.ChoiceField(
        label="Class",
        required=False,
        choices=[("", "as in the table of drugs"), *MedicationCourse.DrugClass.choices],
    )

    class Meta:
        model = MedicationCourse
        fields = ("drug", "dose", "first_day", "drug_class", "atc", "rxnorm")
        widgets = {
            "first_day": DATE,
            "dose": A_DOSE,
            "drug": forms.TextInput(attrs={"list": "drug-names"}),
            "atc": forms.TextInput(attrs={"placeholder": "optional, such as N06AB06"}),
            "rxnorm": forms.TextInput(attrs={"placeholder": "optional, such as 36437"}),
        }
        labels = {"first_day": "First day"}


class ReasonForm(forms.Form):
    """Why a course was entered in error."""

    reason = forms.ChoiceField(
        label="Why",
        choices=[("", "choose"), *MedicationCourse.ErrorReason.choices],
        error_messages={"required": "Choose a reason."},
    )


class CorrectionForm(ReasonForm):
    """The days and the dose a course should have had from the beginning, and why."""

    dose = forms.CharField(label="Dose", max_length=40, required=False, widget=A_DOSE)
    first_day = forms.DateField(label="First day", widget=DATE, error_messages=A_DAY)
    last_day = forms.DateField(
        label="Last day (empty: still taken)", required=False, widget=DATE, error_messages=A_DAY
    )
    field_order = ("dose", "first_day", "last_day", "reason")


class DoseForm(forms.Form):
    """A new dose from a day on."""

    dose = forms.CharField(
        label="New dose",
        max_length=40,
        widget=A_DOSE,
        error_messages={"required": "Give the dose."},
    )
    first_day = forms.DateField(label="From the day", widget=DATE, error_messages=A_DAY)


class StopForm(forms.Form):
    """The last day a drug was taken."""

    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Give the last day.", "invalid": "Give a date."},
    )

    def __init__(self, *args: Any, course: MedicationCourse, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course = course

    def clean_last_day(self) -> date:
        """Refuse a last day before the first."""
        last_day: date = self.cleaned_data["last_day"]
        if last_day < self.course.first_day:
            raise forms.ValidationError("The last day lies before the first.")
        return last_day


class ZoneForm(forms.Form):
    """Another time zone from a day on; the names are offered while typing."""

    first_day = forms.DateField(
        label="From the day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Give the first day.", "invalid": "Give a date."},
    )
    zone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(
            attrs={"list": "zone-names", "placeholder": "for example Europe/Berlin"}
        ),
        error_messages={"required": "Give the time zone."},
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
        label="First day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Give the first day.", "invalid": "Give a date."},
    )
    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Give the last day.", "invalid": "Give a date."},
    )
    sure = forms.BooleanField(
        label="Yes, remove them", error_messages={"required": "Say that you want this."}
    )


class CircumstanceForm(forms.Form):
    """Something in a patient's life from a day on; the last day may not be known yet."""

    kind = forms.ChoiceField(
        label="What",
        choices=Circumstance.Kind.choices,
        error_messages={"required": "Say what it is.", "invalid_choice": "Choose one of the list."},
    )
    first_day = forms.DateField(
        label="First day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Give the first day.", "invalid": "Give a date."},
    )
    last_day = forms.DateField(
        label="Last day (if known)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Give a date."},
    )


class CircumstanceEndForm(forms.Form):
    """The last day it held."""

    last_day = forms.DateField(
        error_messages={"required": "Give the last day.", "invalid": "Give a date."}
    )
