"""Diagnoses, questionnaires and care teams out of the EHR."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.context_models import ContextConflict, EhrPatient, EhrTerm
from alerts.context_settle import conflict_settle, term_settle
from alerts.ehr_accounts import account_map
from alerts.inside_models import EhrAccount
from alerts.models import Alert
from alerts.outcomes import outcome_record
from patients.domain.errors import InputError
from patients.identity import diagnosis_set
from patients.models import AuditEvent, CareTeamMember, Patient, Questionnaire, Role, User
from patients.people_services import member_remove, member_set
from tests import factories
from tests.alerts.context.records import (
    ANSWERS,
    ICD,
    ICD_WHO,
    PHQ9,
    care_team,
    condition,
    drug,
    observation,
    parts,
    resource,
    response,
)
from tests.alerts.context.taking import item, take

pytestmark = pytest.mark.django_db
WHEN = "2026-02-03T09:30:00-05:00"
ITEMS = (2, 2, 2, 2, 1, 1, 2, 0, 0)


def conflict() -> ContextConflict:
    return ContextConflict.objects.get(settled_at=None)


def answers(patient: Patient) -> list[tuple[str, float, list[int]]]:
    rows = Questionnaire.objects.filter(patient=patient, entered_in_error=False)
    return [(q.instrument, q.total, q.items) for q in rows.order_by("taken_at", "pk")]


@pytest.mark.parametrize(
    ("code", "diagnosis"),
    [
        ("F33.1", "mdd"),
        ("F32.9", "mdd"),
        ("F31.13", "bipolar_1"),
        ("F31.81", "bipolar_2"),
        ("F31.9", "unknown"),
        ("F32.A", "unknown"),
        ("K26.9", "unknown"),
    ],
)
def test_a_condition_gives_the_diagnosis_that_its_code_says(
    patient: Patient, code: str, diagnosis: str
) -> None:
    take(patient, condition("c-1", code))
    assert patient.diagnosis == diagnosis
    events = AuditEvent.objects.filter(action="diagnosis set", actor="ehr")
    assert events.count() == (diagnosis != "unknown")


@pytest.mark.parametrize(
    ("code", "diagnosis", "state"),
    [
        ("F32.1", "mdd", "noted"),
        ("F33.9", "mdd", "noted"),
        ("F31.2", "bipolar_1", "noted"),
        ("F31.8", "unknown", "unclear"),  # bipolar II, among others
        ("F32.9", "unknown", "unclear"),
        ("F34.1", "unknown", "unclear"),
        ("F41.1", "unknown", "noted"),
    ],
)
def test_the_who_s_codes_are_known_as_well(
    patient: Patient, code: str, diagnosis: str, state: str
) -> None:
    take(patient, condition("c-1", code, ICD_WHO))
    assert (patient.diagnosis, item("c-1").state) == (diagnosis, state)
    assert EhrTerm.objects.exists() is (code == "F34.1")


@pytest.mark.parametrize(
    ("meaning", "diagnosis"), [("bipolar_1", "bipolar_1"), (EhrTerm.NO_CONCERN, "unknown")]
)
@pytest.mark.parametrize("system", [ICD, ICD_WHO])
def test_a_mood_disorder_that_is_none_of_ours_is_settled_once(
    patient: Patient, boss: User, system: str, meaning: str, diagnosis: str
) -> None:
    take(patient, condition("c-1", "F30.1", system))
    assert (patient.diagnosis, item("c-1").state) == ("unknown", "unclear")
    EhrPatient.objects.update(marks={"Condition": {"since": WHEN}})
    assert term_settle(term=EhrTerm.objects.get(), meaning=meaning, by=boss) == 1
    assert EhrPatient.objects.get().marks == {}  # so that the next reading asks for it again
    take(patient, condition("c-1", "F30.1", system))
    assert (patient.diagnosis, item("c-1").state) == (diagnosis, "noted")
    other = condition("c-2", "F30.1", system, verificationStatus="provisional")
    take(patient, other)
    assert item("c-2").state == ("waiting" if diagnosis != "unknown" else "noted")


@pytest.mark.parametrize(
    "more",
    [
        {"verificationStatus": {"coding": [{"code": "provisional"}]}},
        {"verificationStatus": {"coding": [{"code": "refuted"}]}},
        {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
        {"clinicalStatus": {"coding": [{"code": "resolved"}]}},
        {"code": drug("35489007", "Depressive disorder", "http://snomed.info/sct")},
    ],
)
def test_a_condition_that_is_not_certain_or_is_over_gives_none(
    patient: Patient, more: dict[str, Any]
) -> None:
    take(patient, condition("c-1", **more))
    assert patient.diagnosis == "unknown"


def test_a_diagnosis_follows_the_ehr_while_nobody_here_said_another(patient: Patient) -> None:
    take(patient, condition("c-1"))
    take(patient, condition("c-1", "F31.81"))
    assert patient.diagnosis == "bipolar_2"
    gone = condition("c-1", verificationStatus={"coding": [{"code": "entered-in-error"}]})
    take(patient, gone)
    assert patient.diagnosis == "unknown"


def test_a_diagnosis_somebody_typed_is_asked_about(patient: Patient, boss: User) -> None:
    diagnosis_set(patient=patient, diagnosis="bipolar_1", by=boss)
    take(patient, condition("c-1"))
    assert patient.diagnosis == "bipolar_1"
    conflict_settle(conflict=conflict(), outcome="ours", by=boss)
    take(patient, condition("c-2", "F32.1"))
    assert patient.diagnosis == "bipolar_1"
    assert not ContextConflict.objects.filter(settled_at=None).exists()


def test_two_diagnoses_of_the_ehr_are_never_chosen_between(patient: Patient, boss: User) -> None:
    take(patient, condition("c-1"), condition("c-2", "F31.13"))
    assert patient.diagnosis == "unknown"
    with pytest.raises(InputError):
        conflict_settle(conflict=conflict(), outcome="bipolar_2", by=boss)
    conflict_settle(conflict=conflict(), outcome="bipolar_1", by=boss)
    patient.refresh_from_db()
    assert patient.diagnosis == "bipolar_1"


def test_a_questionnaire_response_is_recorded_once_with_its_items(patient: Patient) -> None:
    total = observation("o-1", "44261-6", WHEN, valueQuantity={"value": 12, "unit": "{score}"})
    take(patient, response("q-1", ITEMS, WHEN), total)
    assert answers(patient) == [("phq9", 12, list(ITEMS))]
    row = Questionnaire.objects.get()
    assert (row.source, row.recorded_by) == ("ehr", "ehr")
    assert row.taken_at == datetime(2026, 2, 3, 14, 30, tzinfo=UTC)
    assert take(patient, response("q-1", ITEMS, WHEN), total) == ["same", "same"]
    take(patient, response("q-1", ITEMS, WHEN, status="entered-in-error"))
    assert answers(patient) == [("phq9", 12, list(ITEMS))]  # the total still says so
    take(patient, total | {"status": "entered-in-error"})
    assert answers(patient) == []


def test_a_total_that_came_first_gives_way_to_its_items(patient: Patient) -> None:
    take(patient, observation("o-1", "44261-6", WHEN, valueInteger=12))
    assert answers(patient) == [("phq9", 12, [])]
    take(patient, response("q-1", ITEMS, WHEN))
    assert answers(patient) == [("phq9", 12, list(ITEMS))]


def test_an_amended_response_replaces_what_it_said(patient: Patient) -> None:
    take(patient, response("q-1", ITEMS, WHEN))
    other = (1, *ITEMS[1:])
    take(patient, response("q-1", other, WHEN, status="amended"))
    assert answers(patient) == [("phq9", 11, list(other))]


def test_nine_single_answers_of_one_moment_are_a_questionnaire(patient: Patient) -> None:
    coded = [
        observation(f"o-{n}", code, WHEN, valueCodeableConcept=drug(ANSWERS[points], "", "l"))
        for n, (code, points) in enumerate(zip(PHQ9, ITEMS, strict=True))
    ]
    take(patient, *coded[:5])
    assert answers(patient) == []
    take(patient, *coded[5:])
    assert answers(patient) == [("phq9", 12, list(ITEMS))]
    take(patient, coded[3] | {"status": "entered-in-error"})
    assert answers(patient) == []


def test_an_answer_on_self_harm_that_comes_alone_is_told_at_once_and_once(
    patient: Patient,
) -> None:
    now = timezone.now()
    lately, long_ago = ((now - timedelta(days=n)).isoformat() for n in (2, 90))
    some = drug(ANSWERS[1], "", "l")
    take(patient, observation("o-0", PHQ9[8], long_ago, valueCodeableConcept=some))
    assert not Alert.objects.exists()
    alone = observation("o-1", PHQ9[8], lately, valueCodeableConcept=some)
    take(patient, alone)
    take(patient, alone | {"note": [{"text": "x"}]})
    alert = Alert.objects.get()
    assert (alert.kind, alert.tier) == ("safety", "High")
    assert alert.transitions.count() == 1


def test_a_recent_response_with_self_harm_raises_the_safety_alert(patient: Patient) -> None:
    lately = (timezone.now() - timedelta(days=2)).isoformat()
    take(patient, response("q-1", (*ITEMS[:8], 1), lately))
    assert Alert.objects.get().kind == "safety"


HARM = (*ITEMS[:8], 1)


def lately(days: int = 2) -> str:
    return (timezone.now() - timedelta(days=days)).isoformat()


def without(told: dict[str, Any], *codes: str) -> dict[str, Any]:
    """The response without its answers to these."""
    left = [it for it in told["item"] if it["linkId"].removeprefix("/") not in codes]
    return told | {"item": left}


def with_total(told: dict[str, Any], total: int) -> dict[str, Any]:
    answer = {"linkId": "/44261-6", "answer": [{"valueDecimal": total}]}
    return told | {"item": [*without(told, "44261-6")["item"], answer]}


@pytest.mark.parametrize(
    ("told", "state", "total"),
    [
        (without(response("q-1", HARM, ""), PHQ9[0], "44261-6"), "unclear", None),
        (without(response("q-1", HARM, ""), PHQ9[0]), "written", 13),
        (with_total(response("q-1", HARM, ""), 14), "unclear", None),
        (with_total(response("q-1", HARM, ""), 99), "unclear", None),
        (response("q-1", HARM, "", status="in-progress"), "waiting", None),
    ],
)
def test_an_answer_on_self_harm_is_told_whatever_becomes_of_the_total(
    patient: Patient, told: dict[str, Any], state: str, total: int | None
) -> None:
    told = told | {"authored": lately()}
    take(patient, told)
    assert item("q-1").state == state
    assert [it[1] for it in answers(patient)] == [total][: total is not None]
    alert = Alert.objects.get()
    assert (alert.kind, alert.tier) == ("safety", "High")
    take(patient, told | {"language": "en"})
    take(patient, with_total(told, 3) | {"status": "amended"})
    assert alert.transitions.count() == 1  # told once


def test_an_answer_on_self_harm_without_its_day_is_of_the_day_on_which_the_ehr_said_so(
    patient: Patient,
) -> None:
    take(patient, response("q-1", HARM, "2026", meta={"lastUpdated": lately(90)}))
    assert not Alert.objects.exists()
    take(patient, response("q-2", HARM, "2026", meta={"lastUpdated": lately(1)}))
    take(patient, response("q-3", HARM, "2199-01-01T00:00:00Z", meta={"lastUpdated": lately(90)}))
    assert Alert.objects.get().transitions.count() == 1
    assert "2199" not in Alert.objects.get().recommendation["text"]


@pytest.mark.parametrize(("total", "state"), [(13, "agrees"), (9, "conflict")])
def test_an_answer_on_self_harm_is_told_where_a_person_typed_the_total_of_that_day(
    patient: Patient, boss: User, total: int, state: str
) -> None:
    at = lately()
    moment = datetime.fromisoformat(at)
    outcome_record(patient=patient, instrument="phq9", taken_at=moment, by=boss, total=total)
    take(patient, response("q-1", HARM, at))
    assert item("q-1").state == state
    assert Alert.objects.get().kind == "safety"
    if state == "conflict":
        conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
        assert answers(patient) == [("phq9", 13, list(HARM))]
    assert Alert.objects.get().transitions.count() == 1


def test_an_answer_on_self_harm_that_is_recorded_for_that_day_is_not_told_twice(
    patient: Patient, boss: User
) -> None:
    at, before = datetime.fromisoformat(lately()), timedelta(seconds=1)
    outcome_record(patient=patient, instrument="phq9", taken_at=at, by=boss, items=HARM)
    take(patient, with_total(response("q-1", HARM, (at - before).isoformat()), 20))
    alert = Alert.objects.get()
    assert alert.transitions.count() == 1
    worse = with_total(response("q-2", (*ITEMS[:8], 3), (at - before).isoformat()), 20)
    take(patient, worse)
    assert alert.transitions.count() == 2


def test_the_same_answer_on_self_harm_in_many_resources_is_told_once(patient: Patient) -> None:
    at = lately()
    coded = [
        observation(f"o-{n}", code, at, valueCodeableConcept=drug(ANSWERS[points], "", "l"))
        for n, (code, points) in enumerate(zip(PHQ9, HARM, strict=True))
    ]
    part = without(response("q-1", HARM, at), PHQ9[0], "44261-6")
    take(patient, part, *coded[8:])
    take(patient, *coded[:8])
    take(patient, response("q-1", HARM, at, status="amended"))
    assert answers(patient) == [("phq9", 13, list(HARM))]
    assert Alert.objects.get().transitions.count() == 1
    assert not Questionnaire.objects.filter(safety_considered_at=None).exists()


def test_an_answer_on_self_harm_that_was_taken_back_tells_nothing_until_it_is_said_again(
    patient: Patient,
) -> None:
    part = without(response("q-1", HARM, lately()), PHQ9[0], "44261-6")
    take(patient, part | {"status": "entered-in-error"})
    assert not Alert.objects.exists()
    take(patient, part)
    take(patient, part | {"status": "entered-in-error"})
    take(patient, part)
    assert Alert.objects.get().transitions.count() == 2


@pytest.mark.parametrize(("given", "told"), [(9, True), (8, False)])
def test_of_a_form_without_codes_the_ninth_answer_is_that_on_self_harm_if_all_are_there(
    patient: Patient, boss: User, given: int, told: bool
) -> None:
    EhrTerm.objects.create(
        kind="form", system="questionnaire", code="https://ehr.example/phq", meaning="phq9"
    )
    points = [*HARM[9 - given :], 25]
    asked = [{"linkId": str(n), "answer": [{"valueInteger": it}]} for n, it in enumerate(points)]
    form = resource(
        "QuestionnaireResponse", "q-1", status="completed", authored=lately(), item=asked,
        questionnaire="https://ehr.example/phq",
    )  # fmt: skip
    take(patient, form)
    assert item("q-1").state == "unclear"
    assert Alert.objects.exists() is told


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (response("q-1", ITEMS, WHEN, status="in-progress"), "waiting"),
        (response("q-1", ITEMS, "2026"), "unclear"),
        (response("q-1", ITEMS, "2199-01-01T00:00:00Z"), "unclear"),
        (observation("q-1", "44261-6", WHEN, valueQuantity={"value": 12.5}), "unclear"),
        (observation("q-1", "44261-6", WHEN, valueQuantity={"value": 28}), "unclear"),
        (observation("q-1", "44261-6", WHEN, status="preliminary", valueInteger=3), "waiting"),
    ],
)
def test_answers_that_cannot_be_are_kept_and_not_recorded(
    patient: Patient, told: dict[str, Any], state: str
) -> None:
    take(patient, told)
    assert answers(patient) == []
    assert item("q-1").state == state


def test_items_that_do_not_add_up_are_not_recorded(patient: Patient) -> None:
    told = response("q-1", ITEMS, WHEN)
    told["item"][-1]["answer"] = [{"valueDecimal": 13}]
    take(patient, told)
    assert answers(patient) == [] and "add up" in item("q-1").why


def test_a_form_that_nobody_has_named_waits_for_a_person(patient: Patient, boss: User) -> None:
    asked = [
        {"linkId": str(n), "answer": [{"valueInteger": points}]}
        for n, points in enumerate((1, 2, 0, 3, 1))
    ]
    form = resource(
        "QuestionnaireResponse", "q-1", status="completed", authored="2026-02-03", item=asked,
        questionnaire="https://ehr.example/forms/altman|2",
    )  # fmt: skip
    take(patient, form)
    assert (answers(patient), item("q-1").state) == ([], "unclear")
    EhrPatient.objects.update(marks={"QuestionnaireResponse": {"since": WHEN}})
    assert term_settle(term=EhrTerm.objects.get(kind="form"), meaning="asrm", by=boss) == 1
    assert EhrPatient.objects.get().marks == {}  # so that the next reading asks for it again
    take(patient, form)
    assert answers(patient) == [("asrm", 7, [1, 2, 0, 3, 1])]


def test_a_questionnaire_typed_with_another_total_that_day_is_asked_about(
    patient: Patient, boss: User
) -> None:
    at = datetime(2026, 2, 3, 20, 0, tzinfo=UTC)
    outcome_record(patient=patient, instrument="phq9", taken_at=at, by=boss, total=9)
    take(patient, response("q-1", ITEMS, WHEN))
    assert answers(patient) == [("phq9", 9, [])]
    conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
    assert answers(patient) == [("phq9", 12, list(ITEMS))]


def test_a_questionnaire_typed_with_the_same_total_that_day_is_the_same(
    patient: Patient, boss: User
) -> None:
    at = datetime(2026, 2, 3, 20, 0, tzinfo=UTC)
    outcome_record(patient=patient, instrument="phq9", taken_at=at, by=boss, total=12)
    take(patient, response("q-1", ITEMS, WHEN))
    assert answers(patient) == [("phq9", 12, [])]
    assert item("q-1").state == "agrees"


LOCAL = "urn:oid:1.2.840.9"


def test_the_answers_of_a_panel_are_read_as_those_of_a_questionnaire(patient: Patient) -> None:
    panel = observation("o-1", "44249-1", lately(), **parts(PHQ9, HARM))
    take(patient, panel)
    assert answers(patient) == [("phq9", 13, list(HARM))]
    assert Alert.objects.get().kind == "safety"
    take(patient, panel | {"status": "entered-in-error", "component": []})
    assert answers(patient) == []


def test_the_value_of_a_panel_is_its_total(patient: Patient) -> None:
    members = [{"reference": "Observation/o-2"}]
    take(patient, observation("o-1", "44249-1", WHEN, valueInteger=13, hasMember=members))
    assert answers(patient) == [("phq9", 13, [])]


def test_of_a_panel_that_lacks_an_answer_its_value_is_the_total(patient: Patient) -> None:
    some = parts(PHQ9[1:], HARM[1:])
    take(patient, observation("o-1", "44249-1", lately(), **some))
    assert (answers(patient), item("o-1").state) == ([], "unclear")
    assert Alert.objects.get().kind == "safety"
    take(patient, observation("o-1", "44249-1", WHEN, valueInteger=13, **some))
    assert answers(patient) == [("phq9", 13, [])]


@pytest.mark.parametrize("answered", [True, False])
def test_a_total_whose_code_nobody_has_named_waits_for_a_person(
    patient: Patient, boss: User, answered: bool
) -> None:
    points, codes = ((1, 2, 0, 3, 1), "abcde") if answered else ((), "")
    total = observation(
        "o-1", "Altman", WHEN, LOCAL, valueInteger=7,
        **parts(codes, points),
    )  # fmt: skip
    take(patient, total)
    assert (answers(patient), item("o-1").state) == ([], "unclear")
    marks = {"Observation": {}, "Observation:survey": {}, "Condition": {}}
    EhrPatient.objects.update(marks=marks)
    term = EhrTerm.objects.get()
    assert (term.kind, term.system, term.words) == ("form", LOCAL, "Altman")
    assert term_settle(term=term, meaning="asrm", by=boss) == 1
    assert EhrPatient.objects.get().marks == {"Condition": {}}
    take(patient, total)
    assert answers(patient) == [("asrm", 7, list(points))]
    take(patient, total | {"status": "entered-in-error"})
    assert answers(patient) == []


def test_what_is_of_no_concern_is_asked_about_once(patient: Patient, boss: User) -> None:
    take(patient, observation("o-1", "Apgar", WHEN, LOCAL, valueInteger=7, **parts("", ())))
    term_settle(term=EhrTerm.objects.get(), meaning=EhrTerm.NO_CONCERN, by=boss)
    for key in ("o-1", "o-2"):
        take(patient, observation(key, "Apgar", WHEN, LOCAL, valueInteger=7, **parts("", ())))
        assert item(key).state == "noted"


@pytest.mark.parametrize(
    "more",
    [
        {"valueInteger": 70, "category": [{"coding": [{"code": "vital-signs"}]}]},
        {"valueCodeableConcept": drug(ANSWERS[1], "", "l")} | parts("", ()),
        {"valueString": "x"} | parts("", ()),
    ],
)
def test_what_is_no_total_of_a_survey_is_not_asked_about(
    patient: Patient, more: dict[str, Any]
) -> None:
    told = observation("o-1", "x", WHEN, LOCAL, **more)
    members = observation("o-2", "44249-1", WHEN, hasMember=[{"reference": "Observation/o-1"}])
    assert take(patient, told, members) == ["other", "other"]
    assert not EhrTerm.objects.exists()


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


def test_a_record_that_was_replaced_is_followed_only_when_a_person_says_so(
    patient: Patient, boss: User
) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/pat-7"}}]
    take(patient, {"resourceType": "Patient", "id": "pat-1", "active": False, "link": link})
    patient.refresh_from_db()
    assert patient.ehr_id == "pat-1"
    conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
    patient.refresh_from_db()
    assert patient.ehr_id == "pat-7"
    assert "pat-7" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))
