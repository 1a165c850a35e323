"""Addresses of the alert queue and of the messages to the EHR."""

from django.urls import path

from alerts import (
    acting_views,
    hub_views,
    message_views,
    notice_views,
    outcome_api,
    outcome_views,
    performance_views,
    queue_views,
    rule_views,
)
from alerts import api as rest

pages = [
    path("alerts/", queue_views.queue, name="alerts"),
    path("today/", queue_views.today, name="today"),
    *(
        path(f"alerts/<int:alert_id>/{name}/", view, name=f"alert-{name}")
        for name, view in acting_views.acting.items()
    ),
    path("patients/<slug:code>/concern/", acting_views.concern, name="concern"),
    path("follow-ups/<int:follow_up_id>/done/", acting_views.follow_up_done, name="follow-up-done"),
    path(
        "follow-ups/<int:follow_up_id>/reopen/",
        acting_views.follow_up_reopen,
        name="follow-up-reopen",
    ),
    path(
        "patients/<slug:code>/absence/",
        acting_views.absence_acknowledge,
        name="absence-acknowledge",
    ),
    path("rules/performance/", performance_views.rules_performance, name="rules-performance"),
    path(
        "rules/performance.csv",
        performance_views.rules_performance_csv,
        name="rules-performance-csv",
    ),
    path("notices/", notice_views.notices, name="notices"),
    path("notices/setting/", notice_views.setting, name="notice-setting"),
    path("on-call/", notice_views.on_call, name="on-call"),
    path("on-call/add/", notice_views.on_call_add, name="on-call-add"),
    path("on-call/drop/", notice_views.on_call_drop, name="on-call-drop"),
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
    path("rules/", rule_views.rules, name="rules"),
    path("rules/<slug:rule>/", rule_views.rule, name="rule"),
    path("messages/", message_views.messages_page, name="messages"),
    path("messages/delivery/", message_views.delivery, name="delivery"),
    path("messages/ehr/", message_views.ehr_read, name="ehr-read"),
    path("messages/way/", message_views.ehr_way, name="ehr-way"),
    path("messages/resend/", message_views.resend_failed, name="messages-resend"),
    path("messages/<int:message_id>/resend/", message_views.resend, name="message-resend"),
    path("clinic/", hub_views.hub, name="clinic"),
]
api = [
    path("alerts/", rest.AlertList.as_view(), name="alerts"),
    *(
        path(f"alerts/<int:alert_id>/{name}/", view, name=name)
        for name, view in rest.action_views.items()
    ),
    path("patients/<slug:code>/concern/", rest.Concern.as_view(), name="concern"),
    path(
        "patients/<slug:code>/questionnaires/",
        outcome_api.QuestionnaireList.as_view(),
        name="questionnaires",
    ),
    path("patients/<slug:code>/episodes/", outcome_api.EpisodeList.as_view(), name="episodes"),
]
