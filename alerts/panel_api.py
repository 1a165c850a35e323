"""The panel over HTTP: the same rows, filters and order as on the page."""

from datetime import date, datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.domain.panel import CHOICES, FREE, Wanted
from alerts.models import AlertKind, AlertState
from alerts.panel import Asker, panel_page, stands, summary_of
from patients.api import ClinicView, Pages
from patients.api_shapes import READ_REFUSALS, paged
from patients.models import Diagnosis, MedicationCourse, Patient
from patients.presenters import in_zone
from scoring.models import ScoreSummary, Tier, Track

ASKED = {
    "tier": "The overall tier.",
    "track": "A track at Moderate or High, rising by 5 points or more, or not assessed.",
    "alert": "Who has an open alert, if anybody; or a follow-up that is due.",
    "drug": "A class of what is taken today.",
    "data": "No data for so many days, stopped, or never any.",
    "diagnosis": "As recorded.",
    "changed": "Since the last look at the panel.",
    "sort": "Highest risk first unless said otherwise.",
}
EXAMPLE = OpenApiExample(
    "A patient whose mania track rises",
    {
        "code": "CL-0107",
        "name": "Ada Winter",
        "diagnosis": "bipolar_1",
        "tier": "High",
        "probability": 0.64,
        "scored_day": "2026-11-25",
        "depression": {"tier": "Low", "probability": 0.2, "coverage": 0.93, "change_points": 0},
        "mania": {"tier": "High", "probability": 0.71, "coverage": 0.9, "change_points": 58},
        "last_data": "2026-11-26",
        "open_alerts": 1,
        "alerts": [{"id": 7, "kind": "mania", "tier": "High", "state": "new", "holder": None}],
        "drug_classes": ["lithium"],
        "phq": {"instrument": "phq9", "total": 11, "at": "2026-11-17T14:00:00Z"},
        "asrm": None,
        "next_follow_up": None,
    },
)


class PanelQuery(serializers.Serializer[Any]):
    """What of the panel is wanted."""

    team = serializers.CharField(
        required=False, max_length=FREE["team"], help_text="“me”, or a user name."
    )
    q = serializers.CharField(required=False, max_length=FREE["q"], help_text="Part of the code.")

    def get_fields(self) -> dict[str, Any]:
        """The choices are the panel's own."""
        return super().get_fields() | {
            name: serializers.ChoiceField(choices=CHOICES[name], required=False, help_text=words)
            for name, words in ASKED.items()
        }


class PanelTrackShown(serializers.Serializer[Any]):
    """One track of the newest day; null where it was not assessed."""

    tier = serializers.ChoiceField(choices=Tier.choices, allow_null=True)
    probability = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    coverage = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    change_points = serializers.IntegerField(
        allow_null=True, help_text="Against seven days before, in points of the 0 to 100 scale."
    )


class PanelAlertShown(serializers.Serializer[Any]):
    """One open alert."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=AlertKind.choices)
    tier = serializers.ChoiceField(choices=Tier.choices)
    state = serializers.ChoiceField(choices=AlertState.choices)
    holder = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_holder(self, alert: dict[str, Any]) -> str | None:
        """Who has it."""
        return alert["holder"] or None


class LastAnswerShown(serializers.Serializer[Any]):
    """A questionnaire's total, in points of its own scale."""

    instrument = serializers.CharField()
    total = serializers.FloatField()
    at = serializers.DateTimeField()


class PatientShown(serializers.Serializer[Patient]):
    """One patient of the panel; numbers are null when the tier is Indeterminate."""

    code = serializers.CharField()
    name = serializers.CharField()
    diagnosis = serializers.ChoiceField(choices=Diagnosis.choices)
    tier = serializers.ChoiceField(choices=Tier.choices, source="tier_now")
    probability = serializers.SerializerMethodField()
    scored_day = serializers.SerializerMethodField()
    depression = serializers.SerializerMethodField()
    mania = serializers.SerializerMethodField()
    last_data = serializers.SerializerMethodField()
    open_alerts = serializers.SerializerMethodField()
    alerts: Any = PanelAlertShown(many=True, source="alerts_now")
    drug_classes: Any = serializers.ListField(
        child=serializers.ChoiceField(choices=MedicationCourse.DrugClass.choices),
        source="drugs_now",
    )
    phq = LastAnswerShown(allow_null=True)
    asrm = LastAnswerShown(allow_null=True)
    next_follow_up = serializers.DateField(allow_null=True, source="follow_up")

    def _summary(self, patient: Patient) -> ScoreSummary | None:
        return stands(patient, self.context["now"])

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_probability(self, patient: Patient) -> float | None:
        """Of the newest day of the last 30, 0 to 1."""
        summary = self._summary(patient)
        return summary.probability if summary else None

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_scored_day(self, patient: Patient) -> date | None:
        """The newest scored day of the last 30."""
        summary = summary_of(patient, self.context["now"])
        return summary.day if summary else None

    @extend_schema_field(PanelTrackShown(allow_null=True))
    def get_depression(self, patient: Patient) -> dict[str, Any] | None:
        """The depression track; null where nothing was scored in 30 days."""
        return _track(self._summary(patient), Track.DEPRESSION)

    @extend_schema_field(PanelTrackShown(allow_null=True))
    def get_mania(self, patient: Patient) -> dict[str, Any] | None:
        """The mania track; null where nothing was scored in 30 days."""
        return _track(self._summary(patient), Track.MANIA)

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_last_data(self, patient: Any) -> date | None:
        """The day of the newest minute or night of any device, in the patient's zone."""
        known = [datetime.fromisoformat(d["at"]) for d in patient.devices_now if d["at"]]
        return in_zone(max(known), patient.zone).date() if known and patient.zone else None

    def get_open_alerts(self, patient: Any) -> int:
        """How many alerts wait for somebody or are held."""
        return len(patient.alerts_now)


def _track(summary: ScoreSummary | None, track: Track) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {
        "tier": getattr(summary, f"{track}_tier") or None,
        "probability": getattr(summary, f"{track}_probability"),
        "coverage": getattr(summary, f"{track}_coverage"),
        "change_points": getattr(summary, f"{track}_change"),
    }


class PatientList(ClinicView):
    """My patients, highest risk first."""

    @extend_schema(
        operation_id="patients_list",
        parameters=[PanelQuery, *Pages.PARAMETERS],
        responses={200: paged(PatientShown), **READ_REFUSALS},
        examples=[EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        """The rows of the panel, as the page filters and sorts them. No record is opened by it."""
        asked = PanelQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        now, pages = timezone.now(), Pages()
        found = panel_page(Asker.of(request.user, now), Wanted.of(asked.validated_data))  # type: ignore[arg-type]
        rows: Any = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(
            PatientShown(rows, many=True, context={"now": now}).data
        )
