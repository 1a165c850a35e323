"""Addresses of baselines, nightly runs, model facts and scores."""

from django.urls import path

from scoring import api as rest
from scoring import model_views, views

pages = [
    path("baselines/", views.baselines, name="baselines"),
    path("baselines/<slug:code>/propose/", views.baseline_propose, name="baseline-propose"),
    path("baselines/<int:baseline_id>/approve/", views.baseline_approve, name="baseline-approve"),
    path("runs/", views.runs, name="runs"),
    path("drift/", views.drift, name="drift"),
    path("models/", model_views.models, name="models"),
    path("models/<int:version_id>/", model_views.model_facts, name="model-facts"),
]
api = [path("scores/", rest.ScoreList.as_view(), name="scores")]
