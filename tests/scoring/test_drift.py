"""The clinic's weeks against the reference: read, told once, shown to administrators."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from patients.models import AuditEvent, Patient, Role
from scoring import resources
from scoring.domain.drift import reference_of
from scoring.domain.drift_limits import Verdict
from scoring.domain.vector import own_vector
from scoring.domain.vector_names import OWN_VECTOR_NAMES
from scoring.drift import (
    DriftWeek,
    drift_report,
    drift_week,
    drift_weeks,
    reference_distributions,
    week_to_report,
)
from scoring.engines.artifacts import load_manifest, write_manifest
from scoring.engines.distributions import save_distributions
from scoring.model_services import model_promote, model_register
from scoring.models import DailyFeatures, RiskScore
from scoring.selectors import NightRow
from scoring.tasks import watch_drift
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.model_folders import leaning, manifest_edited

pytestmark = pytest.mark.django_db
SUNDAY = date(2026, 11, 15)
MONDAY = datetime(2026, 11, 16, 12, tzinfo=UTC)
PEOPLE, NIGHTS = 24, 36
Nights = list[NightRow]


def nights(rng: np.random.Generator, last: date, shift: float = 0.0) -> Nights:
    """A person's nights up to the day; ``shift`` SD of persons less sleep in long windows."""
    own = rng.normal(8, 1, 12)
    own[0] -= shift
    values = own + rng.normal(0, 0.5, (NIGHTS, 12))
    days = [last - timedelta(days=NIGHTS - 1 - n) for n in range(NIGHTS)]
    return [
        NightRow(day, True, tuple(map(float, row))) for day, row in zip(days, values, strict=True)
    ]


def outputs(rng: np.random.Generator) -> tuple[float, float]:
    depression, mania = rng.beta(2, 8, 2)
    return float(depression), float(mania)


@pytest.fixture
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """References of 600 people of the same kind, beside the shipped models' manifest."""
    rng = np.random.default_rng(0)
    vectors = np.array([own_vector(nights(rng, SUNDAY), SUNDAY) for _ in range(600)])
    said = np.array([outputs(rng) for _ in range(600)])
    columns = dict(zip(OWN_VECTOR_NAMES, vectors.T, strict=True)) | {
        "depression": said[:, 0],
        "mania": 0.4 * said[:, 1],
        "hypomania": 0.6 * said[:, 1],
    }
    saved = save_distributions(
        [reference_of(name, values) for name, values in columns.items()], tmp_path, 0, "test"
    )
    shipped = load_manifest(resources.ARTIFACTS)
    write_manifest(tmp_path, (shipped | {"distributions": saved}).values())
    monkeypatch.setattr(resources, "ARTIFACTS", tmp_path)


def clinic(last: date, people: int = PEOPLE, shift: float = 0.0) -> list[Patient]:
    """So many people with a week of scores and the nights behind them."""
    rng = np.random.default_rng(1)
    made = [factories.patient() for _ in range(people)]
    for patient in made:
        DailyFeatures.objects.bulk_create(
            DailyFeatures(
                patient=patient,
                day=night.day,
                computed_at=timezone.now(),
                values={"night_present": True, "indexes": night.indexes},
            )
            for night in nights(rng, last, shift)
        )
        for back in range(7):
            factories.score(patient, last - timedelta(days=back), *outputs(rng))
    return made


def named(week: DriftWeek, names: Sequence[str]) -> list[Any]:
    lines = {line.name: line for line in week.lines}
    return [lines[name] for name in names]


def test_before_the_models_are_trained_anew_everything_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = load_manifest(resources.ARTIFACTS)
    write_manifest(tmp_path, [a for name, a in shipped.items() if name != "distributions"])
    monkeypatch.setattr(resources, "ARTIFACTS", tmp_path)
    clinic(SUNDAY, 1)
    week = drift_week(SUNDAY)
    assert (week.people, week.person_days, week.lines) == (1, 7, ())
    assert drift_report(now=MONDAY) is None
    client, _ = browser(Role.ADMINISTRATOR)
    assert "no reference distributions yet" in text(client.get("/drift/"))


def test_a_reference_that_cannot_be_trusted_is_said_and_not_read(reference: None) -> None:
    path = resources.ARTIFACTS / "distributions.json"
    path.write_text(path.read_text() + " ")
    clinic(SUNDAY, 1)
    client, _ = browser(Role.ADMINISTRATOR)
    assert "its manifest says" in text(client.get("/drift/"))
    trouble = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("drift", "--until", "2026-11-15", stderr=trouble)
    assert ended.value.code == 2 and "its manifest says" in trouble.getvalue()


def test_a_week_like_the_reference_has_not_moved(reference: None) -> None:
    clinic(SUNDAY)
    week = drift_week(SUNDAY)
    assert (week.first, week.people, week.person_days) == (date(2026, 11, 9), 24, 168)
    assert len(week.lines) == 54 and not week.moved
    assert {line.person_days for line in week.lines} == {168}
    assert drift_report(now=MONDAY) is None


def test_a_shift_is_found_in_the_input_that_shifted(reference: None) -> None:
    clinic(SUNDAY, shift=3.0)
    moved = [line.name for line in drift_week(SUNDAY).moved]
    assert moved == ["ST_long_MN"]


def test_the_bodys_columns_are_watched_too(reference: None) -> None:
    """The reference people have no steps here; in the week everybody has."""
    clinic(SUNDAY)
    for row in DailyFeatures.objects.all():
        row.values["activity"] = {"steps": 4000.0 + 100.0 * row.day.day}
        row.save()
    moved = [line.name for line in drift_week(SUNDAY).moved]
    assert moved == ["Steps_MN", "Steps_SD", "Steps_Zscore"]


