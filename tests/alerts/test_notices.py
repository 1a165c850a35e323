"""Mails: what is urgent at once, the rest in one digest of the reader's own morning, no names."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts import services
from alerts.mail import notice_setting_set, notices_mail
from alerts.models import AbsenceNotice, Alert, AlertKind, Notice, NoticeSetting, OnCallTurn
from alerts.raising import alert_raise
from patients.domain.errors import InputError
from patients.models import CareTeamMember, Patient, Role, User
from patients.services import reader_set
from tests import factories

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # midnight in Toronto
MORNING = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)  # 8:30 there


@pytest.fixture
def doctor() -> User:
    return factories.user(Role.PSYCHIATRIST, username="dr.a", email="a@clinic.example")


@pytest.fixture
def coordinator() -> User:
    return factories.user(Role.COORDINATOR, username="coord.b", email="b@clinic.example")


@pytest.fixture
def patient(doctor: User, coordinator: User) -> Patient:
    found = factories.patient("P-1", name="Ada Example")
    for user in (doctor, coordinator):
        CareTeamMember.objects.create(patient=found, user=user)
    return found


def raised(
    patient: Patient, tier: str, kind: AlertKind = AlertKind.CONCERN, at: datetime = NIGHT
) -> Alert:
    alert, _ = alert_raise(
        patient=patient, kind=kind, tier=tier, by="system", now=at, why="concern",
        note="Ada's sister rang.",
    )  # fmt: skip
    return alert


def test_high_is_mailed_at_night_and_moderate_waits_for_the_morning(patient: Patient) -> None:
    raised(patient, "High")
    raised(patient, "Moderate", AlertKind.DEPRESSION)
    assert notices_mail(now=NIGHT) == 2
    assert {m.to[0] for m in mail.outbox} == {"a@clinic.example", "b@clinic.example"}
    assert all("Mania" not in m.body and "Depression" not in m.body for m in mail.outbox)
    assert notices_mail(now=NIGHT + timedelta(hours=1)) == 0
    assert notices_mail(now=MORNING) == 1  # the coordinator's digest
    assert "P-1: Depression Moderate, new" in mail.outbox[-1].body
    assert notices_mail(now=MORNING + timedelta(hours=3)) == 0


def test_no_mail_holds_a_name_or_a_note(patient: Patient) -> None:
    raised(patient, "High")
    notices_mail(now=NIGHT)
    for sent in mail.outbox:
        assert "P-1" in sent.body
        for secret in ("Ada", "sister", "Example"):
            assert secret not in sent.subject + sent.body
        assert "P-1" not in sent.subject


def test_nothing_is_mailed_of_what_somebody_took_on(patient: Patient, doctor: User) -> None:
    services.alert_acknowledge(alert=raised(patient, "High"), by=doctor)
    assert notices_mail(now=NIGHT) == notices_mail(now=MORNING) == 0 and not mail.outbox


def test_a_digest_comes_once_a_day_at_the_hour_of_the_readers_zone(
    patient: Patient, coordinator: User
) -> None:
    reader_set(user=coordinator, time_zone="Asia/Tokyo")
    notice_setting_set(user=coordinator, digest_hour=16)
    raised(patient, "Moderate")
    assert notices_mail(now=datetime(2026, 3, 2, 6, 59, tzinfo=UTC)) == 0
    assert notices_mail(now=datetime(2026, 3, 2, 7, 0, tzinfo=UTC)) == 1
    raised(patient, "Moderate", AlertKind.DEPRESSION, datetime(2026, 3, 2, 7, 30, tzinfo=UTC))
    assert notices_mail(now=datetime(2026, 3, 2, 12, 0, tzinfo=UTC)) == 0
    assert notices_mail(now=datetime(2026, 3, 3, 7, 0, tzinfo=UTC)) == 1


def test_what_comes_after_the_hour_of_the_digest_waits_for_tomorrows(patient: Patient) -> None:
    """Also the first notice that somebody ever gets, at 22:00: no digest went out that day."""
    evening = MORNING.replace(hour=3, minute=0) + timedelta(days=1)  # 22:00 in Toronto
    raised(patient, "Moderate", at=evening)
    for now in (evening, evening + timedelta(hours=3), evening + timedelta(hours=9, minutes=59)):
        assert notices_mail(now=now) == 0
    assert notices_mail(now=evening + timedelta(hours=10)) == 1
    assert notices_mail(now=evening + timedelta(hours=20)) == 0


@pytest.mark.parametrize("address", ["a@clinic.example\nBcc: x@y.example", "no address, at all"])
def test_somebody_with_a_broken_address_keeps_no_mail_back(
    patient: Patient, doctor: User, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    User.objects.filter(pk=doctor.pk).update(email=address)
    raised(patient, "High")
    notices_mail(now=NIGHT)
    assert ["b@clinic.example"] in [m.to for m in mail.outbox]
    failed = [r for r in caplog.records if r.levelname == "ERROR"]
    assert all(r.getMessage() == "notice mail failed" for r in failed)
    assert {getattr(r, "user", None) for r in failed} <= {doctor.pk}


def test_a_zone_that_is_none_any_more_counts_as_the_clinics(patient: Patient, doctor: User) -> None:
    User.objects.filter(pk=doctor.pk).update(time_zone="Mars/Base")
    raised(patient, "High")
    assert notices_mail(now=NIGHT) == 2
    client = Client()
    client.force_login(doctor)
    assert client.get("/notices/").status_code == 200


def test_who_is_off_the_team_is_neither_mailed_nor_shown_its_notices(
    patient: Patient, doctor: User
) -> None:
    raised(patient, "High")
    CareTeamMember.objects.filter(user=doctor).delete()
    assert notices_mail(now=NIGHT) == 1
    assert [m.to for m in mail.outbox] == [["b@clinic.example"]]
    client = Client()
    client.force_login(doctor)
    page = client.get("/notices/").content.decode()
    assert "P-1" not in page and "(1)" not in page
    CareTeamMember.objects.create(patient=patient, user=doctor)
    assert "P-1: Concern High" in client.get("/notices/").content.decode()


def test_an_administrator_is_told_of_a_patient_without_a_team() -> None:
    boss = factories.user(Role.ADMINISTRATOR, email="boss@clinic.example")
    raised(factories.patient("P-9"), "High")
    assert notices_mail(now=NIGHT) == 1
    client = Client()
    client.force_login(boss)
    assert "P-9: Concern High" in client.get("/notices/").content.decode()


def test_missing_data_of_many_are_told_in_as_many_queries_as_of_one(
    coordinator: User,
) -> None:
    client = Client()
    client.force_login(coordinator)
    NoticeSetting.objects.create(user=coordinator)
    counts = []
    for codes in (["D-0"], [f"D-{n}" for n in range(1, 9)]):
        for code in codes:
            who = factories.patient(code, [coordinator])
            AbsenceNotice.objects.create(patient=who, since=NIGHT, opened_at=NIGHT)
            raised(who, "Indeterminate", AlertKind.DATA)
        for act in (lambda: client.get("/notices/"), lambda: notices_mail(now=MORNING)):
            NoticeSetting.objects.update(digested_on=None)
            with CaptureQueriesContext(connection) as made:
                act()
            counts.append(len(made))
    assert mail.outbox[-1].body.count(": No data since") == 8
    assert counts[:2] == counts[2:]


def test_a_digest_of_many_is_one_mail_and_says_how_many_it_leaves_out(coordinator: User) -> None:
    for number in range(45):
        who = factories.patient(f"M-{number}", [coordinator])
        raised(who, "Moderate")
    assert notices_mail(now=MORNING) == 1
    assert mail.outbox[0].subject == "Clarity: 45 notices"
    assert mail.outbox[0].body.count("M-") == 40 and "and 5 more" in mail.outbox[0].body


def test_a_mail_that_cannot_go_out_waits_and_the_others_get_theirs(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised(patient, "High")
    from alerts import mail as notices

    send = notices.send_mail

    def fails_for_a(subject: str, body: str, sender: None, to: list[str]) -> int:
        if to == ["a@clinic.example"]:
            raise OSError("mailbox full")
        return send(subject, body, sender, to)

    with monkeypatch.context() as broken:
        broken.setattr(notices, "send_mail", fails_for_a)
        assert notices_mail(now=NIGHT) == 1
    assert notices_mail(now=NIGHT) == 1
    assert [m.to for m in mail.outbox] == [["b@clinic.example"], ["a@clinic.example"]]


def test_somebody_without_an_address_still_finds_it_in_clarity(
    patient: Patient, doctor: User
) -> None:
    User.objects.update(email="")
    raised(patient, "High")
    assert notices_mail(now=NIGHT) == 0
    client = Client()
    client.force_login(doctor)
    assert "(1)" in client.get("/alerts/").content.decode()
    page = client.get("/notices/").content.decode()
    assert "P-1: Concern High, new" in page and "unread" in page
    assert "unread" not in client.get("/notices/").content.decode()
    assert Notice.objects.filter(user=doctor).get().seen_at


def test_the_setting_is_checked_and_kept(doctor: User) -> None:
    with pytest.raises(InputError):
        notice_setting_set(user=doctor, digest_hour=24)
    client = Client()
    client.force_login(doctor)
    answer = client.post("/notices/setting/", {"digest_hour": "24"})
    assert answer.status_code == 422
    client.post("/notices/setting/", {"digest_hour": "9"})
    assert NoticeSetting.objects.get(user=doctor).digest_hour == 9


def test_an_administrator_says_who_is_on_call(doctor: User) -> None:
    client, today = Client(), timezone.localdate()
    client.force_login(factories.user(Role.ADMINISTRATOR))
    assert "Nobody is on call" in client.get("/on-call/").content.decode()
    days = {"first_day": today.isoformat(), "last_day": (today - timedelta(days=1)).isoformat()}
    refused = client.post("/on-call/add/", {"user": doctor.pk, **days})
    assert refused.status_code == 422 and not OnCallTurn.objects.exists()
    client.post("/on-call/add/", {"user": doctor.pk, **days, "last_day": today.isoformat()})
    turn = OnCallTurn.objects.get()
    assert turn.user == doctor and "dr.a" in client.get("/on-call/").content.decode()
    reader = Client()
    reader.force_login(doctor)
    page = reader.get("/on-call/").content.decode()
    assert "dr.a" in page and "Take away" not in page and "Put somebody on call" not in page
    for address, asked in (("add", {"user": doctor.pk, **days}), ("drop", {"turn": turn.pk})):
        assert reader.post(f"/on-call/{address}/", asked).status_code == 403
    client.post("/on-call/drop/", {"turn": turn.pk})
    assert not OnCallTurn.objects.exists()
