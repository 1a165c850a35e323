"""What the nights before a day say of it, where people and programs read it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from patients.models import Patient
from scoring.features import features_update
from scoring.presenters.activity import activity_days
from tests.people import LAST_DAY, in_care, recording

pytestmark = pytest.mark.django_db
COLLAPSING = "much less sleep than usual (unverified)"


@pytest.fixture
def sleepless() -> Patient:
    """Somebody whose last three nights lasted 3 hours."""
    return in_care("P-1", recording(sleepless=3))


def days(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    call_command("features", "--patient", "P-1", *arguments, "--json")
    return {day["date"]: day for day in json.loads(capsys.readouterr().out)["days"]}


def test_features_command_tells_regularity_and_clinical_flags(
    sleepless: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    found = days(capsys)
    last, before = (found[str(LAST_DAY - timedelta(days=n))] for n in (0, 3))
    assert "sleep_collapsing" in last["flags"] and "sleep_collapsing" not in before["flags"]
    assert last["sleep"]["short_night_share"] == pytest.approx(3 / 30, abs=0.07)
    assert last["sleep"]["onset_variability_minutes"] > 0
    early = found[str(LAST_DAY - timedelta(days=30))]
    assert early["sleep"]["onset_variability_minutes"] is None  # too few nights yet


def test_a_day_is_told_the_same_with_and_without_the_days_after_it(
    sleepless: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    day = str(LAST_DAY - timedelta(days=4))
    assert days(capsys, "--from", day, "--to", day) == {day: days(capsys)[day]}


def test_activity_table_says_that_sleep_collapses(sleepless: Patient) -> None:
    features_update(patient=sleepless)
    notes = [day.note for day in activity_days(sleepless, LAST_DAY, 7).days]
    assert COLLAPSING in notes[-1]
    assert not any(COLLAPSING in note for note in notes[:-3])


def test_flags_for_clinicians_are_not_stored_with_the_day(sleepless: Patient) -> None:
    features_update(patient=sleepless)
    stored = {flag for row in sleepless.features.all() for flag in row.values["flags"]}
    assert "sleep_collapsing" not in stored  # they follow the rules in force when they are read


def test_the_window_of_the_rule_file_is_that_of_the_printed_vector(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_care("P-1", recording())
    usual = days(capsys)[str(LAST_DAY)]["vector"]
    monkeypatch.setattr("scoring.analysis.window_days", lambda: 14)
    shorter = days(capsys)[str(LAST_DAY)]["vector"]
    assert shorter["ST_long_MN"] != usual["ST_long_MN"]
