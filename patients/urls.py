"""Addresses of the panel, the patient's record and the medication lists."""

from django.urls import path

from alerts import panel_api
from alerts import panel_views as panel
from patients import api as rest
from patients import data_views, device_api, life_views, upload_views, views
from patients import medication_views as drugs

pages = [
    path("", panel.panel, name="panel"),
    path("panel/rows/", panel.panel_rows, name="panel-rows"),
    path("panel/changes/", panel.panel_changes, name="panel-changes"),
    path("panel/export.csv", panel.panel_csv, name="panel-csv"),
    path("panel/acknowledge/", panel.panel_acknowledge, name="panel-acknowledge"),
    path("panel/views/save/", panel.view_save, name="panel-view-save"),
    path("panel/views/remove/", panel.view_remove, name="panel-view-remove"),
    path("panel/seen/", panel.panel_seen, name="panel-seen"),
    path("patients/<slug:code>/", views.patient_page, name="patient"),
    path("patients/<slug:code>/data/", data_views.data_page, name="patient-data"),
    path("patients/<slug:code>/data/order/", data_views.device_order, name="device-order"),
    path(
        "patients/<slug:code>/data/devices/<int:device_id>/remove/",
        data_views.device_remove,
        name="device-remove",
    ),
    path("patients/<slug:code>/data/zone/", data_views.zone_set, name="zone-set"),
    path("patients/<slug:code>/tokens/", data_views.token_issue, name="token-issue"),
    path(
        "patients/<slug:code>/tokens/<int:token_id>/revoke/",
        data_views.token_revoke,
        name="token-revoke",
    ),
    path("patients/<slug:code>/uploads/", upload_views.upload_create, name="upload"),
    path("medications/", drugs.medications, name="medications"),
    path("medications/<slug:code>/", drugs.medication_list, name="medication-list"),
    path("medications/<slug:code>/start/", drugs.medication_start, name="medication-start"),
    path("medications/<slug:code>/list/", drugs.medication_list_set, name="medication-list-set"),
    path("medications/courses/<int:course_id>/", drugs.course_page, name="course"),
    path("patients/<slug:code>/score/", life_views.score_now, name="score-now"),
    path(
        "patients/<slug:code>/circumstances/",
        life_views.circumstance_start,
        name="circumstance-start",
    ),
    path(
        "circumstances/<int:circumstance_id>/end/",
        life_views.circumstance_end,
        name="circumstance-end",
    ),
    path(
        "circumstances/<int:circumstance_id>/remove/",
        life_views.circumstance_remove,
        name="circumstance-remove",
    ),
    path(
        "medications/courses/<int:course_id>/stop/", drugs.medication_stop, name="medication-stop"
    ),
    path("medications/courses/<int:course_id>/dose/", drugs.course_dose, name="course-dose"),
    path(
        "medications/courses/<int:course_id>/correct/", drugs.course_correct, name="course-correct"
    ),
    path("medications/courses/<int:course_id>/error/", drugs.course_error, name="course-error"),
]
api = [
    path("patients/", panel_api.PatientList.as_view(), name="patients"),
    path("patients/<slug:code>/", rest.PatientRecord.as_view(), name="patient"),
    path("recordings/", device_api.RecordingsPush.as_view(), name="recordings"),
    path("recordings/<uuid:upload_id>/", device_api.Receipt.as_view(), name="receipt"),
]
