import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.domain.recording import Recording
from patients.medication_services import medication_list_set
from patients.models import Patient
from scoring import resources
from scoring.baselines import baseline_approve, baseline_propose
from scoring.domain.daily import FULL_DAY_MINUTES, daily_features
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures
from scoring.engines.models import load_models
from scoring.features import features_update, features_update_all
from scoring.models import DailyFeatures, RiskScore
from scoring.replay import score_replay
from scoring.resources import sedentary_thresholds
from scoring.selectors import features_between, person_data, recorded_days, research_use
from scoring.services import patient_assess, score_store
from tests import factories
from tests.people import DAYS, LAST_DAY, every_row, in_care, recording, store

pytestmark = pytest.mark.django_db


def days_of(what: Recording, first: int, last: int) -> Recording:
    """The recording from one day after its start to another."""
    begin = what.start + timedelta(days=first)
    end = what.start + timedelta(days=last)
    series = tuple(replace(s, start=begin, values=s.between(begin, end)) for s in what.series)
    sleep = tuple(e for e in what.sleep if begin <= e.start and e.end <= end)
    return replace(what, series=series, sleep=sleep)


def stored_features(patient: Patient) -> list[tuple[Any, Any, Any]]:
    rows = patient.features.order_by("day")
    return [(row.day, row.values, row.pacemaker_state) for row in rows]


def changed_minutes(patient: Patient, days_ago: int) -> None:
    """The patient's device sends a past day again, with other values."""
    what = days_of(recording(seed=2), DAYS - 1 - days_ago, DAYS - days_ago)
    store(patient, replace(what, sleep=()), f"edit {days_ago}")


@pytest.fixture
def patient() -> Patient:
    return in_care("P-1")


def every_channel(day: int) -> Recording:
    return days_of(recording(), max(day - 1, 0), day + 1)


def counts_alone(day: int) -> Recording:
    what = every_channel(day)
    return replace(what, sleep=(), series=what.series[:1])


def another_device_later(day: int) -> Recording:
    """First counts, heart and a sleep log; from day 18 on a watch with steps and heart."""
    what = every_channel(day)
    if day < 18:
        return what
    return replace(what, source="watch", family=None, sleep=(), series=what.series[1:])


@pytest.mark.parametrize("on", [every_channel, counts_alone, another_device_later])
def test_features_brought_up_to_date_day_by_day_equal_those_of_one_go(
    on: Callable[[int], Recording],
) -> None:
    nightly, once = in_care("P-1", on(0)), in_care("P-2", on(0))
    for day in range(1, DAYS):
        store(nightly, on(day), f"day {day}")
        store(once, on(day), f"day {day}")
        if day > 12:
            features_update(patient=nightly)
    features_update(patient=once)
    assert len(stored_features(once)) >= DAYS
    assert stored_features(nightly) == stored_features(once)
    assert sum(f["recorded_minutes"] > 720 for _, f, _ in stored_features(once)) >= DAYS - 1


def test_an_edited_past_day_recomputes_from_there_and_equals_one_go(patient: Patient) -> None:
    features_update(patient=patient)
    before = {row.day: row for row in patient.features.all()}
    edited = LAST_DAY - timedelta(days=10)
    changed_minutes(patient, 10)
    features_update(patient=patient)
    after = {row.day: row for row in patient.features.all()}
    changed = {day for day in after if after[day].values != before[day].values}
    assert edited in changed and min(changed) >= edited - timedelta(days=1)
    kept = {day for day in after if after[day].computed_at == before[day].computed_at}
    assert {day for day in after if day < edited - timedelta(days=1)} <= kept
    assert changed.isdisjoint(kept)
    updated = stored_features(patient)
    patient.features.all().delete()
    features_update(patient=patient)
    assert stored_features(patient) == updated


def test_a_day_whose_features_come_out_the_same_keeps_its_row(patient: Patient) -> None:
    features_update(patient=patient)
    before = dict(patient.features.values_list("day", "computed_at"))
    day = patient.resolved_days.order_by("utc_day").values_list("utc_day", flat=True)[20]
    patient.resolved_days.filter(utc_day=day).update(updated_at=timezone.now())  # no minute
    features_update(patient=patient)
    after = dict(patient.features.values_list("day", "computed_at"))
    assert {d for d in after if after[d] != before[d]} == {max(after)}


def test_many_patients_together_get_what_each_gets_alone() -> None:
    # The first three are due on the same days, and so are read in one go.
    whats = [recording(), recording(seed=2), recording(seed=4), counts_alone(9), recording(3, 20)]
    alone = [in_care(f"A-{i}", what) for i, what in enumerate(whats)]
    for patient in alone:
        features_update(patient=patient)
    together = [in_care(f"B-{i}", what) for i, what in enumerate(whats)]
    without = factories.patient("B-9")
    weeks = features_update_all(patients=[*together, without])
    assert weeks[without.pk] == {} and not without.features.exists()
    for one, other in zip(alone, together, strict=True):
        assert stored_features(other) == stored_features(one)
        assert max(weeks[other.pk]) == other.features.latest("day").day
    changed_minutes(together[0], 10)
    before = stored_features(together[1])
    features_update_all(patients=together)
    changed_minutes(alone[0], 10)
    features_update(patient=alone[0])
    assert stored_features(together[0]) == stored_features(alone[0])
    assert stored_features(together[1]) == before


