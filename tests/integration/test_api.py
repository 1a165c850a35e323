"""The API: the panel's own rows and filters, scores by day, alerts by state; bounded queries."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from drf_spectacular.validation import validate_schema

from alerts.domain.panel import CHOICES, Wanted
from alerts.panel import Asker, panel_page
from patients.models import AuditEvent, Role, User
from scoring.models import RiskScore
from tests import factories
from tests.integration.reading import browser, yesterday

pytestmark = pytest.mark.django_db
MOST_QUERIES = 8


def caseload(who: User, size: int = 6) -> None:
    """Patients at every tier, some with alerts, drugs and questionnaires."""
    for number in range(size):
        patient = factories.patient(f"P-{number:02}", [who], diagnosis="mdd" if number % 2 else "")
        risk: list[tuple[float | None, float | None]] = [
            (0.2, 0.9), (0.6, 0.1), (None, None), (0.1, 0.1)
        ]  # fmt: skip
        score = factories.score(patient, yesterday(), *risk[number % 4])
        if number % 3 == 0:
            factories.alert(score, "mania", "High", "acknowledged" if number else "new")
            factories.medication(patient)
            factories.questionnaire(patient)


def rows(client: Client, address: str) -> list[Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, choices in CHOICES.items() for value in choices],
)
def test_patients_are_filtered_and_sorted_as_the_panel_is(name: str, value: str) -> None:
    client, who = browser()
    caseload(who)
    panel = panel_page(Asker.of(who, timezone.now()), Wanted.of({name: value}))
    wanted = [patient.code for patient in panel]
    assert [row["code"] for row in rows(client, f"/api/v1/patients/?{name}={value}")] == wanted


def test_some_filters_leave_somebody_out() -> None:
    client, who = browser()
    caseload(who)
    for query in ("tier=High", "alert=waiting", "drug=antidepressant", "diagnosis=mdd", "q=p-01"):
        assert 0 < len(rows(client, f"/api/v1/patients/?{query}")) < 6, query


def test_a_row_tells_what_the_panel_shows() -> None:
    client, who = browser()
    caseload(who, 1)
    [row] = rows(client, "/api/v1/patients/")
    assert (row["tier"], row["open_alerts"], row["drug_classes"]) == ("High", 1, ["ssri"])
    assert row["mania"] == {
        "tier": "High", "probability": 0.9, "coverage": 0.93, "change_points": None
    }  # fmt: skip
    assert row["alerts"][0] | {"id": 0} == {
        "id": 0, "kind": "mania", "tier": "High", "state": "new", "holder": None
    }  # fmt: skip
    assert row["phq"]["total"] == sum(factories.PHQ9) and row["asrm"] is None


def test_an_indeterminate_row_has_no_number() -> None:
    client, who = browser()
    caseload(who, 3)
    [row] = rows(client, "/api/v1/patients/?tier=Indeterminate")
    assert row["probability"] is row["depression"]["probability"] is row["mania"]["tier"] is None


def test_pages_follow_one_another() -> None:
    client, who = browser()
    caseload(who)
    first = client.get("/api/v1/patients/?limit=4&sort=code").json()
    rest = client.get(first["next"]).json()
    codes = [row["code"] for row in first["results"] + rest["results"]]
    assert codes == sorted(codes) and len(codes) == first["count"] == 6
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("/api/v1/patients/?tier=Tall", "tier"),
        ("/api/v1/patients/?sort=name", "sort"),
        ("/api/v1/scores/", "patient"),
        ("/api/v1/scores/?patient=P-00&first_day=soon", "first_day"),
        ("/api/v1/scores/?patient=P-00&first_day=2026-02-02&last_day=2026-02-01", "last_day"),
        ("/api/v1/alerts/?state=old", "state"),
        ("/api/v1/alerts/?kind=weather", "kind"),
    ],
)
def test_a_question_without_sense_is_refused_by_its_name(address: str, field: str) -> None:
    client, who = browser()
    caseload(who, 1)
    answer = client.get(address)
    assert answer.status_code == 400 and list(answer.json()) == [field]
    assert not AuditEvent.objects.exists()


def test_scores_of_some_days_and_each_reading_is_written_down() -> None:
    client, who = browser()
    patient, last = factories.patient("P-1", [who]), yesterday()
    factories.history(patient, last, 10, lambda back: None if back == 4 else 0.2, lambda back: None)
    query = f"first_day={last - timedelta(days=5)}&last_day={last - timedelta(days=3)}"
    found = rows(client, f"/api/v1/scores/?patient=P-1&{query}")
    assert [row["day"] for row in found] == [
        (last - timedelta(days=back)).isoformat() for back in (3, 4, 5)
    ]
    assert [row["probability"] for row in found] == [0.2, None, 0.2]
    assert [row["depression"]["status"] for row in found] == ["ok", "unavailable", "ok"]
    assert AuditEvent.objects.filter(patient_code="P-1", actor=who.username).count() == 1


def test_alerts_by_state_kind_tier_and_patient() -> None:
    client, who = browser()
    caseload(who)
    other = factories.patient("P-50", [who])
    factories.alert(
        factories.score(other, yesterday(), 0.6, 0.1), "depression", "Moderate", "dismissed"
    )
    for query, count in (
        ("", 3), ("state=open", 2), ("state=new", 1), ("state=acknowledged", 1),
        ("kind=depression", 1), ("tier=High", 2), ("patient=P-50", 1), ("patient=P-51", 0),
        ("state=open&patient=P-50", 0),
    ):  # fmt: skip
        assert len(rows(client, f"/api/v1/alerts/?{query}")) == count, query
    [held] = rows(client, "/api/v1/alerts/?state=acknowledged")
    assert (held["holder"], held["message"]) == ("dr.grey", "delivered")


def test_nobody_elses_patient_is_in_any_list() -> None:
    caseload(factories.user())
    client, _ = browser()
    for name in ("patients", "alerts"):
        assert client.get(f"/api/v1/{name}/").json()["count"] == 0
    assert browser(Role.ADMINISTRATOR)[0].get("/api/v1/patients/").json()["count"] == 6


@pytest.mark.parametrize("name", ["patients/", "alerts/", "scores/?patient=P-00"])
def test_queries_do_not_grow_with_the_rows(name: str) -> None:
    client, who = browser()
    caseload(who, 4)
    taken = []
    for more in (0, 20):
        for number in range(more):
            caseload_more(who, number)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/api/v1/{name}").status_code == 200
        taken.append(len(queries))
    assert taken[0] == taken[1] <= MOST_QUERIES + 4, taken


def caseload_more(who: User, number: int) -> None:
    """Another patient with an alert, and another day of the first."""
    patient = factories.patient(f"Q-{number:02}", [who])
    factories.alert(factories.score(patient, yesterday(), 0.2, 0.9))
    first = RiskScore.objects.filter(patient__code="P-00").earliest("day").patient
    factories.score(first, yesterday() - timedelta(days=number + 1))


def test_no_answer_is_kept_on_the_way() -> None:
    client, who = browser()
    caseload(who, 1)
    for name in (
        "patients/",
        "patients/P-00/",
        "scores/?patient=P-00",
        "alerts/",
        "alerts/?state=x",
    ):
        assert client.get(f"/api/v1/{name}")["Cache-Control"] == "no-store", name


def test_the_document_is_valid_and_describes_refusals_and_pages() -> None:
    client, _ = browser()
    document = client.get("/api/v1/schema/?format=json").json()
    validate_schema(yaml.safe_load(client.get("/api/v1/schema/").content))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert any(code.startswith("2") for code in answers), path
            assert any(code.startswith("4") for code in answers), f"{method} {path}"
            assert operation.get("description"), f"{method} {path}"
    page = document["paths"]["/api/v1/patients/"]["get"]["responses"]["200"]
    [shape] = page["content"].values()
    name = shape["schema"]["$ref"].rsplit("/")[-1]
    assert set(document["components"]["schemas"][name]["properties"]) == {
        "count", "next", "previous", "results"
    }  # fmt: skip
