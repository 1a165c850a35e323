"""CDS Hooks: an antidepressant is selected while mania risk is raised."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from jsonschema import validate

from alerts.cds import antidepressant
from alerts.context_settle import term_settle
from alerts.domain.cds_hooks import hook_call
from alerts.models import EhrTerm
from scoring.domain.output import RESEARCH_USE
from tests import factories
from tests.hooks import ORDER, alerted, body, call, followed, mapped, ordering
from tests.hooks import calling_ehr as calling_ehr
from tests.integration.test_cds import CARD_SHAPE

pytestmark = pytest.mark.django_db
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
RXNORM_OID = "urn:oid:2.16.840.1.113883.6.88"
ATC = "http://www.whocc.no/atc"


@pytest.mark.parametrize(
    ("concept", "drug"),
    [
        ({"coding": [{"system": RXNORM, "code": "36437"}]}, "sertraline"),
        ({"coding": [{"system": ATC, "code": "N06AB06"}]}, "sertraline"),
        ({"coding": [{"system": ATC, "code": "N06AA09"}]}, "N06AA09|amitriptyline"),
        ({"coding": [{"system": ATC, "code": "N06AX16"}]}, "venlafaxine"),
        ({"coding": [{"system": "urn:oid:2.16.840.1.113883.6.73", "code": "n06ab"}]}, "n06ab"),
        ({"coding": [{"system": RXNORM_OID, "code": "36437"}]}, "sertraline"),
        ({"text": "Sertraline 50 MG Oral Tablet"}, "sertraline"),
        ({"text": "olanzapine 6 MG / fluoxetine 25 MG Oral Capsule"}, "fluoxetine"),
        ({"text": "fluoxetine 25 MG / olanzapine 6 MG Oral Capsule [Symbyax]"}, "fluoxetine"),
        ({"text": "dextromethorphan 45 mg + bupropion 105 mg"}, "bupropion"),
        ({"text": "Zoloft 50 mg"}, "sertraline"),
        ({"text": "Effexor XR 75 mg"}, "venlafaxine"),
        ({"text": "sertraline (Zoloft) 50 mg tablet"}, "sertraline"),
        ({"text": "SSRI of the house (Zoloft)"}, "sertraline"),
        ({"text": "sertraline Oral Tablet"}, "sertraline"),
        ({"text": "24 HR venlafaxine Extended Release Oral Capsule"}, "venlafaxine"),
        ({"text": "50 mg sertraline, tablets"}, "sertraline"),
        (
            {
                "coding": [
                    {
                        "system": RXNORM,
                        "code": "312940",
                        "display": "sertraline 25 MG Oral Tablet",
                    }
                ]
            },
            "sertraline",
        ),
    ],
)
def test_an_antidepressant_selected_while_mania_is_raised_gives_a_card(
    concept: dict[str, Any], drug: str
) -> None:
    alerted(followed(mapped(), mania=0.4), tier="Moderate")
    [card] = call(ORDER, **ordering(**concept))
    validate(card, CARD_SHAPE)
    assert card["summary"].startswith(RESEARCH_USE)
    assert "Mania risk indicator: Moderate. Consider reviewing this" in card["summary"]
    assert re.search(rf"An antidepressant is selected: ({drug})\.", card["detail"])


@pytest.mark.parametrize(
    "concept",
    [
        {"text": "lithium carbonate"},
        {"text": "olanzapine 6 MG / samidorphan 10 MG Oral Tablet (Lybalvi)"},
        {"text": "a new drug"},
        {"coding": [{"system": RXNORM, "code": "99999999"}]},
        {"coding": [{"system": "urn:local", "code": "36437"}]},
        {"coding": [{"system": ATC, "code": "N06AA<script>"}]},
        {"coding": [{"system": ATC, "code": "N06BA04"}]},
        {},
    ],
)
def test_another_drug_and_one_that_is_not_known_give_no_card(concept: dict[str, Any]) -> None:
    alerted(followed(mapped()))
    assert call(ORDER, **ordering(**concept)) == []


LOCAL = {"system": "urn:hospital:drugs", "code": "D-17", "display": "House SSRI"}


@pytest.mark.parametrize(
    ("concept", "system", "code"),
    [
        ({"coding": [LOCAL]}, LOCAL["system"], LOCAL["code"]),
        ({"text": "The House Drug"}, "text", "the house drug"),
    ],
)
def test_what_a_person_said_a_code_means_counts(
    concept: dict[str, Any], system: str, code: str, django_assert_num_queries: Any
) -> None:
    alerted(followed(mapped()))
    term = EhrTerm.objects.create(kind=EhrTerm.Kind.DRUG, system=system, code=code, words="House X")
    assert call(ORDER, **ordering(**concept)) == []
    term_settle(term=term, meaning="antipsychotic", by=factories.user())
    assert call(ORDER, **ordering(**concept)) == []
    term_settle(term=term, meaning="ssri", by=factories.user())
    [card] = call(ORDER, **ordering(**concept))
    assert "An antidepressant is selected: House X." in card["detail"]
    orders = hook_call(body(ORDER, **ordering(**concept)), "order-select").orders
    with django_assert_num_queries(1):
        assert antidepressant(orders * 20) == "House X"


@pytest.mark.parametrize("text", ["Zoloft 50 mg", "olanzapine / fluoxetine"])
def test_the_table_is_asked_without_the_database(text: str, django_assert_num_queries: Any) -> None:
    orders = hook_call(body(ORDER, **ordering(text=text)), "order-select").orders
    with django_assert_num_queries(0):
        assert antidepressant(orders)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "stopped"},
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"status": "draft", "doNotPerform": True},
    ],
)
def test_a_draft_that_is_not_to_be_given_gives_no_card(changes: dict[str, Any]) -> None:
    alerted(followed(mapped()))
    context = ordering(text="sertraline")
    context["draftOrders"]["entry"][0]["resource"] |= {"status": "draft", "doNotPerform": False}
    assert len(call(ORDER, **context)) == 1
    context["draftOrders"]["entry"][0]["resource"] |= changes
    assert call(ORDER, **context) == []


def test_odd_letters_of_a_draft_do_no_harm() -> None:
    alerted(followed(mapped()))
    coded = {"system": "urn:\x00", "code": "\ud800", "display": "a\x00b"}
    assert call(ORDER, **ordering(coding=[coded], text="\ud800")) == []


def test_an_order_while_mania_is_low_gives_no_card() -> None:
    patient = followed(mapped(), mania=0.1, depression=0.9)
    alerted(patient, "depression")
    assert call(ORDER, **ordering(text="sertraline")) == []


@pytest.mark.parametrize(("days", "cards"), [(1, 1), (3, 1), (4, 0)])
def test_a_score_without_an_alert_counts_while_it_is_fresh(days: int, cards: int) -> None:
    patient = factories.patient("P-1", [mapped()], ehr_id="ehr-1", zone="UTC")
    day = timezone.now().date() - timedelta(days=days)
    factories.score(patient, day, 0.2, 0.4)
    found = call(ORDER, **ordering(text="sertraline"))
    assert len(found) == cards
    if found:
        assert "suggestions" not in found[0]  # there is no alert to acknowledge


def test_what_to_consider_about_the_drug_has_its_source() -> None:
    patient = followed(mapped())
    patient.diagnosis, patient.medication_list_available = "bipolar_1", True
    patient.save()
    alerted(patient)
    [card] = call(ORDER, **ordering(text="sertraline"))
    assert "consider stopping it at early signs of mania" in card["detail"]
    assert "(sertraline)" in card["detail"]
    assert "Acute mania, step 1 (unverified)" in card["detail"]