def test_nothing_to_do_takes_few_queries(
    patient: Patient, django_assert_max_num_queries: Any
) -> None:
    features_update(patient=patient)
    before = every_row()
    with django_assert_max_num_queries(10):
        features_update(patient=patient)
    assert every_row() == before


def test_a_patient_without_a_recording_has_no_features_and_no_score() -> None:
    patient = factories.patient("P-9")
    features_update(patient=patient)
    assert not patient.features.exists()
    with pytest.raises(InputError, match="P-9 has no day with 12 h"):
        patient_assess(patient=patient)


def test_the_first_local_day_is_the_patients_not_the_clinics(settings: Any) -> None:
    patient = in_care("P-1", days_of(recording(), 0, 3))
    days = {settings.TIME_ZONE: recorded_days(patient)}
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        settings.TIME_ZONE = zone
        days[zone] = recorded_days(patient)
    assert len(set(days.values())) == 1, days


def test_stored_features_are_those_of_the_domain(patient: Patient) -> None:
    features_update(patient=patient)
    first, last = recorded_days(patient) or (LAST_DAY, LAST_DAY)
    person = person_data(patient, first - timedelta(days=8), last)
    made = daily_features(person, first, last, sedentary=sedentary_thresholds())
    expected = [asdict(f) for f, _ in made]
    found = [asdict(f) for f in features_between(patient, first, last)]
    assert found == expected
    assert sum(f["sleep"]["time_asleep_hours"] is not None for f in found) >= DAYS - 2


def assessed(patient: Patient, **more: Any) -> RiskScore:
    features_update(patient=patient)
    score, _ = score_store(patient=patient, assessment=patient_assess(patient=patient, **more))
    return score


def test_a_day_scored_twice_from_the_same_inputs_is_one_row(patient: Patient) -> None:
    first, again = assessed(patient), assessed(patient)
    assert first.pk == again.pk and RiskScore.objects.count() == 1
    assert (first.depression["status"], first.mania["status"]) == ("ok", "ok")
    assert first.day == LAST_DAY


def test_changed_minutes_make_a_new_revision_and_keep_the_old(patient: Patient) -> None:
    old = assessed(patient)
    changed_minutes(patient, 2)
    new = assessed(patient)
    kept = RiskScore.objects.get(pk=old.pk)
    assert (new.revision, new.is_current, kept.is_current) == (2, True, False)
    assert (kept.probability, kept.inputs_sha256) == (old.probability, old.inputs_sha256)
    assert new.inputs_sha256 != old.inputs_sha256


def test_a_changed_medication_list_is_another_decision(patient: Patient) -> None:
    old = assessed(patient)
    medication_list_set(patient=patient, available=True, by="test")
    patient.refresh_from_db()
    new = assessed(patient)
    states = (old.context["antidepressant"], new.context["antidepressant"])
    assert states == (Antidepressant.UNAVAILABLE, Antidepressant.NONE)
    assert RiskScore.objects.filter(is_current=True).get() == new


