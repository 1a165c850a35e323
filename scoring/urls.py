"""Addresses of baselines, nightly runs, model facts and scores."""

from django.urls import path

from scoring import api as rest
from scoring import baseline_views as b
from scoring import model_views, views

pages = [
    path("baselines/", b.baselines, name="baselines"),
    path("baselines/<slug:code>/", b.baseline_page, name="baseline-page"),
    path("baselines/<slug:code>/propose/", b.propose, name="baseline-propose"),
    path("baselines/<slug:code>/mark/", b.mark, name="baseline-mark"),
    path("baselines/<slug:code>/intake/", b.intake, name="baseline-intake"),
    path("baselines/<int:baseline_id>/approve/", b.approve, name="baseline-approve"),
    path("baselines/<int:baseline_id>/reject/", b.reject, name="baseline-reject"),
    path("baselines/<int:baseline_id>/edit/", b.edit, name="baseline-edit"),
    path("baselines/<int:baseline_id>/freeze/", b.freeze, name="baseline-freeze"),
    path("baselines/<int:baseline_id>/unfreeze/", b.unfreeze, name="baseline-unfreeze"),
    path("baselines/stretches/<int:stretch_id>/remove/", b.unmark, name="baseline-unmark"),
    path("runs/", views.runs, name="runs"),
    path("drift/", views.drift, name="drift"),
    path("models/", model_views.models, name="models"),
    path("models/<int:version_id>/", model_views.model_facts, name="model-facts"),
]
api = [path("scores/", rest.ScoreList.as_view(), name="scores")]
