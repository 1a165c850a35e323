"""A night as the tasks run it: features, scores, alerts, messages, and what can go wrong."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core import mail
from django.test import Client
from django.utils import timezone

from alerts.delivering import outbox_deliver
from alerts.fhir.codes import ALERT_SYSTEM
from alerts.models import Alert, OutboxMessage
from alerts.nightly import patient_night
from alerts.tasks import begin_night, score_queued_patients, watch_runs
from patients.models import Patient
from patients.storage import recordings_store
from scoring import services
from scoring.models import RiskScore, ScoringJob, ScoringRun
from scoring.selectors import night_due
from tests import factories
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server
from tests.people import LAST_DAY, ZONE, every_row, in_care, morning, recording, store

pytestmark = pytest.mark.django_db
CATCH_UP = 3


@pytest.fixture
def ehr(tmp_path: Path, settings: Any) -> Iterator[FhirServer]:
    require_fhir_server()
    with FhirServer(data=tmp_path / "data.jsonl") as server:
        settings.EHR_BASE_URL, settings.EHR_TOKEN_FILE = server.base_url, ""
        yield server


def yesterday() -> date:
    return timezone.localdate() - timedelta(days=1)


def messages_in(ehr: FhirServer) -> list[str]:
    """The identifiers of all CommunicationRequests in the EHR."""
    url = f"{ehr.base_url}/CommunicationRequest?_count=1000"
    entries = requests.get(url, timeout=10).json().get("entry", [])
    found = [i for e in entries for i in e["resource"]["identifier"]]
    return sorted(i["value"] for i in found if i["system"] == ALERT_SYSTEM)


def assessed_days(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days that are really assessed from now on."""
    days: list[date] = []
    assess = services.patient_assess

    def noted(**arguments: Any) -> Any:
        days.append(arguments["day"])
        return assess(**arguments)

    monkeypatch.setattr(services, "patient_assess", noted)
    return days


def test_a_first_night_catches_up_and_a_second_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = in_care("P-1")
    score = patient_night(patient=patient, now=morning(), catch_up_days=10)
    scores = list(patient.scores.order_by("day"))
    wanted = [LAST_DAY - timedelta(days=back) for back in range(9, -1, -1)]
    assert [s.day for s in scores] == wanted and scores[-1] == score
    explained = [bool(s.mania["contributions"]) for s in scores]
    assert explained == [False] * 3 + [True] * 7
    before, days = every_row(), assessed_days(monkeypatch)
    again = patient_night(patient=patient, now=morning(), catch_up_days=10)
    assert again == score and days == [LAST_DAY]
    assert every_row() == before


