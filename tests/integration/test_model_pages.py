"""The models' pages: the facts one click from a score, and shadows for those who run them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.nightly import patient_night
from patients.models import Role
from patients.templatetags.clarity import percent
from scoring.model_services import model_register
from scoring.models import ModelVersion, ShadowScore, Track
from scoring.presenters.model_facts import model_view
from scoring.resources import models
from tests import factories
from tests.model_folders import ALARMED, leaning
from tests.people import in_care, recording

pytestmark = pytest.mark.django_db

RELIABILITY = [
    {"predicted": 0.1, "observed": 0.05, "n": 400},
    {"predicted": 0.5, "observed": 0.62, "n": 1200},
    {"predicted": 0.9, "observed": 0.8, "n": 0},
]


def browser(role: str = Role.PSYCHIATRIST) -> Client:
    client = Client()
    client.force_login(factories.user(role))
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def version(**more: Any) -> ModelVersion:
    made = factories.model("depression", mania=PART)
    ModelVersion.objects.filter(pk=made.pk).update(**more)
    made.refresh_from_db()
    return made


PART = {
    "file": "x.json",
    "sha256": "cd" * 32,
    "licence": "CC0",
    "training": {"people": 512, "calibrator": {"raw": [0, 1]}, "known_failures": ["twins"]},
    "metrics": {"ece": 0.031, "brier": 0.17, "reliability": RELIABILITY},
}


@pytest.mark.parametrize("role", [*Role.values, ""])
def test_facts_are_for_everybody_who_is_logged_in(role: str) -> None:
    made = version(intended_use="For review by a clinician.", known_failures="Night work.\nTwins.")
    words = text(browser(role), f"/models/{made.pk}/")
    for said in ("For review by a clinician.", "Night work.", "Twins.", "unverified", "CC0"):
        assert said in words
    for said in (made.sha256, "cd" * 32, "ECE 0.03", "Brier 0.17", "People 512", "Calibrated yes"):
        assert said in words
    assert "raw" not in words


def test_the_reliability_curve_is_drawn_and_written() -> None:
    made = version()
    body = browser().get(f"/models/{made.pk}/").content.decode()
    assert 'points="10.0,95.0 50.0,38.0"' in body
    words = text(browser(), f"/models/{made.pk}/")
    assert "50 % 62 % 1,200" in words and "90 % 80" not in words


@pytest.mark.parametrize("track", Track.values)
def test_the_shipped_models_facts_are_as_their_manifest_says(track: str) -> None:
    facts = models().facts(track)
    made = version(facts=facts.facts)
    words = text(browser(), f"/models/{made.pk}/")
    for part in facts.facts.values():
        assert part["sha256"] in words
    metrics = facts.facts[track]["metrics"]
    moderate = metrics["from_moderate"]
    low, high = metrics["auroc_ci"]
    assert f"AUROC, 95 % interval {low:.2f} to {high:.2f}" in words
    found, (least, most) = percent(moderate["episodes_found"]), moderate["episodes_found_ci"]
    share = f"{found} ({percent(least)} to {percent(most)}) of {moderate['episodes']}"
    assert " ".join(share.split()) in words
    expected = metrics["observed_to_expected"]
    assert f"{expected['ratio']:.2f}, 95 % interval {expected['ratio_ci'][0]:.2f} to" in words
    assert ("mania or hypomania" in words) == (track == "mania")
    assert "{" not in words and "calibrated_on" not in words


@pytest.mark.parametrize("track", Track.values)
def test_the_shipped_pair_s_combination_stands_on_both_pages(track: str) -> None:
    facts = models().facts(track)
    shipped = models().combination_artifact
    assert shipped is not None
    made = version(track=track, sha256=facts.sha256, facts=facts.facts)
    words = text(browser(), f"/models/{made.pk}/")
    assert shipped.sha256 in words and "ECE of the weighted mean without it 0.18" in words
    assert "itted for" not in words
    other = version(track=track)
    assert shipped.sha256 not in text(browser(), f"/models/{other.pk}/")


def test_figures_of_a_registered_folder_are_said_to_be_its_own_words(tmp_path: Path) -> None:
    said = "nobody has checked them here"
    registered = model_register(folder=leaning(tmp_path / "made", ALARMED), track="mania", by="x")
    assert said in text(browser(), f"/models/{registered.pk}/")
    assert said not in text(browser(), f"/models/{version().pk}/")


def test_a_model_of_an_earlier_database_says_what_was_not_recorded() -> None:
    made = version(facts={})
    words = text(browser(), f"/models/{made.pk}/")
    assert words.count("Not recorded for this version.") == 2
    assert model_view(made).parts == []


def test_the_record_leads_to_both_models_facts_in_one_click() -> None:
    doctor = factories.user()
    patient = factories.patient("P-1", team=[doctor])
    score = factories.score(patient, timezone.localdate() - timedelta(days=1))
    client = Client()
    client.force_login(doctor)
    body = client.get("/patients/P-1/").content.decode()
    assert score.depression_model and score.mania_model
    for pk in (score.depression_model.pk, score.mania_model.pk):
        assert f'href="/models/{pk}/"' in body
        assert client.get(f"/models/{pk}/").status_code == 200


def test_the_list_says_which_decide_and_only_administrators_see_how_shadows_compare() -> None:
    made = version(state="shadow")
    day = timezone.localdate() - timedelta(days=1)
    ShadowScore.objects.create(
        patient=factories.patient("P-7"), model_version=made, day=day, status="ok", tier="High",
        overall_tier="High", would_alert=True, current_tier="Low", current_would_alert=False,
        created_at=timezone.now(),
    )  # fmt: skip
    unusable = factories.model("mania", "a cohort")
    ModelVersion.objects.filter(pk=unusable.pk).update(not_usable="it is an encoder only")
    seen = text(browser(), "/models/")
    assert f"{made.version} shadow" in seen and "In shadow" not in seen
    seen = text(browser(Role.ADMINISTRATOR), "/models/")
    assert f"{made.version} 1 of 1 patient 0 0 % of 1 0 1 0" in seen
    assert "scores nobody: it is an encoder only" in seen and "P-7" not in seen


def test_the_list_asks_the_database_no_more_for_more_models(
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(30):
        factories.model("mania", f"cohort {number}")
    client = browser(Role.ADMINISTRATOR)
    with django_assert_max_num_queries(12):
        assert client.get("/models/").status_code == 200


def test_a_model_that_does_not_exist_is_not_found() -> None:
    assert browser().get("/models/987654/").status_code == 404


def test_no_page_of_a_patient_and_no_answer_shows_a_shadows_word(tmp_path: Path) -> None:
    doctor, last = factories.user(), timezone.localdate() - timedelta(days=1)
    patient = in_care("P-1", recording(last_day=last), team=[doctor])
    folder = leaning(tmp_path / "alarmed", ALARMED)
    version = model_register(folder=folder, track="mania", by="test")
    patient_night(patient=patient, now=timezone.now(), catch_up_days=2)
    assert ShadowScore.objects.filter(would_alert=True).count() == 2
    client = Client()
    client.force_login(doctor)
    for address in ("/", "/patients/P-1/", "/alerts/", "/api/v1/scores/?patient=P-1"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert version.version not in answer.content.decode(), address
    assert "In shadow" not in client.get("/models/").content.decode()
    client.force_login(factories.user(Role.ADMINISTRATOR))
    assert "In shadow" in client.get("/models/").content.decode()
