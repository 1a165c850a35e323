"""After a removal, features and scores are those of a patient who never had what was removed."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from alerts.absence import absence_watch
from alerts.models import AbsenceNotice, Alert
from alerts.nightly import patient_night
from alerts.tasks import score_queued_patients
from patients.domain.recording import Recording
from patients.last_data import last_data_at, with_last_data
from patients.models import Patient
from patients.removal import device_remove
from scoring.features import features_update
from scoring.models import RiskScore
from scoring.runs import run_start, scoring_request
from tests import factories
from tests.integration.reading import browser, text
from tests.people import DAYS, in_care, recording, store

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LATER = timedelta(days=300)  # as of when there is no alert about any of the days


def last_day() -> date:
    return timezone.localdate() - DAY


def without(what: Recording, first: date, last: date) -> Recording:
    """The recording without these UTC days, and the nights that end on them."""
    low, high = (datetime.combine(day, time.min, UTC) for day in (first, last + DAY))
    series = []
    for each in what.series:
        values = each.values.copy()
        begin, end = (round((t - each.start) / timedelta(minutes=1)) for t in (low, high))
        values[max(begin, 0) : max(end, 0)] = np.nan
        series.append(replace(each, values=values))
    sleep = tuple(e for e in what.sleep if not low <= e.end < high)
    return replace(what, series=tuple(series), sleep=sleep)


def remove(patient: Patient, first: date | None = None, last: date | None = None) -> None:
    device_remove(
        patient=patient, device=patient.devices.get(), first_day=first, last_day=last, by="t"
    )
    scoring_request(patient=patient)


def features(patient: Patient) -> list[tuple[Any, ...]]:
    return list(patient.features.values_list("day", "values", "pacemaker_state"))


def in_force(patient: Patient) -> dict[date, tuple[Any, ...]]:
    rows = patient.scores.filter(is_current=True)
    return {row.day: (row.tier, row.probability, row.inputs_sha256) for row in rows}


@pytest.mark.parametrize(
    ("back", "days"),
    [(2, 3), (12, 2), (DAYS + 1, 12), (5, 1)],
    ids=["the last days", "days between", "the first days", "one day"],
)
def test_features_and_scores_are_those_of_one_who_never_had_the_days(back: int, days: int) -> None:
    first = last_day() - back * DAY
    last = first + (days + (back == 2)) * DAY - DAY  # UTC's last day is a day later
    whole = recording(last_day=last_day())
    patient, never = in_care("P-1", whole), in_care("P-2", without(whole, first, last))
    for who in (patient, never):
        patient_night(patient=who, now=timezone.now() + LATER, catch_up_days=DAYS)
    before, then = {score.day: score for score in patient.scores.all()}, in_force(patient)
    remove(patient, first, last)
    score_queued_patients()
    assert features(patient) == features(never)
    assert in_force(patient) == in_force(never) != then
    for day, old in before.items():
        kept = patient.scores.get(pk=old.pk)
        assert kept.inputs_sha256 == old.inputs_sha256  # an earlier version is never changed
        now = patient.scores.filter(day=day, is_current=True).first()
        assert now is None or now.pk == old.pk or now.revision > old.revision


def test_a_removal_of_the_last_days_is_taken_in_once() -> None:
    patient = in_care("P-1", recording(days=9, last_day=last_day()))
    for first, last in ((5, 3), (2, -1)):  # what is removed last lies behind a gap
        features_update(patient=patient)
        remove(patient, last_day() - first * DAY, last_day() - last * DAY)
    features_update(patient=patient)
    left = patient.features.latest("day")
    assert left.day == last_day() - 6 * DAY
    assert left.computed_at > patient.resolved_days.latest("updated_at").updated_at


def test_nights_alone_that_are_removed_change_their_days_features() -> None:
    whole = recording(last_day=last_day())
    minutes, nights = replace(whole, sleep=()), replace(whole, series=(), device="ring")
    patient, never = (in_care(code, minutes) for code in ("P-1", "P-2"))
    store(patient, nights, "nights")
    for who in (patient, never):
        patient_night(patient=who, now=timezone.now() + LATER)
    device = patient.devices.get(name="ring")
    device_remove(patient=patient, device=device, first_day=None, last_day=None, by="t")
    for who in (patient, never):
        patient_night(patient=who, now=timezone.now() + LATER)
    assert features(patient) == features(never)
    assert in_force(patient) == in_force(never)


def test_with_everything_removed_no_score_is_in_force_and_every_page_has_words() -> None:
    client, who = browser()
    patient = in_care("P-1", recording(last_day=last_day()), [who])
    patient_night(patient=patient, now=timezone.now())
    scores = patient.scores.count()
    remove(patient)
    score_queued_patients()
    assert not patient.features.exists() and not patient.devices.exists()
    assert patient.scores.count() == scores and in_force(patient) == {}
    [known] = with_last_data(Patient.objects.all(), timezone.now())
    assert last_data_at(known) is None
    assert "No device has sent anything yet." in text(client.get("/patients/P-1/data/"))
    for address in ("/", "/patients/P-1/", f"/patients/P-1/data/?day={last_day():%F}"):
        assert client.get(address).status_code == 200
    assert client.get("/api/v1/scores/?patient=P-1").json()["results"] == []


def test_the_night_goes_on_for_a_patient_with_nothing_left() -> None:
    patient = in_care("P-1", recording(days=3, last_day=last_day()))
    patient_night(patient=patient, now=timezone.now())
    device_remove(
        patient=patient, device=patient.devices.get(), first_day=None, last_day=None, by="t"
    )
    run = run_start(night=timezone.localdate())
    score_queued_patients()
    run.refresh_from_db()
    assert run.state == "done" and in_force(patient) == {}


def test_files_given_again_bring_the_scores_back_as_new_versions_also_of_long_ago() -> None:
    whole = recording(last_day=last_day())
    patient = in_care("P-1", whole)
    patient_night(patient=patient, now=timezone.now(), catch_up_days=DAYS)
    before = in_force(patient)
    remove(patient)
    score_queued_patients()
    store(patient, whole, "again")
    patient_night(patient=patient, now=timezone.now(), catch_up_days=3)
    assert in_force(patient) == before
    revisions = RiskScore.objects.filter(is_current=True).values_list("revision", flat=True)
    assert set(revisions) == {2}


def test_an_alert_of_removed_data_stays_for_a_person_to_close() -> None:
    patient = in_care("P-1", recording(last_day=last_day(), sleepless=3))
    patient_night(patient=patient, now=timezone.now())
    alert = Alert.objects.get(kind="mania")
    remove(patient)
    score_queued_patients()
    alert.refresh_from_db()
    assert alert.is_open and not alert.score.is_current


def test_a_notice_of_missing_data_closes_when_all_data_are_removed() -> None:
    patient = factories.patient()
    factories.recording(patient, timezone.localdate() - 9 * DAY, 3)
    assert len(absence_watch(now=timezone.now())) == 1
    for device in patient.devices.all():
        device_remove(patient=patient, device=device, first_day=None, last_day=None, by="t")
    assert absence_watch(now=timezone.now()) == []
    assert AbsenceNotice.objects.get().closed_at is not None
