"""Scores over HTTP, with the permissions of the pages."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api import Pages, RecordView
from scoring.models import RiskScore, Tier
from scoring.presenters.tracks import TrackView, track_views


class TrackShown(serializers.Serializer[TrackView]):
    """One track; without an assessment ``probability`` is null and ``reason`` says why."""

    status = serializers.SerializerMethodField()
    reason = serializers.CharField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    tier = serializers.ChoiceField(choices=Tier.choices, allow_null=True)
    coverage = serializers.FloatField(allow_null=True)
    contributions = serializers.ListField(child=serializers.DictField())

    def get_status(self, track: TrackView) -> str:
        """“ok” or “unavailable”."""
        return "ok" if track.assessed else "unavailable"


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
    weights = serializers.JSONField()
    reasons = ReasonShown(many=True)
    depression = serializers.SerializerMethodField()
    mania = serializers.SerializerMethodField()
    scored_at = serializers.DateTimeField()

    @extend_schema(responses=TrackShown)
    def get_depression(self, score: RiskScore) -> Any:
        """The depression track."""
        return TrackShown(track_views(score)[0]).data

    def get_mania(self, score: RiskScore) -> Any:
        """The mania track with its two parts."""
        view = track_views(score)[1]
        parts = {f"{name}_probability": None for name in ("mania", "hypomania")}
        known = {f"{name}_probability": value for name, value in view.parts}
        return TrackShown(view).data | parts | known


class ScoreList(RecordView):
    """Current decisions of one patient, newest first: an opening of the record."""

    page = "api scores"

    def patient_code(self, request: Request) -> str:
        """?patient=CODE, which is required."""
        code = request.query_params.get("patient", "")
        if not code:
            raise ValidationError({"patient": "Say whose scores: ?patient=CODE."})
        return code

    @extend_schema(
        parameters=[OpenApiParameter("patient", str, required=True)],
        responses=ScoreShown(many=True),
    )
    def get(self, request: Request) -> Response:
        """Read the scores."""
        self.opened()
        pages = Pages()
        rows = self.patient.scores.filter(is_current=True).select_related("patient")
        shown: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(ScoreShown(shown, many=True).data)
