"""Questionnaires and mood episodes over HTTP, with the permissions of the page."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.outcomes import outcome_record
from patients import outcomes
from patients.api import Pages, RecordView
from patients.api_shapes import FOUND_REFUSALS, paged
from patients.domain.errors import InputError
from patients.models import Episode, Questionnaire
from patients.permissions import Permission, may
from patients.resources import instruments
from patients.selectors import episodes_of, questionnaires_of


class Stamp(serializers.DateTimeField):
    """A moment with its offset: without one it is not known when it was."""

    default_error_messages = {"naive": "Give the offset too: 2026-11-01T09:00:00+01:00."}

    def enforce_timezone(self, value: datetime) -> datetime:
        """Refuse a moment without an offset."""
        if timezone.is_naive(value):
            self.fail("naive")
        return super().enforce_timezone(value)


class QuestionnaireShown(serializers.Serializer[Questionnaire]):
    """One questionnaire that counts; ``items`` is empty where the total alone is known."""

    id = serializers.IntegerField()
    instrument = serializers.CharField()
    taken_at = serializers.DateTimeField()
    total = serializers.FloatField()
    items: Any = serializers.ListField(child=serializers.IntegerField())
    at_or_above_cut_off = serializers.SerializerMethodField()
    came_from = serializers.CharField(source="source")
    recorded_by = serializers.CharField()
    recorded_at = serializers.DateTimeField(allow_null=True)

    def get_at_or_above_cut_off(self, row: Questionnaire) -> bool:
        """Whether the total reaches the instrument's cut-off."""
        return instruments()[row.instrument].positive(row.total)


class QuestionnaireRequest(serializers.Serializer[Any]):
    """The items, in order, or the total alone; both must agree."""

    instrument = serializers.ChoiceField(choices=[])
    taken_at = Stamp(help_text="ISO 8601 with its offset.")
    items: Any = serializers.ListField(
        child=serializers.IntegerField(), required=False, allow_null=True, max_length=50
    )
    total = serializers.IntegerField(required=False, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """The instruments are those of questionnaires.toml."""
        fields = super().get_fields()
        choices = [(key, asked.name) for key, asked in instruments().items()]
        fields["instrument"] = serializers.ChoiceField(choices=choices)
        return fields


class EpisodeShown(serializers.Serializer[Episode]):
    """One mood episode that counts; ``note`` is null for those who may not read it."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Episode.Kind.choices)
    first_day = serializers.DateField()
    last_day = serializers.DateField(allow_null=True)
    note = serializers.SerializerMethodField()
    recorded_by = serializers.CharField()
    recorded_at = serializers.DateTimeField()

    def get_note(self, row: Episode) -> str | None:
        """The note, for those who record such things."""
        return row.note if self.context["with_notes"] else None


class EpisodeRequest(serializers.Serializer[Any]):
    """A mood episode; without a last day it goes on."""

    kind = serializers.ChoiceField(choices=Episode.Kind.choices)
    first_day = serializers.DateField()
    last_day = serializers.DateField(required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class _Outcomes(RecordView):
    """What may be recorded about one patient, and by whom."""

    pagination_class = Pages

    def rows(self, request: Request, rows: Any, shape: Any) -> Response:
        """A page of what counts; the opening is written down."""
        self.opened()
        pages = self.pagination_class()
        found: Any = pages.paginate_queryset(rows, request)
        shown = shape(found, many=True, context=self._context(request))
        return pages.get_paginated_response(shown.data)

    def record(self, request: Request, asked: Any, service: Any, shape: Any) -> Response:
        """Check what was asked and do it: 201, or 200 where it was recorded already."""
        if not may(request.user, Permission.RECORD_OUTCOMES):
            raise PermissionDenied
        asked.is_valid(raise_exception=True)
        begun = timezone.now()
        try:
            made = service(patient=self.patient, by=request.user, **asked.validated_data)
        except InputError as refusal:
            raise ValidationError({"detail": str(refusal)}) from None
        is_new = made.recorded_at is not None and made.recorded_at >= begun
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(shape(made, context=self._context(request)).data, status=code)

    def _context(self, request: Request) -> dict[str, bool]:
        return {"with_notes": may(request.user, Permission.RECORD_OUTCOMES)}


class QuestionnaireList(_Outcomes):
    """Questionnaires of one patient."""

    page = "api questionnaires"

    @extend_schema(
        operation_id="questionnaires_list",
        parameters=list(Pages.PARAMETERS),
        responses={200: paged(QuestionnaireShown), **FOUND_REFUSALS},
    )
    def get(self, request: Request, code: str) -> Response:
        """Those that count, newest first."""
        return self.rows(request, questionnaires_of(self.patient), QuestionnaireShown)

    @extend_schema(
        operation_id="questionnaires_record",
        request=QuestionnaireRequest,
        responses={201: QuestionnaireShown, 200: QuestionnaireShown, **FOUND_REFUSALS},
    )
    def post(self, request: Request, code: str) -> Response:
        """Record one."""
        asked = QuestionnaireRequest(data=request.data)
        return self.record(request, asked, outcome_record, QuestionnaireShown)


class EpisodeList(_Outcomes):
    """Mood episodes of one patient."""

    page = "api episodes"

    @extend_schema(
        operation_id="episodes_list",
        parameters=list(Pages.PARAMETERS),
        responses={200: paged(EpisodeShown), **FOUND_REFUSALS},
    )
    def get(self, request: Request, code: str) -> Response:
        """Those that count, the latest first."""
        return self.rows(request, episodes_of(self.patient), EpisodeShown)

    @extend_schema(
        operation_id="episodes_record",
        request=EpisodeRequest,
        responses={201: EpisodeShown, 200: EpisodeShown, **FOUND_REFUSALS},
    )
    def post(self, request: Request, code: str) -> Response:
        """Record one."""
        asked = EpisodeRequest(data=request.data)
        return self.record(request, asked, outcomes.episode_record, EpisodeShown)
