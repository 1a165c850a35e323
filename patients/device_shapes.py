"""The JSON of the device API, as its OpenAPI document describes it.

Reading is patients.ingest.device_push's; tests hold the two against each other.
"""

from typing import Any

from rest_framework import serializers

from patients.domain.recording import CHANNEL_UNITS, Channel, DeviceKind
from patients.ingest import device_push as push
from patients.ingest.common.base import LIMITS, STAGES

STAMP = "ISO 8601 with its offset, such as 2026-11-01T00:00:00+01:00."


def _minutes(channel: Channel) -> serializers.ListField:
    unit = CHANNEL_UNITS.get(channel, "the unit of family")
    low, high = LIMITS[channel]
    text = f"One value a minute in {unit}, null where nothing was recorded; {low:g} to {high:g}."
    value: Any = serializers.FloatField(allow_null=True)
    return serializers.ListField(
        child=value, min_length=1, max_length=push.MAX_DAY_MINUTES, required=False, help_text=text
    )


class DeviceShape(serializers.Serializer[Any]):
    """What recorded it. The name tells devices of one patient apart; never a person's name."""

    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=[k.value for k in DeviceKind], default="watch")


ChannelsShape: Any = type(
    "ChannelsShape",
    (serializers.Serializer,),
    {"__doc__": "At least one channel."} | {str(c): _minutes(c) for c in Channel},
)


class DayShape(serializers.Serializer[Any]):
    """Minutes from ``start`` on, usually a local day of 1,440."""

    start = serializers.DateTimeField(help_text=f"{STAMP} A whole minute.")
    channels = ChannelsShape()


class StageShape(serializers.Serializer[Any]):
    """A stretch within a sleep record."""

    start = serializers.DateTimeField(help_text=STAMP)
    end = serializers.DateTimeField(help_text=STAMP)
    stage = serializers.ChoiceField(choices=STAGES[1:])


class SleepShape(serializers.Serializer[Any]):
    """A sleep record; without an ``id`` it joins with others of the device that touch it."""

    id = serializers.CharField(max_length=80, required=False, allow_null=True)
    start = serializers.DateTimeField(help_text=STAMP)
    end = serializers.DateTimeField(help_text=f"{STAMP} At most 24 hours later.")
    asleep_minutes = serializers.FloatField(required=False, allow_null=True)
    awake_minutes = serializers.FloatField(required=False, allow_null=True)
    stages = StageShape(many=True, required=False)


class AnswerShape(serializers.Serializer[Any]):
    """A questionnaire that was filled in."""

    instrument = serializers.ChoiceField(choices=list(push.TOTALS))
    taken_at = serializers.DateTimeField(help_text=STAMP)
    total = serializers.FloatField()
    items: Any = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=4), required=False, max_length=20
    )


class PushShape(serializers.Serializer[Any]):
    """What one device recorded. The patient is the token's and is never named."""

    device = DeviceShape()
    family = serializers.ChoiceField(
        choices=push.FAMILIES,
        required=False,
        allow_null=True,
        help_text="The unit family of the channel activity; given exactly with that channel.",
    )
    days = DayShape(many=True, required=False, help_text=f"At most {push.MAX_DAYS}.")
    sleep = SleepShape(many=True, required=False, help_text=f"At most {push.MAX_NIGHTS}.")
    questionnaires = AnswerShape(
        many=True, required=False, help_text=f"At most {push.MAX_ANSWERS}."
    )


class RefusalShape(serializers.Serializer[Any]):
    """Why not, in one sentence."""

    detail = serializers.CharField()
