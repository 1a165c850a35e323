"""Addresses of the alert queue, of the messages to the EHR, and what other systems call."""

from django.urls import path

from alerts import (
    acting_views,
    cds_views,
    context_views,
    ehr_account_views,
    ehr_views,
    fhir_views,
    hub_views,
    launch_views,
    message_views,
    notice_views,
    outcome_api,
    outcome_views,
    performance_views,
    queue_views,
    rule_views,
    system_views,
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
    path("systems/", system_views.systems_page, name="systems"),
    path("systems/register/", system_views.system_register, name="system-register"),
    path("systems/<int:system_id>/", system_views.system_page, name="system"),
    path("systems/<int:system_id>/change/", system_views.system_change, name="system-change"),
    path("systems/<int:system_id>/switch/", system_views.system_switch, name="system-switch"),
    path("systems/<int:system_id>/keys/", system_views.system_keys, name="system-keys"),
    path("context/", context_views.context_page, name="context"),
    path("context/setting/", context_views.context_setting, name="context-setting"),
    path("context/read/", context_views.context_now, name="context-read"),
    path(
        "context/conflicts/<int:conflict_id>/",
        context_views.context_conflict,
        name="context-conflict",
    ),
    path(
        "context/conflicts/<int:conflict_id>/settle/",
        context_views.context_settle,
        name="context-settle",
    ),
    path("context/terms/<int:term_id>/", context_views.context_term, name="context-term"),
    path(
        "context/patients/<slug:code>/",
        context_views.context_identifier,
        name="context-identifier",
    ),
    path("clinic/", hub_views.hub, name="clinic"),
    path("launch/", launch_views.launch, name="launch"),
    path("launch/standalone/", launch_views.launch_standalone, name="launch-standalone"),
    path("launch/back/", launch_views.launch_back, name="launch-back"),
    path("ehr-accounts/", ehr_account_views.accounts_page, name="ehr-accounts"),
    path("ehr-accounts/map/", ehr_account_views.account_map, name="ehr-account-map"),
    path(
        "ehr-accounts/<int:account_id>/remove/",
        ehr_account_views.account_remove,
        name="ehr-account-remove",
    ),
]
machine = [
    path(".well-known/jwks.json", ehr_views.jwks, name="jwks"),
    path("cds-services", cds_views.discovery, name="cds-services"),
    path("cds-services/<slug:service>", cds_views.called, name="cds-service"),
    path("cds-services/<slug:service>/feedback", cds_views.feedback, name="cds-feedback"),
    path("fhir/token", fhir_views.token, name="fhir-token"),
    path("fhir/R4/", fhir_views.nothing_here, name="fhir-base"),
    path("fhir/R4/metadata", fhir_views.metadata),
    path("fhir/R4/.well-known/smart-configuration", fhir_views.smart_configuration),
    path("fhir/R4/<slug:resource>", fhir_views.resources),
    path("fhir/R4/<slug:resource>/<slug:resource_id>", fhir_views.one_resource),
    path("fhir/R4/<path:rest>", fhir_views.nothing_here),
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
