"""The ways by which a message reaches an EHR: what is chosen, and how it looks on each."""

import json
import stat
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import requests

from alerts.fhir.answers import TemporaryFailure
from alerts.fhir.capability import NotFhir, capability, choose
from alerts.fhir.communication import communication
from alerts.fhir.folder import written
from alerts.fhir.modelled import InvalidResource
from alerts.fhir.resources import communication_request
from tests.alerts.fhir.messages import TEXT, alert_message
from tests.fhir_server import FhirServer

REQUEST = communication_request(alert_message())


def statement(resources: dict[str, list[str]], **more: Any) -> dict[str, Any]:
    rows = [
        {"type": kind, "interaction": [{"code": it} for it in codes]}
        for kind, codes in resources.items()
    ]
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [{"mode": "server", "resource": rows}],
    } | more


# As published in 2026: what each lists for these types.
EPIC = statement(
    {"Communication": ["create", "read", "search-type"], "Observation": ["create", "read"]},
    software={"name": "Epic", "version": "May 2026"},
)
ORACLE = statement(
    {"Communication": ["create", "patch", "read"], "Observation": ["create", "update"]},
    software={"name": "Oracle Health Millennium"},
)


@pytest.mark.parametrize(
    ("stated", "folder", "target"),
    [
        (statement({"CommunicationRequest": ["create"], "Communication": ["create"]}), "", 0),
        (EPIC, "", 1),
        (ORACLE, "/srv/engine", 1),
        (statement({"CommunicationRequest": ["read"]}), "/srv/engine", 2),
        (statement({}), "", 3),
    ],
)
def test_the_way_is_chosen_by_what_the_server_lists(
    stated: dict[str, Any], folder: str, target: int
) -> None:
    choice = choose(capability(stated), folder)
    assert choice.target == ("CommunicationRequest", "Communication", "folder", "")[target]
    assert choice.why.endswith(".")


def test_a_vendor_whose_observations_are_vital_signs_gets_no_results() -> None:
    plain = statement({"Observation": ["create"], "RiskAssessment": ["create", "read"]})
    assert capability(plain).results == ("Observation", "RiskAssessment")
    assert (capability(EPIC).results, capability(EPIC).vendor) == ((), "Epic")
    assert (capability(ORACLE).results, capability(ORACLE).vendor) == ((), "Oracle Health")


def test_the_search_by_identifier_is_known_to_be_missing() -> None:
    row = {"type": "Communication", "interaction": [{"code": "search-type"}]}
    listed = {"mode": "server", "resource": [row | {"searchParam": [{"name": "patient"}]}]}
    assert not capability(statement({}, rest=[listed])).by_identifier
    untold = {"mode": "server", "resource": [row]}
    assert capability(statement({}, rest=[untold])).by_identifier == {"Communication"}


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"resourceType": "Bundle"},
        statement({}, fhirVersion="3.0.2"),
        EPIC | {"fhirVersion": None},
    ],
)
def test_what_is_no_r4_server_is_said_so(stated: dict[str, Any]) -> None:
    with pytest.raises(NotFhir, match="EHR"):
        capability(stated)


def test_a_communication_is_as_narrow_as_what_is_published(fhir_server: FhirServer) -> None:
    found = communication(REQUEST)
    [payload] = found["payload"]
    assert payload["contentAttachment"]["contentType"] == "text/plain"
    text = b64decode(payload["contentAttachment"]["data"]).decode()
    assert text.startswith("Research use: ") and TEXT in text
    assert text.endswith("Model boosted-me 0.1 (simulated)")
    assert found["priority"] == "urgent" and found["identifier"] == REQUEST["identifier"]
    assert found["recipient"] == [{"reference": "Practitioner/dr-1"}]  # no CareTeam
    assert not {"contained", "note", "sender", "reasonReference"} & found.keys()
    url = f"{fhir_server.base_url}/Communication"
    assert requests.post(url, json=found, timeout=20).status_code == 201


def test_a_communication_to_nobody_is_refused_saying_what_to_set() -> None:
    to_a_team = communication_request(alert_message(recipient_references=("CareTeam/team-2",)))
    with pytest.raises(InvalidResource, match="EHR_RECIPIENT"):
        communication(to_a_team)


def test_a_file_is_whole_private_and_there_once(tmp_path: Path) -> None:
    folder = tmp_path / "to" / "engine"
    first, second = written(folder, REQUEST), written(folder, REQUEST)
    assert first == second
    [file] = folder.iterdir()
    assert json.loads(file.read_text()) == REQUEST
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    written(folder, REQUEST | {"status": "revoked"})
    assert {it.name.rsplit("-", 1)[1] for it in folder.iterdir()} == {"active.json", "revoked.json"}


def test_a_folder_that_cannot_be_written_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TemporaryFailure, match="EHR_FOLDER"):
        written(tmp_path / "file", REQUEST)
