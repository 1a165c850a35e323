"""A tier by a rule is named as a rule's on every page, and never reads as the model's number."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.presenters.cards import alert_cards
from alerts.presenters.words import within
from alerts.selectors import alerts_visible_to
from alerts.services import alerts_consider
from patients.models import Patient, User
from scoring.models import RiskScore
from scoring.summaries import summaries_refresh
from tests import factories
from tests.integration.reading import browser, text, yesterday

pytestmark = pytest.mark.django_db

RULE = "Early-warning rule: under 4 h of sleep on 3 nights in a row. A rule, not a model."
STEPS_LESS = factories.contribution("Steps", 1465, "a day", 4000, -11.0)
SLEEP_LESS = factories.contribution("Asleep in 24 h", 3.4, "h", 7.1, 6.0)


def raised(patient: Patient, probability: float | None, day: Any = None) -> RiskScore:
    """A High of mania by the rule, over what the model says."""
    made = factories.score(patient, day or yesterday(), 0.2, probability)
    made.tier, made.mania["tier"] = "High", "High"
    made.mania["contributions"] = [STEPS_LESS, SLEEP_LESS]
    made.reasons = [{"code": "early_warning_sleep", "text": RULE}]
    made.save(update_fields=["tier", "mania", "reasons"])
    summaries_refresh(patients=[patient.pk])
    return made


@pytest.fixture
def known() -> tuple[Client, User, Patient]:
    client, who = browser()
    return client, who, factories.patient("P-1", [who])


def test_the_pages_name_the_rule_beside_the_models_number(known: Any) -> None:
    client, _, patient = known
    raised(patient, 0.31)
    page = text(client.get("/patients/P-1/"))
    assert "That tier is by an early-warning rule, not by the model." in page
    assert "The model’s indicator is 31 % (Moderate)." in page
    assert "High by an early-warning rule the model: Moderate 31 %" in page
    assert f"overall 26 % {RULE}" in page
    assert "High by an early-warning rule (the model: Moderate, 31 %)" in text(
        client.get("/patients/P-1/summary/")
    )
    assert "by an early-warning rule" in text(client.get("/"))


def test_the_time_line_and_its_table_name_the_rule(known: Any) -> None:
    client, _, patient = known
    raised(patient, 0.31)
    drawn = json.loads(client.get("/patients/P-1/timeline.json?days=7").content)
    assert drawn["tracks"][1]["by_rule"] == [False] * 5 + [True, False]
    table = text(client.get("/patients/P-1/timeline/?days=7"))
    assert "High by an early-warning rule, the model: 31 %" in table


def test_a_high_of_the_models_own_is_no_rules(known: Any) -> None:
    client, _, patient = known
    raised(patient, 0.71)
    assert "early-warning rule (" not in text(client.get("/patients/P-1/summary/"))
    assert "by an early-warning rule" not in text(client.get("/"))


def test_a_cards_why_names_the_rule_and_nothing_that_lowers(known: Any) -> None:
    _, who, patient = known
    alerts_consider(score=raised(patient, 0.31), now=timezone.now())
    [card] = alert_cards(list(alerts_visible_to(who).filter(kind="mania")), who)
    assert card.why.startswith("An early-warning rule of sleep.") and "Steps" not in card.why


def test_a_cards_why_is_what_raises_the_indicator(known: Any) -> None:
    _, who, patient = known
    alerts_consider(score=raised(patient, 0.71), now=timezone.now())
    [card] = alert_cards(list(alerts_visible_to(who).filter(kind="mania")), who)
    assert card.why.endswith("Asleep in 24 h 3.4 h, usually 7.1 h: +6 points.")


def test_no_number_reads_as_the_edge_it_is_below(known: Any) -> None:
    client, _, patient = known
    made = factories.score(patient, yesterday(), 0.497, 0.1)
    made.depression["coverage"] = 0.298
    made.save(update_fields=["depression"])
    page, table = (text(client.get(f"/patients/P-1/{part}")) for part in ("", "timeline/?days=7"))
    assert "Low just under 50 %" in page and "just under 30 % of the week worn" in page
    assert "just under 50 % Low" in table and "50 % Low" not in table.replace("just under 50 %", "")


def test_a_card_says_that_somebody_is_told_again(known: Any) -> None:
    _, who, patient = known
    alerts_consider(score=raised(patient, 0.71), now=timezone.now())
    [card] = alert_cards(list(alerts_visible_to(who).filter(kind="mania")), who)
    told = {n.user.role for n in card.alert.notices.all()}
    assert ("is told again" in card.waiting) == ("psychiatrist" in told)
    assert told == {"psychiatrist"}


@pytest.mark.parametrize(
    ("hours", "words"),
    [(71, "3 days"), (48, "2 days"), (46.2, "47 hours"), (0.98, "59 minutes")],
)
def test_what_is_due_within_a_span_is_due_by_its_end(hours: float, words: str) -> None:
    assert within(timedelta(hours=hours)) == words


def test_a_clock_time_is_later_or_earlier_and_not_more() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    factories.score(patient, yesterday(), 0.2, 0.7)
    page = text(client.get("/patients/P-1/"))
    assert "00:40 later than usual" in page and "4.1 h less than usual" in page
