"""Days marked as well or ill, and the intake assessment."""

from datetime import date, timedelta
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.models import AuditEvent, Patient, User
from scoring.baselines import baseline_approve, baseline_propose
from scoring.stretches import intake_set, stretch_mark, stretch_unmark
from scoring.usual import in_force, intake_of
from tests import factories
from tests.days import days_store

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


def states(patient: Patient) -> list[str]:
    return list(patient.baselines.order_by("version").values_list("state", flat=True))


def test_marked_days_are_left_out_of_the_proposal_that_follows(
    patient: Patient, boss: User
) -> None:
    first = baseline_propose(patient=patient, by="system")
    baseline_approve(baseline=first, by=boss)
    stretch = stretch_mark(
        patient=patient, first_day=back(9), last_day=back(5), kind="ill", reason="Flu.", by=boss
    )
    second = patient.baselines.get(state="proposed")
    assert (first.days_used, second.days_used, second.origin) == (60, 55, "refresh")
    assert "marked as ill" in second.reason and in_force(patient) == first
    stretch_unmark(stretch=stretch, by=boss)
    assert states(patient) == ["approved", "replaced", "proposed"]
    assert patient.baselines.get(state="proposed").days_used == 60
    with pytest.raises(InputError, match="This mark was removed by boss on"):
        stretch_unmark(stretch=stretch, by=boss)
    kept = AuditEvent.objects.filter(action__startswith="baseline stretch").order_by("at")
    assert [(row.action, row.actor) for row in kept] == [
        ("baseline stretch marked", "boss"),
        ("baseline stretch unmarked", "boss"),
    ]


def test_of_well_days_alone_a_baseline_is_made_or_none(patient: Patient, boss: User) -> None:
    give = {"patient": patient, "kind": "well", "reason": "Steady.", "by": boss}
    baseline_propose(patient=patient, by="system")
    stretch_mark(first_day=back(12), last_day=back(0), **give)
    assert states(patient) == ["replaced"]
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
        ({"day": date(1, 1, 1)}, "give a day from 1900"),
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