def test_of_few_people_nothing_is_said(reference: None, mailoutbox: list[Any]) -> None:
    clinic(SUNDAY, people=5, shift=9.0)
    week = drift_week(SUNDAY)
    assert {line.verdict for line in week.lines} == {Verdict.TOO_FEW}
    assert drift_report(now=MONDAY) is None


def test_only_what_was_assessed_and_is_in_force_counts(reference: None) -> None:
    patient = clinic(SUNDAY, people=1)[0]
    RiskScore.objects.filter(day=SUNDAY).update(is_current=False)
    factories.score(patient, SUNDAY, None, 0.5, revision=2)
    DailyFeatures.objects.filter(day=SUNDAY - timedelta(days=1)).update(
        values={"night_present": False, "indexes": [None] * 12}
    )
    factories.score(patient, SUNDAY - timedelta(days=7), 0.1, 0.1)  # of the week before
    depression, mania, sleep = named(drift_week(SUNDAY), ["depression", "mania", "ST_long_MN"])
    assert [line.person_days for line in (depression, mania, sleep)] == [6, 7, 6]
    assert [week.person_days for week in drift_weeks(SUNDAY, 2)] == [7, 1]


def test_a_week_is_read_in_four_queries_whatever_the_number_of_people(reference: None) -> None:
    counts = []
    for people in (2, 3):
        clinic(SUNDAY, people)
        with CaptureQueriesContext(connection) as asked:
            drift_week(SUNDAY)
        counts.append(len(asked))
    assert counts == [4, 4]  # which models decide, people, scores, nights


def test_operations_are_told_once_a_week_without_anybodys_name(
    reference: None, mailoutbox: list[Any], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ADMINS = [("Operations", "ops@clinic.example")]
    last = week_to_report(timezone.now())
    patients = clinic(last, shift=3.0)
    with caplog.at_level(logging.ERROR):
        watch_drift()
        watch_drift()
    assert len(mailoutbox) == 1 and caplog.text.count("models have drifted") == 1
    body = mailoutbox[0].body
    assert "1 of 54" in body and "ST_long_MN (PSI" in body and "24 people, 168 days" in body
    assert not any(patient.code in body for patient in patients)
    assert AuditEvent.objects.get().detail == {"week": last.isoformat(), "moved": ["ST_long_MN"]}


def test_the_week_reported_is_the_last_that_ended_on_a_sunday() -> None:
    assert week_to_report(MONDAY) == SUNDAY
    assert week_to_report(MONDAY + timedelta(days=5)) == SUNDAY
    assert week_to_report(MONDAY - timedelta(days=1)) == SUNDAY - timedelta(days=7)


def test_the_command_prints_weeks_and_limits(reference: None) -> None:
    clinic(SUNDAY, shift=3.0)
    out = StringIO()
    call_command("drift", "--until", "2026-11-15", "--weeks", "2", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["notice"] is None and answer["limits"]["psi"] == {"look": 0.1, "act": 0.25}
    assert [week["moved"] for week in answer["weeks"]] == [["ST_long_MN"], []]
    lines = {line["name"]: line for line in answer["weeks"][0]["lines"]}
    assert lines["ST_long_MN"]["verdict"] == "act" and len(lines) == 3 + len(OWN_VECTOR_NAMES)


@pytest.mark.parametrize("given", [("--until", "15.11.2026"), ("--weeks", "0"), ("--weeks", "99")])
def test_the_command_refuses_bad_input(given: tuple[str, str]) -> None:
    trouble = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("drift", *given, stderr=trouble)
    assert ended.value.code == 2 and given[1] in trouble.getvalue()


def test_administrators_see_the_last_weeks_and_others_do_not(reference: None) -> None:
    clinic(yesterday(), shift=3.0)
    client, _ = browser(Role.ADMINISTRATOR)
    words = text(client.get("/drift/"))
    assert words.index("Sleep in long windows: mean of 30 nights") < words.index("Depression risk")
    assert "24 people, 168 days" in words and " act " in words and "no data" in words
    assert "/drift/" in client.get("/").content.decode()
    assert browser(Role.PSYCHIATRIST)[0].get("/drift/").status_code == 403


def promoted(folder: Path, track: str) -> None:
    version = model_register(folder=folder, track=track, by="test")
    model_promote(version=version, by="test")


def constant(folder: Path) -> Path:
    """Copied models whose references, saved beside them, are each of one value."""
    leaning(folder, 0.3)
    manifest_edited(
        folder,
        lambda e: e["depression"]["training"]["calibrator"].update(raw=[0, 1], calibrated=[0, 0.9]),
    )
    names = reference_distributions()
    saved = save_distributions(
        [reference_of(n, np.full(9, 0.25)) for n in names], folder, 0, "test"
    )
    write_manifest(folder, (load_manifest(folder) | {"distributions": saved}).values())
    return folder


@pytest.mark.parametrize("track", ["depression", "mania"])
def test_a_promoted_model_is_held_against_its_own_reference(tmp_path: Path, track: str) -> None:
    before = reference_distributions()
    promoted(constant(tmp_path / "made"), track)
    after = reference_distributions()
    changed = {name for name in before if after[name] != before[name]}
    whole = {"depression": {"depression"}, "mania": set(before) - {"depression"}}
    assert changed == whole[track] and list(after) == list(before)


def test_a_promoted_model_without_a_reference_is_held_against_the_shipped_one(
    tmp_path: Path,
) -> None:
    before = reference_distributions()
    folder = leaning(tmp_path / "made", 0.3)
    manifest_edited(folder, lambda entries: entries.pop("distributions"))
    promoted(folder, "mania")
    assert reference_distributions() == before
