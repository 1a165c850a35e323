"""Patients over HTTP, with the permissions of the pages."""

from datetime import date, datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts.domain.panel import Wanted
from alerts.panel import Asker, panel_page, summary_of
from patients import services
from patients.medications import courses_that_count
from patients.models import Diagnosis, MedicationCourse, Patient, User
from patients.presenters import in_zone, zone_now
from patients.selectors import patients_visible_to
from scoring.models import Tier


class Pages(LimitOffsetPagination):
    """?limit= and ?offset=."""

    default_limit = 100
    max_limit = 1000


class PatientShown(serializers.Serializer[Patient]):
    """One patient of the panel; ``probability`` is null when the tier is Indeterminate."""

    code = serializers.CharField()
    name = serializers.CharField()
    diagnosis = serializers.ChoiceField(choices=Diagnosis.choices)
    tier = serializers.ChoiceField(choices=Tier.choices, source="tier_now")
    probability = serializers.SerializerMethodField()
    scored_day = serializers.SerializerMethodField()
    last_data = serializers.SerializerMethodField()
    open_alerts = serializers.SerializerMethodField()

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_probability(self, patient: Any) -> float | None:
        """Of the newest day of the last 30, 0 to 1."""
        summary = summary_of(patient, timezone.now())
        return summary.probability if summary else None

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_scored_day(self, patient: Any) -> date | None:
        """The newest scored day of the last 30."""
        summary = summary_of(patient, timezone.now())
        return summary.day if summary else None

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_last_data(self, patient: Any) -> date | None:
        """The day of the newest minute or night of any device, in the patient's zone."""
        known = [datetime.fromisoformat(d["at"]) for d in patient.devices_now if d["at"]]
        return in_zone(max(known), patient.zone).date() if known and patient.zone else None

    def get_open_alerts(self, patient: Any) -> int:
        """How many alerts wait for somebody or are acknowledged."""
        return len(patient.alerts_now)


class CourseShown(serializers.ModelSerializer[MedicationCourse]):
    """One course of a drug."""

    class Meta:
        model = MedicationCourse
        fields = (
            "drug",
            "drug_class",
            "class_from",
            "atc",
            "rxnorm",
            "source",
            "dose",
            "first_day",
            "last_day",
        )


class RecordShown(serializers.ModelSerializer[Patient]):
    """One patient's record; its scores and alerts have addresses of their own."""

    zone = serializers.SerializerMethodField()
    medications = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = (
            "code",
            "name",
            "diagnosis",
            "enrolled_at",
            "zone",
            "medication_list_available",
            "medications",
        )

    @extend_schema_field(CourseShown(many=True))
    def get_medications(self, patient: Patient) -> Any:
        """The courses that count."""
        return CourseShown(courses_that_count(patient), many=True).data

    def get_zone(self, patient: Patient) -> str:
        """The patient's present time zone."""
        return zone_now(patient)


class PatientList(APIView):
    """My patients, highest risk first."""

    @extend_schema(responses=PatientShown(many=True))
    def get(self, request: Request) -> Response:
        """The rows of the panel."""
        pages = Pages()
        found = panel_page(Asker(request.user, timezone.now()), Wanted())
        rows: Any = pages.paginate_queryset(found, request)
        return pages.get_paginated_response(PatientShown(rows, many=True).data)


class RecordView(APIView):
    """A view of one patient's record. Somebody else's does not exist, whatever the method."""

    patient: Patient
    page = "api"

    def patient_code(self, request: Request) -> str:
        """The patient asked for."""
        return str(self.kwargs["code"])

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the patient before anything else is answered."""
        super().initial(request, *args, **kwargs)
        code = self.patient_code(request)
        found = patients_visible_to(request.user).filter(code=code).first()
        if found is None:
            raise Http404
        self.patient = found

    def opened(self) -> None:
        """Write down that the record was opened."""
        by = self.request.user
        assert isinstance(by, User)
        services.record_opened(patient=self.patient, by=by, page=self.page)


class PatientRecord(RecordView):
    """One patient."""

    page = "api patient"

    @extend_schema(responses=RecordShown)
    def get(self, request: Request, code: str) -> Response:
        """Open the record."""
        self.opened()
        return Response(RecordShown(self.patient).data)
