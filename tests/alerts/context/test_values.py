"""What is read of FHIR's JSON never fails, whatever is in it."""

import copy
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.fhir.context.care_team import team_told
from alerts.fhir.context.condition import condition_told
from alerts.fhir.context.medication import request_told, statement_told
from alerts.fhir.context.patient import ids_of, patient_told
from alerts.fhir.context.questionnaire import observation_told, response_told
from alerts.fhir.context.values import as_plain, day_told, moment_told, reference_id
from alerts.resources import ehr_codes
from patients.domain.days import ZoneHistory
from patients.resources import instruments
from tests.alerts.context.records import (
    PHQ9,
    care_team,
    condition,
    observation,
    parts,
    request,
    response,
)

ZONES = ZoneHistory.of("America/Toronto")
WHEN = "2026-02-03T09:30:00-05:00"
WHOLE: list[dict[str, Any]] = [
    request("m-1"),
    condition("c-1"),
    response("q-1", (1,) * 9, WHEN),
    observation("o-1", "44261-6", WHEN, valueQuantity={"value": 3}),
    observation("o-2", "44249-1", WHEN, **parts(PHQ9, (1,) * 9)),
    observation("o-3", "b", WHEN, "a", **parts("abcde", (1,) * 5)),
    care_team("t-1", "Practitioner/a", period={"start": "2026-01-01"}),
]
JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def told(resource: dict[str, Any]) -> list[Any]:
    """Everything that is made of a resource, whatever its type says."""
    codes = ehr_codes()
    return [
        request_told(resource, ZONES.local_day, {"x": resource}),
        statement_told(resource, ZONES.local_day, {"x": resource}),
        condition_told(resource, codes, {("a", "b"): "mdd"}),
        response_told(resource, codes, {"": "asrm"}, instruments(), ZONES),
        observation_told(resource, codes, {("a", "b"): "asrm"}, instruments(), ZONES),
        team_told(resource, ZONES.local_day, {"PractitionerRole/x": resource}),
        patient_told(resource),
        ids_of([resource], "a", "b"),
    ]


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@given(st.data())
def test_no_part_of_a_resource_can_be_such_that_reading_fails(data: st.DataObject) -> None:
    resource = copy.deepcopy(data.draw(st.sampled_from(WHOLE)))
    where = places(resource)
    chosen = st.lists(st.integers(0, len(where) - 1), min_size=1, max_size=3)
    for holder, key in map(where.__getitem__, data.draw(chosen)):
        holder[key] = data.draw(JUNK)
    for value in told(resource):
        if hasattr(value, "fate"):
            as_plain(value)


@given(JUNK)
def test_no_day_moment_or_reference_fails(value: Any) -> None:
    day_told(value, ZONES.local_day)
    moment_told(value)
    reference_id({"reference": value}, "Patient")


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-02-03", date(2026, 2, 3)),
        ("2026-02-03T23:30:00-05:00", date(2026, 2, 3)),
        ("2026-02-04T03:30:00Z", date(2026, 2, 3)),  # Toronto's day
        ("2026-02", None),
        ("2026", None),
        ("2026-02-30", None),
        ("2026-02-03T10:00:00", None),  # of which zone is not told
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_a_day_is_the_patients_or_is_not_told(value: str, day: date | None) -> None:
    assert day_told(value, ZONES.local_day) == day


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Patient/a-1", "a-1"),
        ("https://ehr.example/fhir/R4/Patient/a-1/_history/3", "a-1"),
        ("Practitioner/a-1", ""),
        ("Patient/", ""),
        ("Patient/../x", ""),
        ("urn:uuid:5", ""),
    ],
)
def test_a_reference_names_one_resource_of_its_kind(reference: str, found: str) -> None:
    assert reference_id({"reference": reference}, "Patient") == found


def test_a_moment_keeps_its_offset() -> None:
    assert moment_told(WHEN) == datetime(2026, 2, 3, 14, 30, tzinfo=UTC)
