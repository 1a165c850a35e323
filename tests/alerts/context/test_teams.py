"""Care teams out of the EHR: who is in them, from which day to which."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.context_models import ContextConflict, EhrTerm
from alerts.context_settle import conflict_settle, term_settle
from alerts.ehr_accounts import account_map
from alerts.inside_models import EhrAccount
from patients.models import AuditEvent, CareTeamMember, Patient, Role, User
from patients.people_services import member_remove, member_set
from tests import factories
from tests.alerts.context.records import care_team
from tests.alerts.context.taking import conflict, item, take

pytestmark = pytest.mark.django_db


def named(key: str, meaning: str, boss: User) -> None:
    term_settle(term=EhrTerm.objects.get(code=key), meaning=meaning, by=boss)


def team(patient: Patient) -> dict[str, str]:
    rows = CareTeamMember.objects.filter(patient=patient)
    return dict(rows.values_list("user__username", "part"))


def test_a_care_team_brings_in_whom_somebody_has_named_and_nobody_else(
    patient: Patient, boss: User
) -> None:
    doctor = factories.user(Role.PSYCHIATRIST, "dr.a", last_name="B")
    told = care_team("t-1", "Practitioner/a", "Practitioner/b", "Patient/pat-1")
    take(patient, told)
    assert team(patient) == {}  # “Dr b” is nobody by name
    named("Practitioner/a", doctor.username, boss)
    named("Practitioner/b", EhrTerm.NO_CONCERN, boss)
    assert team(patient) == {"dr.a": "member"}
    assert AuditEvent.objects.get(action="care team set").actor == "ehr"
    assert item("t-1").state == "written"
    take(patient, care_team("t-1", "Practitioner/b"))
    assert team(patient) == {}
    assert AuditEvent.objects.get(action="care team left").actor == "ehr"


def test_somebody_whose_account_of_the_ehr_is_known_need_not_be_named_again(
    patient: Patient,
) -> None:
    doctor = factories.user(Role.PSYCHIATRIST, "dr.a")
    EhrAccount.objects.create(fhir_user="Practitioner/a", user=doctor, mapped_by="admin.1")
    EhrAccount.objects.create(fhir_user="Practitioner/b")  # came, and nobody has said who it is
    take(patient, care_team("t-1", "Practitioner/a", "Practitioner/b"))
    assert team(patient) == {"dr.a": "member"}
    assert EhrTerm.objects.get(meaning="").code == "Practitioner/b"


def test_whose_account_is_named_after_the_reading_comes_into_the_team_at_once(
    patient: Patient, boss: User
) -> None:
    for name in ("dr.a", "dr.b", "dr.c"):
        factories.user(Role.PSYCHIATRIST, name)
    doctor, other, third = User.objects.filter(username__startswith="dr.").order_by("username")
    take(patient, care_team("t-1", "Practitioner/a", "Practitioner/b"))
    account_map(fhir_user="Practitioner/a", user=doctor, by=boss)
    assert team(patient) == {"dr.a": "member"}
    account_map(fhir_user="Practitioner/a", user=other, by=boss)  # it was somebody else
    assert team(patient) == {"dr.b": "member"}
    account_map(fhir_user="Practitioner/b", user=boss, by=boss)  # no clinician is in a team
    assert EhrTerm.objects.get(code="Practitioner/b").meaning == ""
    named("Practitioner/b", third.username, boss)
    account_map(fhir_user="Practitioner/b", user=doctor, by=boss)  # what somebody said stays
    assert team(patient) == {"dr.b": "member", "dr.c": "member"}


def test_who_was_in_the_team_by_hand_stays_when_the_ehrs_team_ends(
    patient: Patient, boss: User
) -> None:
    doctor = factories.user(Role.PSYCHIATRIST, "dr.a")
    member_set(patient=patient, person=doctor, part="responsible", by=boss)
    take(patient, care_team("t-1", "Practitioner/a"))
    named("Practitioner/a", "dr.a", boss)
    take(patient, care_team("t-1", "Practitioner/a", status="inactive"))
    assert team(patient) == {"dr.a": "responsible"}


def spanned(member: str, first: str, last: str) -> dict[str, Any]:
    return {"member": {"reference": member}, "period": {"start": first, "end": last}}


def test_a_team_follows_its_days_though_the_ehr_says_nothing_new(
    patient: Patient, boss: User
) -> None:
    for name in ("dr.a", "dr.b", "dr.c"):
        factories.user(Role.PSYCHIATRIST, name)
        key = f"Practitioner/{name[-1]}"
        EhrTerm.objects.create(kind="person", system="person", code=key, meaning=name)
    told = care_team(
        "t-1",
        participant=[
            spanned("Practitioner/a", "2026-01-01", "2026-02-10"),
            spanned("Practitioner/b", "2026-02-08", "2026-02-20"),
            spanned("Practitioner/c", "2026-01-01", "2026-02-20"),
            spanned("Practitioner/c", "2026-03-02", "2026-03-02"),
        ],
        period={"start": "2026-02-01", "end": "2026-03-01"},
    )
    seen = {1: "", 2: "ac", 8: "abc", 9: "abc", 11: "bc", 21: ""}
    take(patient, told, now=datetime(2026, 1, 30, 12, tzinfo=UTC))
    for day, names in seen.items():
        take(patient, now=datetime(2026, 2, day, 12, tzinfo=UTC) - timedelta(days=day == 1))
        assert "".join(sorted(name[-1] for name in team(patient))) == names, day
    take(patient, now=datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert team(patient) == {}  # the team itself is over
    events = AuditEvent.objects.filter(action__startswith="care team")
    assert events.count() == 6 and {it.actor for it in events} == {"ehr"}


def test_whom_somebody_keeps_out_stays_out_when_the_team_changes(
    patient: Patient, boss: User
) -> None:
    doctor = factories.user(Role.PSYCHIATRIST, "dr.a")
    take(patient, care_team("t-1", "Practitioner/a"))
    named("Practitioner/a", "dr.a", boss)
    member_remove(patient=patient, person=doctor, by=boss)
    take(patient, care_team("t-1", "Practitioner/a", "Practitioner/c"))
    conflict_settle(conflict=conflict(), outcome="ours", by=boss)
    take(patient, care_team("t-1", "Practitioner/a", "Practitioner/d"))
    assert team(patient) == {}
    assert not ContextConflict.objects.filter(settled_at=None).exists()


def test_whom_somebody_took_out_is_not_put_back_unasked(patient: Patient, boss: User) -> None:
    doctor = factories.user(Role.PSYCHIATRIST, "dr.a")
    take(patient, care_team("t-1", "Practitioner/a"))
    named("Practitioner/a", "dr.a", boss)
    member_remove(patient=patient, person=doctor, by=boss)
    take(patient, care_team("t-1", "Practitioner/a", "Practitioner/c"))
    assert team(patient) == {}
    conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
    assert team(patient) == {"dr.a": "member"}
