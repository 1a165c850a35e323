"""Addresses of the alert queue and of the messages to the EHR."""

from django.urls import path

from alerts import api as rest
from alerts import outcome_api, outcome_views, views

pages = [
    path("alerts/", views.queue, name="alerts"),
    path("alerts/<int:alert_id>/acknowledge/", views.acknowledge, name="alert-acknowledge"),
    path("alerts/<int:alert_id>/dismiss/", views.dismiss, name="alert-dismiss"),
    path("patients/<slug:code>/absence/", views.absence_acknowledge, name="absence-acknowledge"),
    path("patients/<slug:code>/outcomes/", outcome_views.outcomes_page, name="outcomes"),
    path(
        "patients/<slug:code>/outcomes/questionnaires/",
        outcome_views.questionnaire_add,
        name="questionnaire-add",
    ),
    path("patients/<slug:code>/outcomes/episodes/", outcome_views.episode_add, name="episode-add"),
    path(
        "outcomes/questionnaires/<int:questionnaire_id>/error/",
        outcome_views.questionnaire_error,
        name="questionnaire-error",
    ),
    path("outcomes/episodes/<int:episode_id>/end/", outcome_views.episode_end, name="episode-end"),
    path(
        "outcomes/episodes/<int:episode_id>/error/",
        outcome_views.episode_error,
        name="episode-error",
    ),
    path("messages/", views.messages_page, name="messages"),
    path("messages/delivery/", views.delivery, name="delivery"),
    path("messages/<int:message_id>/resend/", views.resend, name="message-resend"),
]
api = [
    path("alerts/", rest.AlertList.as_view(), name="alerts"),
    path("alerts/<int:alert_id>/acknowledge/", rest.Acknowledge.as_view(), name="acknowledge"),
    path("alerts/<int:alert_id>/dismiss/", rest.Dismiss.as_view(), name="dismiss"),
    path(
        "patients/<slug:code>/questionnaires/",
        outcome_api.QuestionnaireList.as_view(),
        name="questionnaires",
    ),
    path("patients/<slug:code>/episodes/", outcome_api.EpisodeList.as_view(), name="episodes"),
]