def numbers(value: object) -> Iterator[tuple[str, object]]:
    """Every (key, value) of nested JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)


def test_an_indeterminate_day_stores_no_probability_anywhere() -> None:
    patient = in_care("P-1", days_of(recording(), 0, 2))
    score = assessed(patient)
    columns = (score.depression, score.mania, score.weights, score.reasons, score.context)
    found = [
        (key, value)
        for column in columns
        for key, value in numbers(column)
        if "probability" in key or key in ("points", "depression", "mania")
    ]
    assert (score.tier, score.probability) == ("Indeterminate", None)
    assert len(found) >= 6 and all(value is None for _, value in found), found
    assert score.depression["coverage"] > 0 and "%" in score.depression["reason"]


def test_the_database_itself_refuses_a_number_on_an_indeterminate_day(patient: Patient) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.score(patient, LAST_DAY, tier="Indeterminate", probability=0.4)


def test_nothing_stored_is_out_of_range(patient: Patient) -> None:
    score = assessed(patient)
    for track in (score.depression, score.mania):
        assert 0 <= track["probability"] <= 1 and 0 <= track["coverage"] <= 1
        assert track["contributions"]
        assert all(math.isfinite(item["points"]) for item in track["contributions"])
    assert sum(score.weights.values()) == pytest.approx(1)
    assert json.dumps(score.reasons, allow_nan=False)


def test_replay_of_an_untouched_score_is_the_same_and_writes_nothing(patient: Patient) -> None:
    score, before = assessed(patient), every_row()
    assert score_replay(score=RiskScore.objects.get(pk=score.pk)) == []
    assert every_row() == before


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("probability", 0.123),
        ("inputs_sha256", "0" * 64),
        ("weights", {"depression": 0.9, "mania": 0.1}),
        ("rules_version", "1" * 64),
        ("reasons", []),
    ],
)
def test_replay_names_the_field_that_was_tampered_with(
    patient: Patient, column: str, value: object
) -> None:
    score = assessed(patient)
    RiskScore.objects.filter(pk=score.pk).update(**{column: value})
    found = score_replay(score=RiskScore.objects.get(pk=score.pk))
    assert [item["field"] for item in found] == [column]
    assert found[0]["stored"] == value
    now, true = found[0]["now"], getattr(score, column)
    assert now == (pytest.approx(true, abs=1e-5) if column == "probability" else true)


def test_replay_names_a_tampered_track(patient: Patient) -> None:
    score = assessed(patient)
    score.mania["probability"] += 2e-5
    assert [item["field"] for item in score_replay(score=score)] == ["mania"]
    score.mania["probability"] -= 1.5e-5
    assert score_replay(score=score) == []


def test_replay_after_changed_minutes_names_the_inputs(patient: Patient) -> None:
    score = assessed(patient)
    changed_minutes(patient, 3)
    assert "inputs_sha256" in [item["field"] for item in score_replay(score=score)]


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the artefacts, in use until the test ends."""
    folder = Path(shutil.copytree(resources.ARTIFACTS, tmp_path / "artifacts"))
    monkeypatch.setattr(resources, "ARTIFACTS", folder)
    return folder


def test_research_use_ends_when_no_model_was_trained_on_simulated_people(
    models_folder: Path,
) -> None:
    manifest = models_folder / "manifest.json"
    assert research_use()
    manifest.write_text(manifest.read_text().replace(': "simulated"', ': "a cohort"'))
    load_models.cache_clear()
    assert not research_use()


def test_research_use_lasts_while_scores_of_a_simulated_model_are_kept(
    patient: Patient, models_folder: Path
) -> None:
    assessed(patient)
    manifest = models_folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(': "simulated"', ': "a cohort"'))
    load_models.cache_clear()
    assert research_use()
    patient.scores.all().delete()
    assert not research_use()


def test_a_score_names_the_models_it_came_from(patient: Patient) -> None:
    score = assessed(patient)
    for track in ("depression", "mania"):
        version = getattr(score, f"{track}_model")
        assert version.sha256 == resources.models().facts(track).sha256
        assert (version.track, version.trained_on) == (track, "simulated")


def test_a_baseline_is_proposed_approved_and_replaced(patient: Patient) -> None:
    admin = factories.user("administrator", "boss")
    with pytest.raises(InputError, match="has 0 days: run-in takes 30"):
        baseline_propose(patient=patient, by=admin)
    features_update(patient=patient)
    first = baseline_propose(patient=patient, by="system")
    baseline_approve(baseline=first, by=admin)
    second = baseline_propose(patient=patient, by="system")
    baseline_approve(baseline=second, by=admin)
    with pytest.raises(InputError, match="no longer proposed: version 1 was replaced by boss"):
        baseline_approve(baseline=first, by=admin)
    versions = patient.baselines.order_by("version").values_list("version", "state", "decided_by")
    assert list(versions) == [(1, "replaced", "boss"), (2, "approved", "boss")]
    assert assessed(patient).baseline == second


def test_a_baselines_dlmo_is_the_mean_of_the_unwrapped_series(patient: Patient) -> None:
    features_update(patient=patient)
    every = patient.features.order_by("day")
    rows = [row for row in every if row.values["recorded_minutes"] >= FULL_DAY_MINUTES]
    phases = [11.0 + 0.1 * i for i in range(len(rows))]  # drifts over the edge at noon
    for row, phase in zip(rows, phases, strict=True):
        row.values["phase"]["dlmo_hour"] = phase if phase >= 12 else phase + 24
        row.values["phase"]["dlmo_unwrapped_hours"] = phase
        row.values["night_present"] = True
        row.save()
    value = baseline_propose(patient=patient, by="system").values["dlmo_hour"]
    assert value["mean"] == pytest.approx(np.mean(phases))
    assert value["sd"] == pytest.approx(np.std(phases, ddof=1))


def test_features_survive_the_way_through_the_database(patient: Patient) -> None:
    features_update(patient=patient)
    for row in DailyFeatures.objects.all():
        assert DayFeatures.from_dict(row.values).as_dict() == row.values | {
            "indexes": tuple(row.values["indexes"]),
            "flags": tuple(row.values["flags"]),
        }
    days = patient.features.order_by("day").values_list("day", flat=True)
    assert all(b - a == timedelta(days=1) for a, b in pairwise(days))
