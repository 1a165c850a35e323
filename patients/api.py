"""Patients over HTTP, with the permissions of the pages."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from patients import services
from patients.api_shapes import FOUND_REFUSALS
from patients.medications import courses_that_count
from patients.models import Diagnosis, MedicationCourse, Patient, User
from patients.presenters import zone_now
from patients.selectors import patients_visible_to


class Pages(LimitOffsetPagination):
    """?limit= and ?offset=."""

    default_limit = 100
    max_limit = 1000
    PARAMETERS = (
        OpenApiParameter("limit", int, description="Rows of a page: 100, or 1 to 1,000."),
        OpenApiParameter("offset", int, description="Rows to pass over, from 0."),
    )


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
    diagnosis = serializers.ChoiceField(choices=Diagnosis.choices)
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


class ClinicView(APIView):
    """A view for those who are logged in; nothing of it is kept by anybody on the way."""

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say that it is not to be stored."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        return answer


class RecordView(ClinicView):
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

    @extend_schema(operation_id="patients_record", responses={200: RecordShown, **FOUND_REFUSALS})
    def get(self, request: Request, code: str) -> Response:
        """Open the record, which writes an audit row."""
        self.opened()
        return Response(RecordShown(self.patient).data)
