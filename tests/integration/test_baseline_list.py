"""The list of baselines: where each patient stands, and who waits for a decision."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patients.models import Patient
from tests import factories
from tests.days import days_store
from tests.integration.reading import text, yesterday
from tests.integration.test_baseline_pages import client as client
from tests.integration.test_baseline_pages import patient as patient

pytestmark = pytest.mark.django_db


def test_the_list_says_where_each_patient_stands(client: Client, patient: Patient) -> None:
    days_store(patient, yesterday(), 12)
    factories.baseline(factories.patient("P-2"), "proposed")
    old = (("P-3", "approved", 57), ("P-4", "frozen", 57), ("P-5", "approved", 54))
    for code, state, days in old:
        at = timezone.now() - timedelta(days=days)
        last = timezone.localdate() - timedelta(days=days)
        factories.baseline(factories.patient(code), state, last_day=last, decided_at=at)
    days_store(factories.patient("P-6"), yesterday(), 30)
    words = text(client.get("/baselines/"))
    parts = {code: words.split(f" {code} ", 2)[1] for code in ("P-1", "P-2", "P-3", "P-4", "P-6")}
    assert "run-in day 12 of 30" in parts["P-1"]
    assert "proposal waiting" in parts["P-2"] and "28 days used" in parts["P-2"]
    assert "approved since" in parts["P-3"] and "refresh due" in parts["P-3"]
    assert "frozen" in parts["P-4"] and "refresh due" not in parts["P-4"]
    assert "run-in over" in parts["P-6"]
    assert "refresh due" not in words.split(" P-5 ")[1].split(" P-6 ")[0]
    assert words.index(" P-2 ") < words.index(" P-3 ") < words.index(" P-1 ")
    assert "1 waits." in words and "unverified" in words


def test_the_list_finds_patients_by_code_and_those_with_a_proposal(client: Client) -> None:
    for code, state in (("P-1", "approved"), ("P-2", "proposed"), ("Q-3", "proposed")):
        factories.baseline(factories.patient(code), state)

    def shown(query: str) -> list[str]:
        body = client.get(f"/baselines/?{query}").content.decode()
        return re.findall(r'<th scope="row"><a href="/baselines/([\w-]+)/"', body)

    assert shown("") == ["P-2", "Q-3", "P-1"]
    assert shown("only=waiting") == ["P-2", "Q-3"]
    assert shown("only=waiting&q=q-") == ["Q-3"]


def test_a_long_list_comes_in_pages(client: Client) -> None:
    for n in range(51):
        factories.baseline(factories.patient(f"P-{n:02}"), "proposed" if n == 50 else "approved")
    first = text(client.get("/baselines/"))
    assert first.index("P-50") < first.index("P-00") and "P-49" not in first
    assert "P-49" in text(client.get("/baselines/?page=2"))


def test_the_list_needs_few_queries(client: Client, django_assert_max_num_queries: Any) -> None:
    for n in range(12):
        factories.baseline(factories.patient(), "proposed" if n % 2 else "approved")
    with django_assert_max_num_queries(9):
        client.get("/baselines/")
