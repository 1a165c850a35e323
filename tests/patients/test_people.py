"""People and care teams: who may be changed by whom, and what is left behind."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from patients import people_services as services
from patients.domain.errors import InputError
from patients.models import AuditEvent, CareTeamMember, Patient, Role, User
from patients.people import caseload, people, teams, usernames_locked, without_team
from patients.people_services import Part
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return factories.user(Role.ADMINISTRATOR, "boss")


def audited() -> list[tuple[str, str, dict[str, Any]]]:
    rows = AuditEvent.objects.order_by("pk")
    return list(rows.values_list("action", "patient_code", "detail"))


def change(person: User, by: User, **more: str) -> None:
    values = {"first_name": "Ada", "last_name": "Roe", "email": "", "role": person.role} | more
    services.person_change(person=person, by=by, **values)


def team_of(patient: Patient) -> dict[str, str]:
    return dict(patient.care_team.order_by("user__username").values_list("user__username", "part"))


def test_somebody_new_cannot_log_in_before_a_password_is_set(boss: User) -> None:
    values = {"first_name": "Ada", "last_name": "Roe", "email": "a@b.example"}
    made = services.person_create(username="ada.roe", role=Role.COORDINATOR, by=boss, **values)
    assert not made.has_usable_password()
    assert audited() == [
        ("person created", "", {"person": "ada.roe", "role": "coordinator"}),
    ]
    with pytest.raises(InputError, match="taken"):
        services.person_create(username="ADA.ROE", role=Role.COORDINATOR, by=boss, **values)
    with pytest.raises(InputError, match="letters, digits"):
        services.person_create(username="ada roe", role=Role.COORDINATOR, by=boss, **values)
    with pytest.raises(InputError, match="Choose a role"):
        services.person_create(username="other", role="king", by=boss, **values)


def test_a_change_of_role_says_what_it_was(boss: User) -> None:
    person = factories.user(Role.COORDINATOR, "ada")
    change(person, boss, role=Role.PSYCHIATRIST)
    person.refresh_from_db()
    assert person.role == Role.PSYCHIATRIST
    assert audited()[0] == (
        "role changed", "", {"person": "ada", "before": "coordinator", "role": "psychiatrist"}
    )  # fmt: skip
    assert audited()[1][2] == {"person": "ada", "fields": ["first_name", "last_name"]}
    assert "Roe" not in str(audited())


def test_nobody_changes_their_own_role_or_closes_their_own_account(boss: User) -> None:
    factories.user(Role.ADMINISTRATOR, "second")
    with pytest.raises(InputError, match="own role"):
        change(boss, boss, role=Role.PSYCHIATRIST)
    with pytest.raises(InputError, match="own account"):
        services.person_deactivate(person=boss, by=boss)
    with pytest.raises(InputError, match="own password"):
        services.password_void(person=boss, by=boss)
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == (Role.ADMINISTRATOR, True)
    assert audited() == []


def test_the_last_administrator_stays_whoever_asks(boss: User) -> None:
    runs_it = factories.user(Role.PSYCHIATRIST, "root", is_superuser=True)
    factories.user(Role.ADMINISTRATOR, "away", is_active=False)
    with pytest.raises(InputError, match="last administrator"):
        services.person_deactivate(person=boss, by=runs_it)
    with pytest.raises(InputError, match="last administrator"):
        change(boss, runs_it, role=Role.PSYCHIATRIST)
    second = factories.user(Role.ADMINISTRATOR, "second")
    services.person_deactivate(person=boss, by=second)
    with pytest.raises(InputError, match="last administrator"):
        services.person_deactivate(person=second, by=runs_it)
    assert [action for action, *_ in audited()] == ["person deactivated"]


def test_an_administrator_gets_no_hold_of_an_account_that_runs_the_machine(boss: User) -> None:
    root = factories.user(Role.ADMINISTRATOR, "root", is_superuser=True, password="as it was 12")
    for act in (services.password_void, services.person_deactivate, services.person_activate):
        with pytest.raises(InputError, match="runs the machine"):
            act(person=root, by=boss)
    with pytest.raises(InputError, match="runs the machine"):
        change(root, boss, email="mine@elsewhere.example")
    root.refresh_from_db()
    assert root.check_password("as it was 12") and root.email == ""


def test_a_reset_ends_sessions_and_a_closed_account_opens_nothing(boss: User) -> None:
    person = factories.user(username="ada", password="as it was 12")
    session = Client()
    session.force_login(person)
    assert session.get("/").status_code == 200
    services.password_void(person=person, by=boss)
    assert session.get("/").status_code == 302
    person.refresh_from_db()
    assert not person.check_password("as it was 12")
    session.force_login(person)
    services.person_deactivate(person=person, by=boss)
    assert session.get("/").status_code == 302
    with pytest.raises(InputError, match="closed"):
        services.password_void(person=person, by=boss)
    services.person_activate(person=person, by=boss)
    assert session.get("/").status_code == 200


def test_states_of_accounts(boss: User) -> None:
    now = timezone.now()
    factories.user(username="new")
    for name, joined, seen in (("forgot", 15, None), ("idle", 400, 91), ("used", 400, 89)):
        factories.user(
            username=name,
            date_joined=now - timedelta(days=joined),
            last_login=now - timedelta(days=seen) if seen else None,
        )
    factories.user(username="gone", is_active=False)
    factories.user(username="typo")
    factories.user(username="tried")
    AccessAttempt.objects.create(username="typo", ip_address="::1", failures_since_start=8)
    AccessAttempt.objects.create(username="tried", ip_address="::1", failures_since_start=7)
    states = {person.user.username: person.state for person in people(now)}
    assert states == {
        "boss": "open", "new": "open", "forgot": "unused", "idle": "unused", "used": "open",
        "gone": "closed", "typo": "locked", "tried": "open",
    }  # fmt: skip
    assert usernames_locked(now + timedelta(minutes=16)) == set()
    services.person_unlock(person=User.objects.get(username="typo"), by=boss)
    assert usernames_locked(now) == set()


def test_one_person_is_responsible_and_the_one_before_stays_a_member(boss: User) -> None:
    first, second = factories.user(username="a"), factories.user(username="b")
    helper = factories.user(Role.COORDINATOR, "c")
    patient = factories.patient("P-1")
    for who in (first, second, second):
        services.member_set(patient=patient, person=who, part=Part.RESPONSIBLE, by=boss)
    services.member_set(patient=patient, person=helper, part=Part.COVER, by=boss)
    assert team_of(patient) == {"a": "member", "b": "responsible", "c": "cover"}
    assert [(a, code, d["person"]) for a, code, d in audited()] == [
        ("care team set", "P-1", name) for name in "abc"
    ]
    assert [m.user.username for m in teams(Patient.objects.all()).get().team] == ["b", "a", "c"]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="Only a psychiatrist"):
        services.member_set(patient=patient, person=helper, part=Part.RESPONSIBLE, by=boss)
    with pytest.raises(InputError, match="Only psychiatrists and coordinators"):
        services.member_set(patient=patient, person=boss, part=Part.MEMBER, by=boss)
    with pytest.raises(InputError, match="Choose what"):
        services.member_set(patient=patient, person=first, part="king", by=boss)
    services.member_remove(patient=patient, person=helper, by=boss)
    services.member_remove(patient=patient, person=helper, by=boss)
    assert [a for a, *_ in audited()].count("care team left") == 1


def test_a_caseload_goes_to_somebody_else_and_each_patient_is_told_of_it(boss: User) -> None:
    giver, taker = factories.user(username="giver"), factories.user(username="taker")
    kept, given, shared = (factories.patient(code, [giver]) for code in ("P-1", "P-2", "P-3"))
    others = factories.patient("P-4", [taker])
    services.member_set(patient=given, person=giver, part=Part.RESPONSIBLE, by=boss)
    services.member_set(patient=shared, person=taker, part=Part.COVER, by=boss)
    AuditEvent.objects.all().delete()
    n = services.caseload_hand_over(
        giver=giver, taker=taker, patients=[given, shared, others], by=boss
    )
    assert n == 2
    assert team_of(kept) == {"giver": "member"}
    assert team_of(given) == {"taker": "responsible"}
    assert team_of(shared) == {"taker": "cover"}
    assert [(action, code) for action, code, _ in audited()] == [
        ("care team set", "P-2"), ("care team left", "P-2"), ("care team left", "P-3"),
        ("caseload handed over", ""),
    ]  # fmt: skip
    assert audited()[-1][2] == {"person": "giver", "to": "taker", "patients": 2}


def test_the_giver_may_stay_and_a_coordinator_is_never_responsible(boss: User) -> None:
    giver, taker = factories.user(username="giver"), factories.user(Role.COORDINATOR, "taker")
    patient = factories.patient("P-1", [giver])
    services.member_set(patient=patient, person=giver, part=Part.RESPONSIBLE, by=boss)
    services.caseload_hand_over(giver=giver, taker=taker, patients=[patient], by=boss, stays=True)
    assert team_of(patient) == {"giver": "responsible", "taker": "member"}


def test_a_hand_over_is_refused_whole(boss: User) -> None:
    giver = factories.user(username="giver")
    gone = factories.user(username="gone", is_active=False)
    patients = [factories.patient(code, [giver, gone]) for code in ("P-1", "P-2")]
    for taker, chosen, why in (
        (giver, patients, "somebody else"),
        (gone, patients, "Only psychiatrists"),
        (boss, patients, "Only psychiatrists"),
        (factories.user(), [], "at least one"),
    ):
        with pytest.raises(InputError, match=why):
            services.caseload_hand_over(giver=giver, taker=taker, patients=chosen, by=boss)
    assert caseload(giver).count() == 2
    assert audited() == []


def test_who_sees_a_patient_because_of_an_alert_hands_nothing_over_and_can_stay(boss: User) -> None:
    on_call, other = factories.user(username="night"), factories.user(username="day")
    patient = factories.patient("P-1", [on_call])
    member = CareTeamMember.objects.get()
    alert = factories.alert(factories.score(patient, timezone.localdate(), 0.9, 0.9))
    member.on_call.create(alert=alert)  # type: ignore[attr-defined]
    assert [m.is_on_call for m in caseload(on_call)] == [True]
    with pytest.raises(InputError, match="at least one"):
        services.caseload_hand_over(giver=on_call, taker=other, patients=[patient], by=boss)
    services.member_set(patient=patient, person=on_call, part=Part.MEMBER, by=boss)
    assert [m.is_on_call for m in caseload(on_call)] == [False]


def test_a_patient_whose_team_cannot_log_in_is_found(boss: User) -> None:
    there, gone = factories.user(), factories.user(is_active=False)
    factories.patient("P-1", [there, gone])
    for code, team in (("P-2", [gone]), ("P-3", []), ("P-4", [boss])):
        factories.patient(code, team)
    alone = without_team(Patient.objects.all())
    assert [patient.code for patient in alone] == ["P-2", "P-3", "P-4"]


def test_lists_need_as_many_queries_for_many_as_for_few(boss: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert people(timezone.now())
            assert [p.team for p in teams(Patient.objects.all())]  # type: ignore[attr-defined]
        return len(asked)

    factories.patient(team=[factories.user()])
    few = queries()
    for _ in range(20):
        factories.patient(team=[factories.user(), factories.user(Role.COORDINATOR)])
    assert queries() == few == 4
