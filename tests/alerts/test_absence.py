"""Data that stop are noticed early, quietly, and apart from every alert."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from alerts.absence import absence_acknowledge, absence_watch
from alerts.domain.absence import load_absence_rules
from alerts.mail import notices_mail
from alerts.models import AbsenceNotice, Alert, OutboxMessage
from alerts.presenters.absence import absence_of
from alerts.raising import alerts_watch
from alerts.resources import DATA, absence_rules
from alerts.selectors import open_absences
from alerts.services import NotAllowed, alert_acknowledge, alert_dismiss, alert_undo
from alerts.tasks import watch_absences
from patients.models import AuditEvent, Device, Patient, ResolvedDay, Role, User
from scoring.domain.rules import RuleFileError
from tests import factories
from tests.alerts.test_services import together

pytestmark = pytest.mark.django_db

LAST = date(2026, 11, 16)  # factories.recording goes on to the end of the next UTC day
LAST_MINUTE = datetime(2026, 11, 17, 23, 59, tzinfo=UTC)
MORNING = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)  # 9:00 in the clinic


def stopped(code: str = "CL-1", team: tuple[User, ...] = (), **more: Any) -> Patient:
    """A patient whose newest minute is LAST_MINUTE."""
    patient = factories.patient(code, team, **more)
    factories.recording(patient, LAST, 3)
    return patient


def coordinator(name: str, email: str = "jo@clinic.example") -> User:
    return factories.user(Role.COORDINATOR, name, email=email)


def test_a_notice_opens_after_two_days_and_not_before() -> None:
    patient = stopped()
    assert absence_watch(now=LAST_MINUTE + timedelta(days=2)) == []
    absence_watch(now=LAST_MINUTE + timedelta(days=2, minutes=1))
    notice = AbsenceNotice.objects.get()
    assert (notice.patient, notice.since, notice.closed_at) == (patient, LAST_MINUTE, None)


def test_watching_again_opens_no_second_notice() -> None:
    stopped()
    for hour in range(3):
        absence_watch(now=MORNING + timedelta(hours=hour))
    assert AbsenceNotice.objects.count() == 1


def test_the_notice_closes_by_itself_when_data_come_again() -> None:
    patient = stopped()
    absence_watch(now=MORNING)
    factories.recording(patient, date(2026, 11, 19), 1, seed=1)
    absence_watch(now=MORNING + timedelta(hours=1))
    assert AbsenceNotice.objects.get().closed_at == MORNING + timedelta(hours=1)
    absence_watch(now=MORNING + timedelta(days=9))
    assert AbsenceNotice.objects.filter(closed_at=None).count() == 1, "and opens anew"


def test_old_data_that_come_late_shorten_the_gap_and_close_nothing() -> None:
    patient = stopped()
    absence_watch(now=MORNING + timedelta(days=20))
    factories.recording(patient, LAST + timedelta(days=1), 1, seed=1)
    absence_watch(now=MORNING + timedelta(days=20))
    notice = AbsenceNotice.objects.get()
    assert notice.since == LAST_MINUTE + timedelta(days=1) and notice.closed_at is None


def test_who_never_had_data_has_none_to_miss() -> None:
    factories.patient("CL-9")
    assert absence_watch(now=MORNING) == []


def test_one_of_two_devices_that_stops_is_no_absence() -> None:
    patient = stopped()
    factories.recording(patient, LAST, 1)
    late = Device.objects.create(patient=patient, source="fitbit", name="Old phone", kind="phone")
    late.last_data_at = LAST_MINUTE - timedelta(days=40)
    late.save()
    assert absence_watch(now=LAST_MINUTE + timedelta(hours=5)) == []


def test_data_dated_years_ahead_do_not_hide_that_they_stopped() -> None:
    patient = stopped()
    row = patient.resolved_days.values().first()  # as stored before such days were refused
    ResolvedDay.objects.create(**row | {"utc_day": date(2031, 1, 1)})
    [notice] = absence_watch(now=MORNING)
    assert notice.since == LAST_MINUTE


def test_a_data_alert_has_no_tier_sends_nothing_to_the_ehr_and_ends_by_itself() -> None:
    patient = stopped()
    absence_watch(now=MORNING)
    alert = Alert.objects.get()
    assert (alert.kind, alert.tier, alert.state) == ("data", "Indeterminate", "new")
    factories.recording(patient, date(2026, 11, 19), 1, seed=1)
    absence_watch(now=MORNING + timedelta(hours=1))
    alert.refresh_from_db()
    assert (alert.state, alert.transitions.last().event) == ("resolved", "ended")
    assert not OutboxMessage.objects.exists()


def test_missing_data_leave_an_alert_about_a_mood_alone() -> None:
    patient = stopped()
    mood = factories.alert(factories.score(patient, LAST))
    absence_watch(now=MORNING)
    mood.refresh_from_db()
    assert (mood.state, mood.tier, patient.alerts.count()) == ("new", "High", 2)


def test_words_count_days_in_the_patients_zone() -> None:
    # 23:59 UTC on the 17th is 8:59 on the 18th in Tokyo; 14:00 on the 20th is 23:00 there.
    patient = stopped(zone="Asia/Tokyo")
    absence_watch(now=MORNING)
    line = absence_of(patient, factories.user(), MORNING)
    assert line and line.words == "No data since Wednesday 18 November (2 days)"
    line = absence_of(patient, factories.user(), MORNING + timedelta(hours=1))
    assert line and line.words == "No data since Wednesday 18 November (3 days)"


def test_acknowledging_is_audited_and_says_by_whom() -> None:
    patient, who = stopped(), coordinator("jo")
    absence_watch(now=MORNING)
    notice = AbsenceNotice.objects.get()
    assert absence_acknowledge(notice=notice, by=who, note="Charger is lost.")
    line = absence_of(patient, factories.user(), MORNING)
    assert line and line.seen.startswith("looked after by jo since ")
    assert line.note == "Charger is lost."
    assert AuditEvent.objects.filter(actor="jo", action="absence acknowledged").exists()
    AbsenceNotice.objects.update(closed_at=MORNING)
    assert not absence_acknowledge(notice=notice, by=who)


def test_notices_are_seen_by_the_care_team_only() -> None:
    mine, other = coordinator("jo"), coordinator("sam")
    stopped("CL-1", (mine,))
    absence_watch(now=MORNING)
    assert [n.patient.code for n in open_absences(mine)] == ["CL-1"]
    assert open_absences(other) == []


def test_coordinators_find_it_in_their_digest_with_a_code_and_no_name() -> None:
    jo, sam = coordinator("jo", "jo@clinic.example"), coordinator("sam", "sam@clinic.example")
    doctor = factories.user(username="doc", email="doc@clinic.example")
    stopped("CL-1", (jo, sam, doctor), name="Ada Example")
    absence_watch(now=MORNING - timedelta(hours=3))
    assert notices_mail(now=MORNING.replace(hour=12, minute=59)) == 0  # 7:59 in the clinic
    assert notices_mail(now=MORNING) == 2
    assert sorted(m.to[0] for m in mail.outbox) == ["jo@clinic.example", "sam@clinic.example"]
    assert "CL-1: No data since Tuesday 17 November (3 days)" in mail.outbox[0].body
    assert "Ada" not in mail.outbox[0].body + mail.outbox[0].subject
    assert notices_mail(now=MORNING + timedelta(days=1)) == 0


def test_nobody_is_written_to_about_what_somebody_looks_after() -> None:
    jo = coordinator("jo")
    stopped("CL-1", (jo,))
    absence_watch(now=MORNING)
    absence_acknowledge(notice=AbsenceNotice.objects.get(), by=jo)
    assert Alert.objects.get().state == "acknowledged"
    assert notices_mail(now=MORNING) == 0 and not mail.outbox


def test_taking_on_the_alert_says_on_the_record_who_looks_after_it() -> None:
    jo = coordinator("jo")
    patient = stopped("CL-1", (jo,))
    absence_watch(now=MORNING)
    alert_acknowledge(alert=Alert.objects.get(), by=jo, note="Charger is lost.")
    line = absence_of(patient, factories.user(), MORNING)
    assert line and line.seen.startswith("looked after by jo since ")


def test_who_looks_after_it_is_who_holds_the_alert(client: Client) -> None:
    """Taking the acknowledgement back takes back what stands on the record."""
    jo = coordinator("jo")
    patient = stopped("CL-1", (jo,))
    absence_watch(now=MORNING)
    alert = Alert.objects.get()
    alert_acknowledge(alert=alert, by=jo, note="Charger is lost.")
    alert_undo(alert=alert, by=jo)
    line = absence_of(patient, jo, MORNING)
    assert line and (line.seen, line.note) == ("", "")
    client.force_login(jo)
    assert "nobody has it" in client.get("/").content.decode()
    assert absence_acknowledge(notice=AbsenceNotice.objects.get(), by=jo)
    with pytest.raises(NotAllowed, match="already been acknowledged by jo"):
        absence_acknowledge(notice=AbsenceNotice.objects.get(), by=coordinator("sam"))
    line = absence_of(patient, jo, MORNING)
    assert line and line.seen.startswith("looked after by jo since ")


def test_nobody_looks_after_it_once_the_acknowledgement_has_lapsed() -> None:
    jo = coordinator("jo")
    patient = stopped("CL-1", (jo,))
    absence_watch(now=MORNING)
    alert = Alert.objects.get()
    alert_acknowledge(alert=alert, by=jo)
    line = absence_of(patient, jo, MORNING)
    assert line and line.seen
    alert.refresh_from_db()
    assert alert.due_at and alerts_watch(now=alert.due_at) == 1
    line = absence_of(patient, jo, MORNING)
    assert line and line.seen == ""


def test_a_note_is_encrypted_and_for_those_who_act_on_alerts(client: Client) -> None:
    jo, boss = coordinator("jo"), factories.user(Role.ADMINISTRATOR)
    stopped("CL-1", (jo,))
    absence_watch(now=MORNING)
    absence_acknowledge(notice=AbsenceNotice.objects.get(), by=jo, note="Charger is lost.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM alerts_absencenotice")
        assert "Charger" not in cursor.fetchone()[0]
    for who, reads in ((jo, True), (boss, False)):
        client.force_login(who)
        for address in ("/", "/patients/CL-1/", "/patients/CL-1/data/"):
            body = client.get(address).content.decode()
            said = "jo has it" if address == "/" else "ooked after by jo"
            assert said in body and ("Charger is lost." in body) == (reads and address != "/")


def test_an_administrator_does_not_move_the_data_alert(client: Client) -> None:
    boss = factories.user(Role.ADMINISTRATOR)
    stopped("CL-1")
    absence_watch(now=MORNING)
    client.force_login(boss)
    assert "I look after it" not in client.get("/patients/CL-1/data/").content.decode()
    assert client.post("/patients/CL-1/absence/", {"note": "Mine."}).status_code == 403
    with pytest.raises(NotAllowed, match="Your role changes no alert"):
        absence_acknowledge(notice=AbsenceNotice.objects.get(), by=boss)
    assert Alert.objects.get().state == "new"


@pytest.mark.parametrize("held_by", ["", "jo"])
def test_a_notice_of_before_there_were_data_alerts_gets_one_once(held_by: str) -> None:
    jo = coordinator("jo")
    patient = stopped("CL-1", (jo,))
    notice = AbsenceNotice.objects.create(
        patient=patient, since=LAST_MINUTE, opened_at=MORNING - timedelta(days=1),
        acknowledged_by=held_by, acknowledged_at=MORNING if held_by else None, note="Charger.",
    )  # fmt: skip
    absence_watch(now=MORNING)
    absence_watch(now=MORNING + timedelta(hours=1))
    alert = Alert.objects.get()
    assert alert.state == ("acknowledged" if held_by else "new")
    line = absence_of(patient, jo, MORNING)
    assert line and line.seen.startswith("looked after by jo") == bool(held_by)
    alert_dismiss(alert=alert, by=jo, reason="data-artifact")
    absence_watch(now=MORNING + timedelta(days=1))
    assert Alert.objects.count() == 1, "what somebody dismissed is not raised again"
    notice.refresh_from_db()
    assert notice.closed_at is None


@pytest.mark.django_db(transaction=True)
def test_notes_that_are_stored_in_clear_are_encrypted_by_the_migration() -> None:
    try:
        executor = MigrationExecutor(connection)
        executor.migrate([("alerts", "0005_absence_as_alert")])
        graph = executor.loader.graph
        others = [leaf for leaf in graph.leaf_nodes() if leaf[0] != "alerts"]
        state = executor.loader.project_state([("alerts", "0005_absence_as_alert"), *others])
        old = state.apps
        patient = old.get_model("patients", "Patient").objects.create(code="P-1")
        old.get_model("alerts", "AbsenceNotice").objects.create(
            patient=patient, since=LAST_MINUTE, opened_at=MORNING, note="Charger is lost."
        )
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM alerts_absencenotice")
        assert "Charger" not in cursor.fetchone()[0]
    assert AbsenceNotice.objects.get().note == "Charger is lost."


def test_the_task_watches_and_writes() -> None:
    stopped("CL-1", (coordinator("jo"),))
    watch_absences()
    assert AbsenceNotice.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("notice_after_days = 2", "", "notice_after_days"),
        ("notice_after_days = 2", "notice_after_days = 0", "notice_after_days"),
        ('source = "', 'sauce = "', "source"),
    ],
)
def test_a_bad_rule_file_is_refused_by_name(tmp_path: Any, old: str, new: str, named: str) -> None:
    bad = tmp_path / "absence.toml"
    text = (DATA / "absence.toml").read_text()
    assert old in text
    bad.write_text(text.replace(old, new))
    with pytest.raises(RuleFileError, match=f"absence.toml.*{named}"):
        load_absence_rules(bad)
    assert absence_rules().notice_after_days == 2


@pytest.mark.django_db(transaction=True)
def test_the_watch_and_those_who_act_never_wait_for_each_other() -> None:
    jo, sam = coordinator("jo"), coordinator("sam")
    patients = [stopped(f"CL-{n}", (jo, sam)) for n in range(4)]
    absence_watch(now=MORNING)
    alerts = {alert.patient_id: alert for alert in Alert.objects.all()}
    for n, patient in enumerate(patients):
        factories.recording(patient, date(2026, 11, 19), 1, seed=n)
        notice = AbsenceNotice.objects.get(patient=patient)
        together(
            lambda: absence_watch(now=MORNING + timedelta(hours=1)),
            lambda p=patient: alert_acknowledge(alert=alerts[p.pk], by=jo),
            lambda n=notice: absence_acknowledge(notice=n, by=sam),
        )
    assert set(Alert.objects.values_list("state", flat=True)) == {"resolved"}
    assert not AbsenceNotice.objects.filter(closed_at=None).exists()
