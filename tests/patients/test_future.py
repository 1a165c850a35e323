"""What is dated in the future, or in another decade, hides no real day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from patients.domain.errors import InputError
from patients.domain.future import until
from patients.domain.recording import (
    Channel,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
)
from patients.models import Patient, Questionnaire
from patients.storage import Stored, recordings_store
from tests import factories
from tests.people import every_row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def steps(start: datetime, *values: float) -> Recording:
    series = MinuteSeries(Channel.STEPS, "steps/min", start, np.array(values, np.float32))
    return Recording("vendor", "watch", None, (series,))


def store(patient: Patient, what: Recording, name: str = "a") -> Stored:
    return recordings_store(
        patient=patient, recordings=[what], file_sha256=name * 64, zone="UTC", by="tester"
    )


def test_minutes_nights_and_answers_after_the_moment_are_cut_off_and_counted() -> None:
    night = SleepEpisode(NOW - timedelta(hours=7), NOW + MINUTE, 400.0, 20.0, log_id="a")
    answer = QuestionnaireAnswer("phq9", NOW + MINUTE, 3.0)
    what = replace(
        steps(NOW - 2 * MINUTE, 1, 2, 3, np.nan, 5), sleep=(night,), questionnaires=(answer,)
    )
    past = until(what, NOW)
    assert past.series[0].values.tolist() == [1, 2]
    assert (past.sleep, past.questionnaires) == ((), ())
    assert past.rejected == {
        "steps_in_the_future": 2,
        "sleep_in_the_future": 1,
        "questionnaires_in_the_future": 1,
    }
    assert until(steps(NOW + MINUTE, 1), NOW).series == ()


@pytest.mark.django_db
def test_a_file_that_runs_into_the_future_keeps_its_past_and_says_so() -> None:
    patient, now = factories.patient(zone="UTC"), timezone.now().replace(second=0, microsecond=0)
    values = [1.0] * (3 * 1440)
    stored = store(patient, steps(now - timedelta(days=1), *values))
    assert 1438 <= stored.rejected["steps_in_the_future"] <= 1441
    newest = patient.devices.get().last_data_at
    assert newest and newest < now + timedelta(days=1, minutes=2)
    patient_days = patient.resolved_days.values_list("utc_day", flat=True)
    assert max(patient_days) <= (now + timedelta(days=1)).date()


@pytest.mark.django_db
def test_a_file_of_the_future_alone_is_refused_and_leaves_nothing() -> None:
    patient = factories.patient(zone="UTC")
    before = every_row()
    with pytest.raises(InputError, match="dated in the future"):
        store(patient, steps(timezone.now() + timedelta(days=40), 1, 2, 3))
    assert every_row() == before
    answer = QuestionnaireAnswer("phq9", timezone.now() + timedelta(days=400), 3.0)
    with pytest.raises(InputError, match="dated in the future"):
        store(patient, Recording("vendor", "watch", None, (), questionnaires=(answer,)))
    assert not Questionnaire.objects.exists()


@pytest.mark.django_db
def test_data_decades_from_the_patients_others_are_refused() -> None:
    patient = factories.patient(zone="UTC")
    store(patient, steps(NOW, 1, 2, 3))
    before = every_row()
    with pytest.raises(InputError, match="over 20 years"):
        store(patient, steps(datetime(1971, 1, 1, tzinfo=UTC), 1), "b")
    assert every_row() == before
