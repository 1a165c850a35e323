"""Addresses of the alert queue and of the messages to the EHR."""

from django.urls import path

from alerts import api as rest
from alerts import rule_views, views

pages = [
    path("alerts/", views.queue, name="alerts"),
    path("alerts/<int:alert_id>/acknowledge/", views.acknowledge, name="alert-acknowledge"),
    path("alerts/<int:alert_id>/dismiss/", views.dismiss, name="alert-dismiss"),
    path("patients/<slug:code>/absence/", views.absence_acknowledge, name="absence-acknowledge"),
    path("rules/", rule_views.rules, name="rules"),
    path("messages/", views.messages_page, name="messages"),
    path("messages/delivery/", views.delivery, name="delivery"),
    path("messages/<int:message_id>/resend/", views.resend, name="message-resend"),
]
api = [
    path("alerts/", rest.AlertList.as_view(), name="alerts"),
    path("alerts/<int:alert_id>/acknowledge/", rest.Acknowledge.as_view(), name="acknowledge"),
    path("alerts/<int:alert_id>/dismiss/", rest.Dismiss.as_view(), name="dismiss"),
]
