"""What is typed about questionnaires and mood episodes."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clarity_site.said import said_again
from patients.domain.days import ZoneHistory
from patients.domain.questionnaires import Instrument
from patients.forms import A_DAY, DATE
from patients.models import Episode


def _whole(label: str, lowest: int, highest: int) -> forms.IntegerField:
    limits = {"lowest": lowest, "highest": highest}
    words = gettext("Give a whole number from %(lowest)s to %(highest)s.") % limits
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=lowest,
        max_value=highest,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), words),
    )


def _item_words(number: int, topic: str) -> str:
    return gettext("Item %(number)s %(topic)s") % {"number": number, "topic": said_again(topic)}


class QuestionnaireForm(forms.Form):
    """The answers to one questionnaire, or its total alone, on the patient's own clock."""

    day = forms.DateField(
        label=_("Filled in on"),
        widget=DATE,
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

    def __init__(
        self, data: Any = None, *, asked: Instrument, zones: ZoneHistory, now: datetime
    ) -> None:
        local = now.astimezone(zones.zone_on(zones.local_day(now)))
        initial = {"day": local.date(), "clock": local.time()}
        super().__init__(data, initial=initial, auto_id="answers-%s", label_suffix="")
        self.asked, self.zones = asked, zones
        self.item_names = [f"item_{number}" for number in range(1, len(asked.topics) + 1)]
        for number, (name, topic) in enumerate(zip(self.item_names, asked.topics, strict=True), 1):
            self.fields[name] = _whole(_item_words(number, topic), asked.lowest, asked.highest)
        self.fields["total"] = _whole(gettext("Total (alone, or to check the items)"), *asked.range)

    def clean(self) -> dict[str, Any]:
        """Put together what the service takes; items are all there, or none is."""
        typed = self.cleaned_data
        items = [typed.get(name) for name in self.item_names]
        if any(item is not None for item in items):
            for name, item in zip(self.item_names, items, strict=True):
                if item is None and name not in self.errors:
                    self.add_error(name, gettext("Give this one too, or the total alone."))
        if not self.errors:
            typed |= {
                "taken_at": self.zones.at(typed["day"], typed["clock"]),
                "answers": None if None in items else items,
            }
        return typed


class EpisodeForm(forms.Form):
    """A mood episode; without a last day it goes on."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[("", _("choose")), *Episode.Kind.choices],
        error_messages={"required": _("Choose the kind.")},
    )
    first_day = forms.DateField(label=_("First day"), widget=DATE, error_messages=A_DAY)
    last_day = forms.DateField(
        label=_("Last day (empty: goes on)"), required=False, widget=DATE, error_messages=A_DAY
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )


class EndForm(forms.Form):
    """The last day of an episode."""

    last_day = forms.DateField(
        label=_("Last day"),
        widget=DATE,
        error_messages={"required": _("Give the last day."), "invalid": _("Give a date.")},
    )
