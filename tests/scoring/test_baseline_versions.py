"""Versions of baselines: who may do what to which, what is kept, and what the night proposes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

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
from scoring.resources import baseline_rules
from scoring.stretches import intake_set, stretch_mark, stretch_unmark
from scoring.usual import in_force, intake_of
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


def test_marked_days_are_left_out_of_the_proposal_that_follows(
    patient: Patient, boss: User
) -> None:
    first = approved(patient, boss)
    stretch = stretch_mark(
        patient=patient, first_day=back(9), last_day=back(5), kind="ill", reason="Flu.", by=boss
    )
    second = patient.baselines.get(state="proposed")
    assert (first.days_used, second.days_used, second.origin) == (60, 55, "refresh")
    assert "marked as ill" in second.reason and in_force(patient) == first
    stretch_unmark(stretch=stretch, by=boss)
    assert [s for _, s, _ in states(patient)] == ["approved", "replaced", "proposed"]
    assert patient.baselines.get(state="proposed").days_used == 60
    with pytest.raises(InputError, match="This mark was removed by boss on"):
        stretch_unmark(stretch=stretch, by=boss)
    assert ("baseline stretch marked", "boss") in actions()
    assert ("baseline stretch unmarked", "boss") in actions()


def test_of_well_days_alone_a_baseline_is_made_or_none(patient: Patient, boss: User) -> None:
    give = {"patient": patient, "kind": "well", "reason": "Steady.", "by": boss}
    baseline_propose(patient=patient, by="system")
    stretch_mark(first_day=back(12), last_day=back(0), **give)
    assert [s for _, s, _ in states(patient)] == ["replaced"]
    with pytest.raises(InputError, match="P-1 has 13 days that are not left out"):
        baseline_propose(patient=patient, by=boss)
    stretch_mark(first_day=back(13), last_day=back(13), **give)
    assert patient.baselines.get(state="proposed").days_used == 14


def test_a_mark_long_before_the_window_proposes_nothing(patient: Patient, boss: User) -> None:
    give = {"patient": patient, "kind": "ill", "reason": "Flu.", "by": boss}
    stretch_mark(first_day=back(90), last_day=back(60), **give)
    assert not patient.baselines.exists()
    stretch_mark(first_day=back(59), last_day=back(59), **give)
    assert patient.baselines.get().days_used == 59


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (LAST, back(1), "lies before the first"),
        (LAST, date(2999, 1, 1), "lies in the future"),
        (back(9), back(6), "2026-02-22 to 2026-02-24 is marked as ill by boss"),
    ],
)
def test_a_mark_that_cannot_be_is_refused(
    patient: Patient, boss: User, first: date, last: date, words: str
) -> None:
    give = {"patient": patient, "kind": "ill", "reason": "Flu.", "by": boss}
    stretch_mark(first_day=back(7), last_day=back(5), **give)
    with pytest.raises(InputError, match=words):
        stretch_mark(first_day=first, last_day=last, **give)
    assert patient.baseline_stretches.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phq9": 28}, "28 is no PHQ-9 total: give 0 to 27"),
        ({"phq9": -1}, "no PHQ-9 total"),
        ({"tier": "Indeterminate"}, "Indeterminate is no tier"),
        ({"day": date(2999, 1, 1)}, "lies in the future"),
        ({"clinician": " "}, "Say which clinician"),
    ],
)
def test_an_intake_out_of_range_is_refused(
    patient: Patient, boss: User, change: dict[str, Any], words: str
) -> None:
    given = {"day": LAST, "phq9": 27, "tier": "High", "clinician": "dr.a", "reason": ""}
    with pytest.raises(InputError, match=words):
        intake_set(patient=patient, by=boss, **given | change)
    kept = intake_set(patient=patient, by=boss, **given)
    assert intake_of(patient) == kept and kept.set_by == "boss"
    newer = intake_set(patient=patient, by=boss, **given | {"phq9": 0})
    assert intake_of(patient) == newer and patient.intakes.count() == 2
    assert "dr.a" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


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
