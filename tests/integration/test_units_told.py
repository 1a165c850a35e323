"""Numbers of the patient's page, the models' page and the table to take away say their unit."""

import csv
import io

import pytest
from django.utils import timezone

from alerts.domain.panel import Wanted
from alerts.panel import Asker
from alerts.presenters.panel_csv import csv_rows
from patients.models import Role
from patients.templatetags.clarity import number, quantity
from scoring.presenters.model_facts import FromTier, Share, _measures
from tests import factories
from tests.integration.reading import browser, text, yesterday


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.28, "share of the day", "28\u202f% of the day"),
        (0.72, "ratio", "0.72 (ratio)"),
        (1465, "a day", "1,465 a day"),
        (0.43, "0 to 1", "0.43 (0 to 1)"),
        (13966.4, "", "13,966"),
    ],
)
def test_a_quantity_says_its_unit(value: float, unit: str, words: str) -> None:
    assert quantity(value, unit) == words


def test_a_number_has_one_way_of_thousands() -> None:
    assert [number(v) for v in (999, 1009, 8630.2, -29054)] == ["999", "1,009", "8,630", "−29,054"]


def test_a_models_measures_say_their_scale_and_of_what() -> None:
    told = dict(_measures({"n": 29054, "people": 519, "brier": 0.12, "ece": 0.028}))
    assert told["Person-days"] == 29054 and told["people"] == 519 and "n" not in told
    assert told["brier"] == "0.12 (0 to 1)" and told["ece"] == "0.03 (0 to 1)"
    share = Share("", 0.5, None)
    days = {5: "5 d before onset", -5: "5 d after onset", 0: "on the day of onset"}
    for lead, words in days.items():
        assert FromTier("High", [], 3, share, lead, None).lead == words


@pytest.mark.django_db
def test_the_table_to_take_away_names_the_questionnaire_and_rounds() -> None:
    _, me = browser(Role.PSYCHIATRIST)
    patient = factories.patient("P-1", [me])
    factories.score(patient, yesterday(), 0.123456789, 0.1)
    factories.questionnaire(patient, taken_at=timezone.now())
    out = io.StringIO()
    csv.writer(out).writerows(csv_rows(Asker(me, timezone.now()), Wanted()))
    [row] = csv.DictReader(io.StringIO(out.getvalue()))
    assert row["PHQ which"] == "phq9" and float(row["PHQ total (points)"]) == 11
    assert row["depression probability (0 to 1)"] == "0.1235"
    assert all(len(value) < 7 for name, value in row.items() if "(0 to 1)" in name)


@pytest.mark.django_db
def test_the_weights_of_a_decision_are_in_percent() -> None:
    client, me = browser(Role.PSYCHIATRIST)
    reasons = [{"code": "weights", "text": "Weights: depression 0.60, mania 0.40."}]
    factories.score(factories.patient("P-1", [me]), yesterday(), 0.6, 0.2, reasons=reasons)
    assert "Weights: depression 60 %, mania 40 %." in text(client.get("/patients/P-1/"))
