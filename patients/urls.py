"""Addresses of the panel, the patient's record and the medication lists."""

from django.urls import path

from patients import api as rest
from patients import views

pages = [
    path("", views.panel, name="panel"),
    path("patients/<slug:code>/", views.patient_page, name="patient"),
    path("medications/", views.medications, name="medications"),
    path("medications/<slug:code>/", views.medication_list, name="medication-list"),
    path("medications/<slug:code>/start/", views.medication_start, name="medication-start"),
    path("medications/<slug:code>/list/", views.medication_list_set, name="medication-list-set"),
    path(
        "medications/courses/<int:course_id>/stop/", views.medication_stop, name="medication-stop"
    ),
]
api = [
    path("patients/", rest.PatientList.as_view(), name="patients"),
    path("patients/<slug:code>/", rest.PatientRecord.as_view(), name="patient"),
]
