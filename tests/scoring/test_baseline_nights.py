"""What the nightly run proposes, and what that costs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.nightly import patient_night
from patients.models import Patient, User
from scoring.baselines import baseline_propose, baseline_propose_if_due, baseline_reject
from scoring.models import Baseline
from scoring.resources import baseline_rules
from tests import factories
from tests.days import days_store
from tests.people import in_care, morning

pytestmark = pytest.mark.django_db
LAST = date(2026, 3, 1)


def back(days: int) -> date:
    return LAST - timedelta(days=days)


@pytest.fixture
def patient() -> Patient:
    made = factories.patient("P-1")
    days_store(made, LAST, 60)
    return made


@pytest.fixture
def boss() -> User:
    return factories.user("administrator", "boss")


def low(patient: Patient, count: int = 56, depression: float = 0.1) -> None:
    for n in range(count):
        factories.score(patient, back(n), depression, 0.1)


def old_baseline(patient: Patient, days_ago: int = 56, **more: Any) -> Baseline:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC) - timedelta(days=days_ago)
    return factories.baseline(
        patient, first_day=back(days_ago + 30), last_day=at.date(), decided_at=at, **more
    )


def due(patient: Patient) -> str | None:
    made = baseline_propose_if_due(patient=patient, last=LAST)
    return made.origin if made else None


def test_the_night_proposes_the_first_baseline_once_run_in_is_over(patient: Patient) -> None:
    new = factories.patient("P-2")
    days_store(new, LAST, 29)
    assert due(new) is None and due(patient) == "run-in"
    assert patient.baselines.get().proposed_by == "system"
    assert due(patient) is None and patient.baselines.count() == 1


def test_the_night_proposes_a_refresh_after_eight_weeks_of_low(patient: Patient) -> None:
    old_baseline(patient)
    low(patient)
    assert due(patient) == "refresh"
    assert due(patient) is None


@pytest.mark.parametrize("days_ago", [55, 0])
def test_no_refresh_within_eight_weeks_of_the_last(patient: Patient, days_ago: int) -> None:
    old_baseline(patient, days_ago)
    low(patient)
    assert due(patient) is None


def test_no_refresh_where_somebody_was_not_well(patient: Patient) -> None:
    old_baseline(patient)
    low(patient)
    patient.scores.filter(day=back(40)).delete()
    factories.score(patient, back(40), 0.6, 0.1)
    assert due(patient) is None


def test_a_frozen_baseline_gets_no_refresh(patient: Patient) -> None:
    old_baseline(patient, state="frozen")
    low(patient)
    assert due(patient) is None


def test_after_a_rejection_the_night_waits(patient: Patient, boss: User) -> None:
    pause = baseline_rules().again_days
    made = baseline_propose(patient=patient, by="system")
    baseline_reject(baseline=made, reason="Holiday.", by=boss)
    for days, expected in ((pause - 1, None), (pause, "run-in")):
        at = datetime(2026, 3, 1, 12, tzinfo=UTC) - timedelta(days=days)
        Baseline.objects.filter(pk=made.pk).update(decided_at=at)
        assert due(patient) == expected


def test_a_patient_for_whom_nothing_is_due_costs_two_queries_at_most(patient: Patient) -> None:
    waiting, fresh, unwell = (factories.patient() for _ in range(3))
    factories.baseline(waiting, "proposed")
    old_baseline(fresh, 10)
    old_baseline(unwell)
    factories.score(unwell, LAST, 0.6, 0.1)
    for who, most in ((waiting, 1), (fresh, 1), (unwell, 2), (factories.patient(), 2)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert due(who) is None
        assert len(asked) <= most


def test_the_nightly_run_leaves_a_proposal_that_changes_no_score() -> None:
    patient = in_care("P-3")
    first = patient_night(patient=patient, now=morning(), catch_up_days=1)
    made = patient.baselines.get()
    assert (made.state, made.origin, made.proposed_by) == ("proposed", "run-in", "system")
    assert first and first.baseline is None
    assert patient_night(patient=patient, now=morning(), catch_up_days=1) == first
    assert patient.baselines.count() == 1
