"""What is typed about baselines: means and SDs, stretches of days, reasons, the intake."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from clarity_site.said import said_lazy
from scoring.domain.baseline_rules import Feature, Usual
from scoring.domain.worsening import CLOCK_MINUTES
from scoring.models import Baseline, BaselineStretch, IntakeAssessment
from scoring.resources import baseline_rules
from scoring.stretches import MOST_PHQ9
from scoring.usual import usual_in

Words = Any  # a text that is translated when it is shown
WHY = {"required": _("Say why: a reason is kept with every such change.")}
DATE = {"required": _("Give the day."), "invalid": _("Give a date.")}


def day_field(label: Words) -> forms.DateField:
    """A day, typed or chosen."""
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, error_messages=DATE)


def choice_field(label: Words, choices: Sequence[tuple[str, Any]]) -> forms.ChoiceField:
    """One of these; none is chosen beforehand."""
    errors = {"required": _("Choose one."), "invalid_choice": _("Choose one of these.")}
    return forms.ChoiceField(
        label=label, choices=[("", _("Choose")), *choices], error_messages=errors
    )


def reason_field(label: Words) -> forms.CharField:
    """Why; never left empty."""
    return forms.CharField(label=label, max_length=500, error_messages=WHY)


class RejectForm(forms.Form):
    """Why a proposal is not taken."""

    reason = reason_field(_("Why it is rejected"))


class FreezeForm(forms.Form):
    """Why a baseline stays as it is."""

    reason = reason_field(_("Why it is frozen"))


class MarkForm(forms.Form):
    """Days that the person was well, or ill."""

    first_day = day_field(_("First day"))
    last_day = day_field(_("Last day"))
    kind = choice_field(_("The person was"), BaselineStretch.Kind.choices)
    reason = reason_field(_("Why these days are marked"))


class IntakeForm(forms.Form):
    """What a clinician found at intake."""

    day = day_field(_("Day of the assessment"))
    phq9 = forms.IntegerField(
        label=_("PHQ-9 total (0 to 27)"),
        min_value=0,
        max_value=MOST_PHQ9,
        error_messages={
            "required": _("Give the total."),
            "invalid": _("Give a whole number."),
            "min_value": _("A PHQ-9 total is 0 to 27."),
            "max_value": _("A PHQ-9 total is 0 to 27."),
        },
    )
    tier = choice_field(_("Tier"), IntakeAssessment.IntakeTier.choices)
    clinician = forms.CharField(
        label=_("Clinician"), max_length=150, error_messages={"required": _("Say who assessed.")}
    )
    reason = forms.CharField(label=_("Note on the source"), max_length=500, required=False)


class EditForm(forms.Form):
    """Mean and SD of each feature of a version. What is left as it is keeps all its digits."""

    def __init__(self, data: Any = None, *, baseline: Baseline) -> None:
        super().__init__(data, auto_id="edit-%s", label_suffix="")
        self.baseline = baseline
        self.usual = usual_in(baseline.values)
        known = baseline_rules().features
        self.features: Mapping[str, Feature] = {n: known[n] for n in known if n in self.usual}
        for name, feature in self.features.items():
            mean, sd = _fields(feature)
            mean.initial, sd.initial = _typed(self.usual[name], feature)
            self.fields |= {f"{name}-mean": mean, f"{name}-sd": sd}
        self.fields["reason"] = reason_field(_("Why it is changed"))

    def changed(self) -> dict[str, Usual]:
        """The features of which something was typed anew, in their own units."""
        return {
            name: self._read(name, feature)
            for name, feature in self.features.items()
            if {f"{name}-mean", f"{name}-sd"} & set(self.changed_data)
        }

    def _read(self, name: str, feature: Feature) -> Usual:
        mean, sd, was = self.usual[name].mean, self.usual[name].sd, self.usual[name]
        per_minute = CLOCK_MINUTES.get(feature.unit)
        if f"{name}-mean" in self.changed_data:
            typed = self.cleaned_data[f"{name}-mean"]
            clock = (typed.hour * 60 + typed.minute) / per_minute if per_minute else typed
            mean = feature.shown(float(clock))
        if f"{name}-sd" in self.changed_data:
            sd = float(self.cleaned_data[f"{name}-sd"]) / (per_minute or 1)
        return Usual(mean, sd, was.n)


def _fields(feature: Feature) -> tuple[forms.Field, forms.Field]:
    """Where the mean and the SD are typed: those of the clock as a time and minutes."""
    clock = feature.unit in CLOCK_MINUTES
    number = {"required": _("Give a number."), "invalid": _("Give a number.")}
    scale = "min" if clock else feature.unit
    sd = forms.FloatField(
        label=_labelled(_("{feature}: SD ({unit})"), feature, scale), error_messages=number
    )
    if not clock:
        label = _labelled(_("{feature}: mean ({unit})"), feature, feature.unit)
        return forms.FloatField(label=label, error_messages=number), sd
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    errors = {"required": _("Give a time."), "invalid": _("Give a time, such as 23:15.")}
    label = _labelled(_("{feature}: mean (clock time)"), feature, "")
    return forms.TimeField(label=label, widget=widget, error_messages=errors), sd


def _labelled(words: Words, feature: Feature, unit: str) -> Any:
    return format_lazy(words, feature=said_lazy(feature.label), unit=said_lazy(unit))


def _typed(usual: Usual, feature: Feature) -> tuple[time | float, float]:
    per_minute = CLOCK_MINUTES.get(feature.unit)
    if per_minute is None:
        return round(usual.mean, 2), round(usual.sd, 2)
    minutes = round(usual.mean * per_minute) % 1440
    return time(minutes // 60, minutes % 60), round(usual.sd * per_minute, 1)
