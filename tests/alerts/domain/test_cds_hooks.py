"""What another system says about a look at a patient is read with care, whatever it holds."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.cds_hooks import (
    ORDER_SELECT,
    PATIENT_VIEW,
    SUMMARY_CHARS,
    Answered,
    HookCall,
    NotAHook,
    Order,
    card,
    detail,
    feedback,
    hook_call,
    summary,
)

CARD = uuid4()
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
)


def a_call(**context: Any) -> dict[str, Any]:
    return {
        "hook": PATIENT_VIEW,
        "hookInstance": "d1577c69",
        "fhirServer": "https://ehr.example/r4",
        "fhirAuthorization": {"access_token": "never to be kept"},
        "context": {"userId": "Practitioner/7", "patientId": "ehr-1"} | context,
    }


def an_order(*ids: str, **draft: Any) -> dict[str, Any]:
    request = {"resourceType": "MedicationRequest", "id": "m1", "status": "draft"} | draft
    entry = [{"resource": request}, {"resource": {"resourceType": "ServiceRequest", "id": "s1"}}]
    return a_call(selections=list(ids), draftOrders={"resourceType": "Bundle", "entry": entry}) | {
        "hook": ORDER_SELECT
    }


def test_a_look_at_a_patient() -> None:
    call = hook_call(a_call(), PATIENT_VIEW)
    assert call == HookCall(PATIENT_VIEW, "Practitioner/7", "ehr-1", "https://ehr.example/r4")
    assert "never to be kept" not in repr(call)
    assert hook_call(a_call(patientId="Patient/ehr-1"), PATIENT_VIEW).patient == "ehr-1"


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ([], "The body"),
        (a_call() | {"hook": ORDER_SELECT}, "hook "),
        (a_call() | {"hookInstance": ""}, "hookInstance"),
        (a_call() | {"context": None}, "context"),
        (a_call(patientId=None), "patientId"),
        (a_call(patientId="a/b"), "patientId"),
        (a_call(patientId="a" * 65), "patientId"),
        (a_call(userId="7"), "userId"),
        (a_call(userId="Device/7"), "userId"),
    ],
)
def test_what_is_no_look_is_refused_by_the_member(body: Any, member: str) -> None:
    with pytest.raises(NotAHook, match=member):
        hook_call(body, PATIENT_VIEW)


SERTRALINE = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "36437"}


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (
            {"medicationCodeableConcept": {"coding": [SERTRALINE | {"display": "sertraline"}]}},
            Order(((SERTRALINE["system"], "36437"),), ("sertraline",)),
        ),
        ({"medicationCodeableConcept": {"text": " Zoloft "}}, Order((), ("Zoloft",))),
        (
            {
                "medicationReference": {"reference": "#med", "display": "Zoloft"},
                "contained": [{"resourceType": "Medication", "id": "med", "code": {"text": "s"}}],
            },
            Order((), ("Zoloft", "s")),
        ),
        ({"medicationReference": {"reference": "Medication/s1"}}, Order((), ())),
        ({"medicationCodeableConcept": [], "contained": 7}, Order((), ())),
    ],
)
def test_a_selected_order_is_read(draft: dict[str, Any], expected: Order) -> None:
    call = hook_call(an_order("MedicationRequest/m1", "ServiceRequest/s1", **draft), ORDER_SELECT)
    assert call.orders == (expected,)


def test_an_order_that_is_not_selected_is_not_read() -> None:
    drug = {"medicationCodeableConcept": {"text": "sertraline"}}
    assert hook_call(an_order("MedicationRequest/m2", **drug), ORDER_SELECT).orders == ()
    assert hook_call(an_order(**drug), ORDER_SELECT).orders == ()


@given(JSON, JSON, JSON)
def test_whatever_the_body_holds_it_is_a_call_or_refused(
    body: Any, drafts: Any, chosen: Any
) -> None:
    for one in (body, a_call() | {"context": body}):
        with suppress(NotAHook):
            hook_call(one, PATIENT_VIEW)
    wild = a_call(selections=chosen, draftOrders=drafts) | {"hook": ORDER_SELECT}
    assert isinstance(hook_call(wild, ORDER_SELECT), HookCall)
    wild = a_call(
        selections=["MedicationRequest/m1"],
        draftOrders={"entry": [{"resource": {"resourceType": "MedicationRequest", "id": "m1",
                                             "medicationCodeableConcept": drafts,
                                             "medicationReference": chosen, "contained": body}}]},
    ) | {"hook": ORDER_SELECT}  # fmt: skip
    assert len(hook_call(wild, ORDER_SELECT).orders) == 1


def test_feedback_of_both_outcomes() -> None:
    reason = {"code": "data-artifact", "system": "urn:clarity:dismiss-reason"}
    given_back = [
        {"card": str(CARD), "outcome": "accepted", "acceptedSuggestions": [{"id": "x"}]},
        {"card": str(CARD), "outcome": "overridden"},
        {
            "card": str(CARD),
            "outcome": "overridden",
            "overrideReason": {"reason": reason, "userComment": " Band was\x00 lent. "},
        },
        {
            "card": str(CARD),
            "outcome": "overridden",
            "overrideReason": {"userComment": "No\ud800."},
        },
        {
            "card": str(CARD),
            "outcome": "overridden",
            "overrideReason": {"reason": {"code": "\x00"}},
        },
        *(
            {"card": str(CARD), "outcome": "overridden", "overrideReason": {"reason": one}}
            for one in (
                {"code": "other"},
                {"code": "other", "system": ""},
                "other",
                reason | {"system": "https://ehr.example/reasons"},
                reason | {"system": ["urn:clarity:dismiss-reason"]},
            )
        ),
    ]
    assert feedback({"feedback": given_back}) == (
        Answered(CARD, "accepted"),
        Answered(CARD, "overridden"),
        Answered(CARD, "overridden", "data-artifact", "Band was lent."),
        Answered(CARD, "overridden", "", "No?."),
        Answered(CARD, "overridden"),
        Answered(CARD, "overridden", "other"),
        Answered(CARD, "overridden", "other"),
        Answered(CARD, "overridden", "other"),
        Answered(CARD, "overridden"),
        Answered(CARD, "overridden"),
    )


@given(JSON)
def test_whatever_feedback_holds_it_is_answers_or_refused(body: Any) -> None:
    one = {"card": str(CARD), "outcome": "overridden", "overrideReason": body}
    assert len(feedback({"feedback": [one]})) == 1
    for given_back in (body, {"feedback": body}, {"feedback": [body]}, {"feedback": []}):
        with pytest.raises(NotAHook):
            feedback(given_back)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_a_summary_is_always_under_140_characters(sentences: list[str]) -> None:
    told = summary(*sentences)
    assert len(told) <= SUMMARY_CHARS < 140
    assert told.startswith(sentences[0][:SUMMARY_CHARS])


def test_text_of_a_detail_is_no_markup() -> None:
    told = detail(["First *line*.", "a <b>[link](x)</b>", "c_d"])
    assert told == "First \\*line\\*.\n\n- a \\<b\\>\\[link\\](x)\\</b\\>\n- c\\_d"


@pytest.mark.parametrize(("tier", "indicator"), [("High", "warning"), ("Moderate", "info")])
def test_a_card_is_never_critical(tier: str, indicator: str) -> None:
    made = card(
        uuid=CARD, summary="S.", detail="D.", tier=tier, source="https://c.example/",
        links=[("Open", "https://c.example/launch/", "smart"), ("More", "https://x/", "absolute")],
        reasons=[("other", "Other")], acknowledge="Acknowledge",
    )  # fmt: skip
    assert made["indicator"] == indicator
    assert made["links"][0]["appContext"] == str(CARD) and "appContext" not in made["links"][1]
    assert made["suggestions"][0]["uuid"] not in ("", str(CARD))
    assert made["selectionBehavior"] == "at-most-one"
    without = card(
        uuid=CARD, summary="S.", detail="D.", tier=tier, source="s", links=[], reasons=[]
    )
    assert not {"suggestions", "selectionBehavior"} & set(without)
