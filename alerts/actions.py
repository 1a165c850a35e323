"""What can be asked about an alert, over a form or the API: the request, the service, the words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from alerts import services
from alerts.models import Alert, DismissReason

RETIERS = (("High", "High"), ("Moderate", "Moderate"))


class _Note(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_blank=True, default="", max_length=2000, **kwargs)


class NoteRequest(serializers.Serializer[Alert]):
    """Words, or none."""

    note = _Note()


class FollowUpRequest(NoteRequest):
    """The day on which to look again."""

    due_on = serializers.DateField(
        error_messages={
            "required": _("Give the day of the follow-up."),
            "invalid": _("Give the day of the follow-up as YYYY-MM-DD."),
        }
    )


class SnoozeRequest(NoteRequest):
    """For how long."""

    hours = serializers.FloatField(
        error_messages={
            "required": _("Say for how many hours."),
            "invalid": _("Say for how many hours."),
        }
    )


class DismissRequest(NoteRequest):
    """The reason; “other” needs words, “will monitor” a day."""

    reason = serializers.ChoiceField(
        choices=DismissReason.choices,
        error_messages={
            "required": _("Choose a reason for dismissing the alert."),
            "invalid_choice": _("Choose a reason for dismissing the alert."),
        },
    )
    due_on = serializers.DateField(required=False, allow_null=True, default=None)

    def to_internal_value(self, data: Any) -> Any:
        """An empty day of a form is none."""
        if isinstance(data, Mapping) and data.get("due_on") == "":
            data = {key: value for key, value in data.items() if key != "due_on"}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse “other” without a note and “will monitor” without a day."""
        if attrs["reason"] == DismissReason.OTHER and not attrs["note"].strip():
            raise serializers.ValidationError({"note": _("Say what the other reason is.")})
        if attrs["reason"] == DismissReason.WILL_MONITOR and not attrs["due_on"]:
            raise serializers.ValidationError({"due_on": _("Say until when you will monitor.")})
        return attrs


class RetierRequest(NoteRequest):
    """The tier that the alert should have."""

    tier = serializers.ChoiceField(
        choices=RETIERS, error_messages={"required": _("Choose High or Moderate.")}
    )


class DecideRequest(NoteRequest):
    """Whether the request is confirmed, and which one: the id of its transition."""

    request = serializers.IntegerField(required=False, allow_null=True, default=None)

    confirm = serializers.BooleanField(
        error_messages={"required": _("Say whether you confirm the request.")}
    )


class UndoRequest(serializers.Serializer[Alert]):
    """Nothing is asked."""


class ConcernRequest(RetierRequest):
    """A concern by hand: how urgent, and what it is."""


@dataclass(frozen=True)
class Act:
    """One thing to do about an alert. ``done`` says so of a kind of alert and a patient."""

    name: str
    request: type[serializers.Serializer[Any]]
    service: Callable[..., Any]
    done: Promise
    words: str


ACTIONS = {
    act.name: act
    for act in (
        Act("acknowledge", NoteRequest, services.alert_acknowledge,
            _("%(kind)s alert of %(patient)s acknowledged."),
            "Take the alert on."),
        Act("contact", NoteRequest, services.alert_contact,
            _("%(kind)s alert of %(patient)s: contact recorded."),
            "Record that the patient was contacted."),
        Act("follow-up", FollowUpRequest, services.alert_follow_up,
            _("%(kind)s alert of %(patient)s: follow-up set."),
            "Look again on a day."),
        Act("snooze", SnoozeRequest, services.alert_snooze,
            _("%(kind)s alert of %(patient)s snoozed."),
            "Out of the way for so many hours, or until the tier rises."),
        Act("resolve", NoteRequest, services.alert_resolve,
            _("%(kind)s alert of %(patient)s resolved."),
            "What it was about is dealt with."),
        Act("dismiss", DismissRequest, services.alert_dismiss,
            _("%(kind)s alert of %(patient)s dismissed."),
            "Close the alert for a reason, or ask a psychiatrist to."),
        Act("retier", RetierRequest, services.alert_retier,
            _("%(kind)s alert of %(patient)s: tier changed."),
            "Raise or lower the alert, or ask a psychiatrist to lower it."),
        Act("decide", DecideRequest, services.request_decide,
            _("%(kind)s alert of %(patient)s: request decided."),
            "Confirm or decline a request."),
        Act("undo", UndoRequest, services.alert_undo,
            _("%(kind)s alert of %(patient)s: undone."),
            "Take back one's own last act within ten minutes."),
    )
}  # fmt: skip
