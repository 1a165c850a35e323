"""Scores over HTTP, with the permissions of the pages."""

from datetime import date
from typing import Any

from drf_spectacular.utils import (
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api import Pages, RecordView
from patients.api_shapes import FOUND_REFUSALS, paged
from scoring.models import RiskScore, Tier
from scoring.presenters.tracks import TrackView, track_views


class ContributionShown(serializers.Serializer[Any]):
    """What moved a track, in the patient's own units."""

    name = serializers.CharField()
    label: Any = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(help_text="Of value and usual.")
    usual = serializers.FloatField(allow_null=True)
    points = serializers.FloatField(help_text="Of the track's 0 to 100 scale.")


class TrackShown(serializers.Serializer[TrackView]):
    """One track; without an assessment ``probability`` is null and ``reason`` says why."""

    status = serializers.SerializerMethodField()
    reason = serializers.CharField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    tier = serializers.ChoiceField(choices=Tier.choices, allow_null=True)
    coverage = serializers.FloatField(allow_null=True)
    contributions: Any = ContributionShown(many=True)

    @extend_schema_field(serializers.ChoiceField(choices=("ok", "unavailable")))
    def get_status(self, track: TrackView) -> str:
        """“ok” or “unavailable”."""
        return "ok" if track.assessed else "unavailable"


class ManiaShown(TrackShown):
    """The mania track with the two parts of its probability."""

    mania_probability = serializers.FloatField(allow_null=True)
    hypomania_probability = serializers.FloatField(allow_null=True)


class WeightsShown(serializers.Serializer[Any]):
    """How much each track weighed: they sum to 1, or both are null."""

    depression = serializers.FloatField(allow_null=True)
    mania = serializers.FloatField(allow_null=True)


class ReasonShown(serializers.Serializer[Any]):
    """Why the decision is as it is."""

    code = serializers.CharField()
    text = serializers.CharField()


class ScoreShown(serializers.Serializer[RiskScore]):
    """One day's decision; ``probability`` is null when the tier is Indeterminate."""

    id = serializers.IntegerField()
    patient = serializers.CharField(source="patient.code")
    day = serializers.DateField()
    revision = serializers.IntegerField()
    tier = serializers.ChoiceField(choices=Tier.choices)
    probability = serializers.FloatField(allow_null=True)
    weights = WeightsShown()
    reasons = ReasonShown(many=True)
    depression = serializers.SerializerMethodField()
    mania = serializers.SerializerMethodField()
    scored_at = serializers.DateTimeField()

    @extend_schema_field(TrackShown)
    def get_depression(self, score: RiskScore) -> Any:
        """The depression track."""
        return TrackShown(track_views(score)[0]).data

    @extend_schema_field(ManiaShown)
    def get_mania(self, score: RiskScore) -> Any:
        """The mania track with its two parts."""
        view = track_views(score)[1]
        parts = {f"{name}_probability": None for name in ("mania", "hypomania")}
        known = {f"{name}_probability": value for name, value in view.parts}
        return TrackShown(view).data | parts | known


class ScoreQuery(serializers.Serializer[Any]):
    """Whose scores, and of which days."""

    patient = serializers.CharField(
        help_text="The patient's code.",
        error_messages={"required": "Say whose scores: ?patient=CODE."},
    )
    first_day = serializers.DateField(required=False, help_text="No earlier day.")
    last_day = serializers.DateField(required=False, help_text="No later day.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse days that end before they begin."""
        if attrs.get("first_day", date.min) > attrs.get("last_day", date.max):
            raise serializers.ValidationError({"last_day": "It lies before first_day."})
        return attrs


class ScoreList(RecordView):
    """Current decisions of one patient, newest first: an opening of the record."""

    page = "api scores"
    asked: dict[str, Any]

    def patient_code(self, request: Request) -> str:
        """?patient=CODE, which is required."""
        query = ScoreQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        self.asked = query.validated_data
        return str(self.asked["patient"])

    @extend_schema(
        operation_id="scores_list",
        parameters=[ScoreQuery, *Pages.PARAMETERS],
        responses={200: paged(ScoreShown), **FOUND_REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Read the scores. An Indeterminate day has null for every probability."""
        self.opened()
        pages, asked = Pages(), self.asked
        rows = self.patient.scores.filter(
            is_current=True,
            day__gte=asked.get("first_day", date.min),
            day__lte=asked.get("last_day", date.max),
        ).select_related("patient")
        shown: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(ScoreShown(shown, many=True).data)