def test_a_day_that_came_out_the_same_is_not_assessed_night_after_night(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = in_care("P-1")
    patient_night(patient=patient, now=morning(), catch_up_days=10)
    patient.resolved_days.filter(utc_day=LAST_DAY - timedelta(days=4)).update(
        updated_at=timezone.now()
    )
    days = assessed_days(monkeypatch)
    for _ in range(2):
        patient_night(patient=patient, now=morning(), catch_up_days=10)
    assert days == [LAST_DAY, LAST_DAY]


def test_minutes_that_come_late_score_their_day_and_the_later_ones_again() -> None:
    patient = in_care("P-1")
    patient_night(patient=patient, now=morning(), catch_up_days=10)
    other = recording(seed=2)
    begin = other.start + timedelta(days=30)  # four days before the last
    late = tuple(
        type(s)(s.channel, s.unit, begin, s.between(begin, begin + timedelta(days=1)))
        for s in other.series
    )
    recordings_store(
        patient=patient,
        recordings=[type(other)(other.source, other.device, other.family, late)],
        file_sha256="late",
        zone=ZONE,
        by="test",
    )
    patient_night(patient=patient, now=morning(), catch_up_days=10)
    revised = patient.scores.filter(revision=2).order_by("day").values_list("day", flat=True)
    edited = LAST_DAY - timedelta(days=4)
    assert list(revised) == [edited + timedelta(days=n) for n in range(5)]
    for day in revised:
        assert patient.scores.get(day=day, is_current=True).revision == 2


def test_three_short_nights_raise_an_alert_whatever_the_models_say() -> None:
    patient = in_care("P-1", recording(sleepless=3), ehr_id="ehr-1")
    score = patient_night(patient=patient, now=morning(), catch_up_days=CATCH_UP)
    alert = Alert.objects.get(kind="mania")
    assert score and (alert.tier, alert.score) == ("High", score)
    assert "early_warning_sleep" in [reason["code"] for reason in score.reasons]
    [message] = alert.messages.all()
    assert any(
        "4 h" in line for line in message.resource["payload"][0]["contentString"].split("\n")
    )


def test_a_night_of_long_ago_data_scores_and_alerts_nobody() -> None:
    patient = in_care("P-1", recording(sleepless=3))
    patient_night(patient=patient, now=morning(LAST_DAY + timedelta(days=9)), catch_up_days=1)
    assert RiskScore.objects.get().mania["tier"] == "High"
    assert not Alert.objects.exists()


def test_one_patients_trouble_does_not_stop_the_others_night() -> None:
    last = yesterday()
    for code in ("P-1", "P-2", "P-3"):
        in_care(code, recording(days=3, last_day=last))
    Patient.objects.get(code="P-2").zones.all().delete()
    begin_night()
    score_queued_patients()
    jobs = ScoringJob.objects.order_by("patient__code")
    assert [(j.state, j.attempts) for j in jobs] == [("done", 1), ("failed", 3), ("done", 1)]
    assert jobs[1].reason.startswith("InputError: ") and "time zone" in jobs[1].reason
    scored = set(RiskScore.objects.values_list("patient__code", flat=True))
    assert scored == {"P-1", "P-3"}
    run = ScoringRun.objects.get()
    assert (run.state, run.night) == ("failed", timezone.localdate()) and run.finished_at


def test_with_the_ehr_down_all_night_no_message_is_lost_and_all_arrive_once(
    ehr: FhirServer,
) -> None:
    ehr.stop()
    for number in range(3):
        what = recording(seed=number, days=14, last_day=yesterday(), sleepless=3)
        in_care(f"P-{number}", what, ehr_id=f"ehr-{number}")
    begin_night()
    score_queued_patients()
    outbox_deliver()
    assert ScoringRun.objects.get().state == "done"
    messages = OutboxMessage.objects.all()
    assert messages.filter(alert__kind="mania").count() == 3
    assert {m.state for m in messages} == {"pending"} and all(m.last_error for m in messages)
    ehr.start()
    assert outbox_deliver(now=timezone.now() + timedelta(minutes=3)) == len(messages)
    assert outbox_deliver(now=timezone.now() + timedelta(hours=3)) == 0
    assert messages_in(ehr) == sorted(str(m.identifier) for m in messages)


def test_a_late_night_is_told_to_ops_once_and_stands_on_every_page(settings: Any) -> None:
    settings.ADMINS = [("Operations", "ops@clinic.example")]
    doctor = factories.user()
    patient = in_care("P-1", recording(days=2), team=[doctor], name="Zebulon Quist")
    due = night_due(timezone.now())
    factories.run(due - timedelta(days=1))
    run = factories.run(due, state="running", who=[patient])
    ScoringJob.objects.update(state="running", claimed_at=timezone.now())
    for _ in range(3):
        watch_runs()
    [told] = mail.outbox
    assert told.to == ["ops@clinic.example"] and f"Run {run.pk}: running" in told.body
    assert "Zebulon" not in told.body
    client = Client()
    client.force_login(doctor)
    for page in ("/", "/alerts/", "/patients/P-1/"):
        text = client.get(page).content.decode()
        # The night before last scored the day before it.
        assert f"Scores are of {due - timedelta(days=2):%-d %B %Y}" in text, page
    ScoringRun.objects.update(state="done")
    assert "Scores are of" not in client.get("/").content.decode()


def test_the_watch_wakes_a_night_whose_worker_was_lost(settings: Any) -> None:
    patient = in_care("P-1", recording(days=2))
    run = factories.run(night_due(timezone.now()), state="running", who=[patient])
    long_ago = timezone.now() - timedelta(hours=1)
    ScoringJob.objects.filter(run=run).update(state="running", claimed_at=long_ago, attempts=1)
    queue = Path(settings.BROKER_DIR) / "queue"
    before = len(list(queue.glob("*.msg"))) if queue.is_dir() else 0
    watch_runs()
    assert len(list(queue.glob("*.msg"))) == before + 1
    score_queued_patients()
    run.refresh_from_db()
    assert (run.state, run.jobs.get().attempts) == ("done", 2)


def test_the_watch_begins_a_night_that_the_beat_missed() -> None:
    patient = in_care("P-1", recording(days=2))
    due = night_due(timezone.now())
    factories.run(due - timedelta(days=1))
    watch_runs()
    watch_runs()
    run = ScoringRun.objects.get(night=due)
    assert (run.state, [job.patient for job in run.jobs.all()]) == ("queued", [patient])
    assert run.ops_told_at
    score_queued_patients()
    run.refresh_from_db()
    assert run.state == "done"


def test_a_mail_that_could_not_go_out_is_tried_again(settings: Any) -> None:
    settings.ADMINS = [("Operations", "ops@clinic.example")]
    good, settings.EMAIL_BACKEND = (
        settings.EMAIL_BACKEND,
        "django.core.mail.backends.smtp.EmailBackend",
    )
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    factories.run(night_due(timezone.now()), state="queued")
    with pytest.raises(OSError):
        watch_runs()
    settings.EMAIL_BACKEND = good
    watch_runs()
    assert len(mail.outbox) == 1


def test_storing_more_data_is_seen_by_the_next_night() -> None:
    patient = in_care("P-1", recording(days=3))
    first = patient_night(patient=patient, now=morning())
    store(patient, recording(days=5, last_day=LAST_DAY + timedelta(days=2)), "more")
    second = patient_night(patient=patient, now=morning(LAST_DAY + timedelta(days=2)))
    assert first and second and (second.day - first.day).days == 2
