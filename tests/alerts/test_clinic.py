"""The simulated clinic has in it what the panel has columns for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alerts.clinic import clinic_load, follow_ups_promise, staff_create
from alerts.domain.states import UNDO_WITHIN
from alerts.models import FollowUp
from patients.models import Patient
from scoring.learning.clinic import simulate_clinic
from tests import factories

TODAY = timezone.localdate()
YESTERDAY = TODAY - timedelta(days=1)


def test_questionnaires_tell_the_same_story_as_the_recordings() -> None:
    people = list(simulate_clinic(7, 6, YESTERDAY))
    newest = [{a.instrument: a for a in reversed(p.asked)} for p in people]
    for person, asked in zip(people, newest, strict=True):
        assert set(asked) == {"phq8", "asrm"}
        assert all(a.day <= YESTERDAY for a in person.asked)
        assert len({(a.instrument, a.day) for a in person.asked}) == len(person.asked) >= 8
    assert people[5].story == "depression" and newest[5]["phq8"].total >= 10
    manic = [a["asrm"].total for p, a in zip(people, newest, strict=True) if p.story == "mania"]
    assert max(manic) >= 6  # a visit may lie before the episode


@pytest.mark.django_db
def test_the_demo_fills_the_columns_of_the_panel() -> None:
    loaded: list[int] = []
    staff = staff_create(password="simulated people alone")
    clinic_load(
        staff=staff, patients=1, last_day=YESTERDAY,
        ehr_id_of=lambda p: p.code, progress=lambda: loaded.append(1),
    )  # fmt: skip
    [patient] = Patient.objects.all()
    assert loaded == [1]
    assert {q.instrument for q in patient.questionnaires.all()} == {"phq8", "asrm"}
    assert {q.recorded_by for q in patient.questionnaires.all()} == {staff.coordinators[0].username}
    factories.alert(factories.score(patient, YESTERDAY, 0.6, 0.1), "depression", "Moderate")
    follow_ups_promise(today=TODAY)
    [promise] = FollowUp.objects.all()
    assert promise.due_on == TODAY + timedelta(days=1)
    assert promise.promised_by == staff.psychiatrists[0]
    assert promise.transition.at <= timezone.now() - UNDO_WITHIN  # no offer to take it back
