"""Versions of baselines: who may do what to which, and what is kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from patients.domain.errors import InputError
from patients.models import AuditEvent, Patient, User
from scoring.baselines import (
    baseline_approve,
    baseline_edit,
    baseline_freeze,
    baseline_propose,
    baseline_propose_if_due,
    baseline_reject,
    baseline_unfreeze,
)
from scoring.domain.baseline_rules import Usual
from scoring.models import Baseline
from scoring.usual import in_force
from tests import factories
from tests.days import days_store

pytestmark = pytest.mark.django_db
LAST = date(2026, 3, 1)
SLEEP = "time_asleep_hours"


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


def states(patient: Patient) -> list[tuple[int, str, str]]:
    rows = patient.baselines.order_by("version")
    return list(rows.values_list("version", "state", "origin"))


def actions() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("at").values_list("action", "actor"))


def approved(patient: Patient, by: User) -> Baseline:
    made = baseline_propose(patient=patient, by="system")
    baseline_approve(baseline=made, by=by)
    return made


def test_in_run_in_no_baseline_can_be_proposed(boss: User) -> None:
    patient = factories.patient("P-2")
    days_store(patient, LAST, 29)
    with pytest.raises(InputError, match="P-2 has 29 days: run-in takes 30"):
        baseline_propose(patient=patient, by=boss)
    days_store(patient, back(29), 1)
    made = baseline_propose(patient=patient, by=boss)
    assert (made.state, made.origin, made.days_used) == ("proposed", "run-in", 30)
    assert (made.proposed_by, made.first_day, made.last_day) == ("boss", back(29), LAST)
    assert actions() == [("baseline proposed", "boss")]


def test_run_in_without_14_full_days_makes_none() -> None:
    patient = factories.patient("P-2")
    days_store(patient, LAST, 13)
    days_store(patient, back(60), 1)  # begins the run-in, and lies before the window
    with pytest.raises(InputError, match="P-2 has 13 days: a baseline needs 14 of the last 60"):
        baseline_propose(patient=patient, by="system")
    assert baseline_propose_if_due(patient=patient, last=LAST) is None


def test_one_proposal_is_open_and_the_next_is_told_whose(patient: Patient, boss: User) -> None:
    baseline_propose(patient=patient, by=boss)
    with pytest.raises(InputError, match=r"version 1 was proposed by boss on .*\. Decide on it"):
        baseline_propose(patient=patient, by="system")
    with pytest.raises(IntegrityError, match="one_proposed_baseline"), transaction.atomic():
        factories.baseline(patient, "proposed", 2)


def test_one_is_in_force_approved_or_frozen(patient: Patient) -> None:
    factories.baseline(patient, "frozen", 1)
    with pytest.raises(IntegrityError, match="one_baseline_in_force"), transaction.atomic():
        factories.baseline(patient, "approved", 2)


def test_a_rejected_proposal_keeps_its_reason_and_leaves_what_is_in_force(
    patient: Patient, boss: User
) -> None:
    first = approved(patient, boss)
    second = baseline_propose(patient=patient, by="system")
    with pytest.raises(InputError, match="Say why"):
        baseline_reject(baseline=second, reason=" ", by=boss)
    baseline_reject(baseline=second, reason="She was on holiday.", by=boss)
    assert states(patient) == [(1, "approved", "run-in"), (2, "rejected", "refresh")]
    assert (second.decided_by, second.ended_reason) == ("boss", "She was on holiday.")
    assert in_force(patient) == first
    with pytest.raises(InputError, match="no longer proposed: version 2 was rejected by boss on"):
        baseline_approve(baseline=second, by=boss)


def test_an_edit_is_a_version_of_its_own_in_force(patient: Patient, boss: User) -> None:
    first = approved(patient, boss)
    before = dict(first.values)
    made = baseline_edit(
        baseline=first, usual={SLEEP: Usual(6.0, 1.0)}, reason="Short sleeper.", by=boss
    )
    assert states(patient) == [(1, "replaced", "run-in"), (2, "approved", "edited")]
    assert made.values[SLEEP] == before[SLEEP] | {"mean": 6.0, "sd": 1.0, "edited": True}
    assert {k: v for k, v in made.values.items() if k != SLEEP} == {
        k: v for k, v in before.items() if k != SLEEP
    }
    assert (made.reason, made.days_used) == ("Short sleeper.", first.days_used)
    first.refresh_from_db()
    assert (first.values, first.ended_by) == (before, "boss")
    assert actions()[-1] == ("baseline edited", "boss")


def test_an_edited_proposal_takes_the_place_of_both(patient: Patient, boss: User) -> None:
    approved(patient, boss)
    second = baseline_propose(patient=patient, by="system")
    baseline_edit(baseline=second, usual={SLEEP: Usual(6.0, 1.0)}, reason="So.", by=boss)
    assert [s for _, s, _ in states(patient)] == ["replaced", "replaced", "approved"]


@pytest.mark.parametrize(
    ("usual", "reason", "words"),
    [
        ({SLEEP: Usual(17.0, 1.0)}, "So.", "Time asleep: the mean must lie between 2 and 16 h"),
        ({SLEEP: Usual(7.0, 0.0)}, "So.", "Time asleep: the SD must be above 0"),
        ({"steps": Usual(7000.0, 900.0)}, "So.", "Version 1 has no steps"),
        ({SLEEP: Usual(6.0, 1.0)}, "", "Say why"),
        ({}, "So.", "No mean and no SD was changed"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(
    patient: Patient, boss: User, usual: dict[str, Usual], reason: str, words: str
) -> None:
    first = approved(patient, boss)
    with pytest.raises(InputError, match=words):
        baseline_edit(baseline=first, usual=usual, reason=reason, by=boss)
    assert states(patient) == [(1, "approved", "run-in")]


def test_a_frozen_baseline_stays_until_it_is_thawed(patient: Patient, boss: User) -> None:
    first = approved(patient, boss)
    with pytest.raises(InputError, match="Say why"):
        baseline_freeze(baseline=first, reason="", by=boss)
    baseline_freeze(baseline=first, reason="Best year.", by=boss)
    assert in_force(patient) == first and first.ended_reason == "Best year."
    for act in (
        lambda: baseline_propose(patient=patient, by=boss),
        lambda: baseline_edit(baseline=first, usual={}, reason="So.", by=boss),
    ):
        with pytest.raises(InputError, match=r"version 1 was frozen by boss on .*Unfreeze it"):
            act()
    baseline_unfreeze(baseline=first, by=boss)
    assert states(patient) == [(1, "approved", "run-in")] and first.ended_by == ""
    assert baseline_propose(patient=patient, by=boss).version == 2
    kept = [a for a, _ in actions() if "froz" in a]
    assert kept == ["baseline frozen", "baseline unfrozen"]


def test_a_proposal_waits_while_the_one_in_force_is_frozen(patient: Patient, boss: User) -> None:
    first = approved(patient, boss)
    second = baseline_propose(patient=patient, by=boss)
    baseline_freeze(baseline=first, reason="Best year.", by=boss)
    with pytest.raises(InputError, match="Unfreeze it first"):
        baseline_approve(baseline=second, by=boss)
    baseline_unfreeze(baseline=first, by=boss)
    baseline_approve(baseline=second, by=boss)
    assert in_force(patient) == second


def together(*acts: Callable[[], Any]) -> list[Any]:
    """All at once, each on a connection of its own; refusals are what they return."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=10)
            return act()
        except InputError as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_at_once_one_wins_and_the_other_is_told_who_did_what(
    patient: Patient, boss: User
) -> None:
    other = factories.user("administrator", "other")
    key = baseline_propose(patient=patient, by="system").pk

    def mine() -> Baseline:
        return Baseline.objects.select_related("patient").get(pk=key)

    found = together(
        lambda: baseline_approve(baseline=mine(), by=boss),
        lambda: baseline_reject(baseline=mine(), reason="So.", by=other),
    )
    assert found.count(None) == 1
    [told] = [words for words in found if words]
    row = Baseline.objects.get()
    assert row.state in {"approved", "rejected"}
    assert f"version 1 was {row.state} by {row.decided_by} on" in told
    kept = [a for a, _ in actions() if a != "baseline proposed"]
    assert kept == [f"baseline {row.state}"]


@pytest.mark.django_db(transaction=True)
def test_of_first_proposals_at_once_one_is_made(patient: Patient, boss: User) -> None:
    found = together(*[lambda: baseline_propose(patient=patient, by=boss)] * 3)
    assert sum(isinstance(made, Baseline) for made in found) == 1
    told = [words for words in found if isinstance(words, str)]
    assert all("proposed" in words for words in told) and len(told) == 2
    assert Baseline.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_edits_at_once_one_is_in_force(patient: Patient, boss: User) -> None:
    key = approved(patient, boss).pk
    usuals = [{SLEEP: Usual(6.0, 1.0)}, {SLEEP: Usual(9.0, 1.0)}]

    def act(usual: dict[str, Usual]) -> Callable[[], Any]:
        return lambda: baseline_edit(
            baseline=Baseline.objects.get(pk=key), usual=usual, reason="So.", by=boss
        )

    found = together(*map(act, usuals))
    assert sum(isinstance(made, Baseline) for made in found) == 1
    assert any("version 1 was replaced by boss" in str(words) for words in found)
    assert [s for _, s, _ in states(patient)] == ["replaced", "approved"]
