"""Addresses of the panel, the patient's record and the medication lists."""

from django.urls import path

from alerts import panel_api
from alerts import panel_views as panel
from patients import account_views as account
from patients import api as rest
from patients import (
    chart_views,
    clinic_views,
    data_views,
    device_api,
    life_views,
    note_views,
    reader_views,
    summary_views,
    upload_views,
    views,
)
from patients import medication_views as drugs
from patients import people_views as people

pages = [
    path("", panel.panel, name="panel"),
    path("language/", reader_views.language_choose, name="language"),
    path("preferences/", reader_views.preferences, name="preferences"),
    path("preferences/save/", reader_views.preferences_save, name="preferences-save"),
    path("panel/rows/", panel.panel_rows, name="panel-rows"),
    path("panel/changes/", panel.panel_changes, name="panel-changes"),
    path("panel/undo/", panel.panel_undo, name="panel-undo"),
    path("panel/export.csv", panel.panel_csv, name="panel-csv"),
    path("panel/acknowledge/", panel.panel_acknowledge, name="panel-acknowledge"),
    path("panel/views/save/", panel.view_save, name="panel-view-save"),
    path("panel/views/remove/", panel.view_remove, name="panel-view-remove"),
    path("panel/seen/", panel.panel_seen, name="panel-seen"),
    path("patients/<slug:code>/", views.patient_page, name="patient"),
    path("patients/<slug:code>/timeline.json", chart_views.timeline_json, name="timeline-json"),
    path("patients/<slug:code>/timeline/", chart_views.timeline_table, name="timeline-table"),
    path("patients/<slug:code>/actogram/", chart_views.actogram_part, name="actogram"),
    path("patients/<slug:code>/sleep/", chart_views.raster_part, name="raster"),
    path("patients/<slug:code>/notes/", note_views.note_add, name="note-add"),
    path("patients/<slug:code>/contacts/", note_views.contact_add, name="contact-add"),
    path("notes/<int:note_id>/error/", note_views.note_error, name="note-error"),
    path("patients/<slug:code>/summary/", summary_views.summary_page, name="summary"),
    path("patients/<slug:code>/summary.pdf", summary_views.summary_pdf, name="summary-pdf"),
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
    path(
        "patients/<slug:code>/uploads/<uuid:upload_id>/",
        upload_views.upload_state,
        name="upload-state",
    ),
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
    path("people/", people.people_page, name="people"),
    path("people/add/", people.person_create, name="person-create"),
    path("people/<int:person_id>/", people.person_page, name="person"),
    path("people/<int:person_id>/change/", people.person_change, name="person-change"),
    path("people/<int:person_id>/password/", people.password_reset, name="password-reset"),
    path("people/<int:person_id>/deactivate/", people.deactivate, name="person-deactivate"),
    path("people/<int:person_id>/activate/", people.activate, name="person-activate"),
    path("people/<int:person_id>/unlock/", people.unlock, name="person-unlock"),
    path("people/<int:person_id>/assign/", people.assign, name="person-assign"),
    path("people/<int:person_id>/hand-over/", people.hand_over, name="hand-over"),
    path("teams/", people.teams_page, name="teams"),
    path("patients/<slug:code>/team/", people.team_page, name="team"),
    path("patients/<slug:code>/team/set/", people.team_set, name="team-set"),
    path("patients/<slug:code>/team/remove/", people.team_remove, name="team-remove"),
    path("devices/", clinic_views.devices_page, name="devices"),
    path("freshness/", clinic_views.freshness_page, name="freshness"),
    path("freshness.csv", clinic_views.freshness_csv, name="freshness-csv"),
    path("account/password/", account.PasswordChange.as_view(), name="password-change"),
    path("password/<uidb64>/<token>/", account.PasswordSet.as_view(), name="password-set"),
    path("tour/close/", account.tour_close, name="tour-close"),
    path("help/", account.help_page, name="help"),
]
api = [
    path("patients/", panel_api.PatientList.as_view(), name="patients"),
    path("patients/<slug:code>/", rest.PatientRecord.as_view(), name="patient"),
    path("recordings/", device_api.RecordingsPush.as_view(), name="recordings"),
    path("recordings/<uuid:upload_id>/", device_api.Receipt.as_view(), name="receipt"),
]
