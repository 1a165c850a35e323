import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.fhir_server.fixtures import require_fhir_server
from tests.fhir_server.server import LOCK_FILE, FhirServer, Unavailable

FHIR = {"Content-Type": "application/fhir+json"}


def request_for(value: str, **changes: object) -> dict[str, object]:
    return {
        "resourceType": "CommunicationRequest",
        "identifier": [{"system": "urn:example:test", "value": value}],
        "status": "active",
        "priority": "routine",
        "payload": [{"contentString": "SECRET TEXT"}],
    } | changes


def post(server: FhirServer, resource: object, **headers: str) -> requests.Response:
    url = f"{server.base_url}/CommunicationRequest"
    return requests.post(url, json=resource, headers=FHIR | headers, timeout=10)


def test_create_answers_201_with_etag_and_location(fhir_server: FhirServer) -> None:
    answer = post(fhir_server, request_for("create"))
    read = requests.get(answer.headers["Location"], timeout=10)
    assert answer.status_code == 201
    assert answer.headers["ETag"] == f'W/"{read.json()["meta"]["versionId"]}"'
    assert read.json()["identifier"][0]["value"] == "create"


def test_create_chooses_the_id_itself(fhir_server: FhirServer) -> None:
    assert post(fhir_server, request_for("id", id="mine")).json()["id"] != "mine"


def test_if_none_exist_answers_200_with_the_first_resource(fhir_server: FhirServer) -> None:
    condition = {"If-None-Exist": "identifier=urn:example:test|once"}
    first = post(fhir_server, request_for("once"), **condition)
    second = post(fhir_server, request_for("once"), **condition)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]


def test_update_with_an_old_version_is_412(fhir_server: FhirServer) -> None:
    created = post(fhir_server, request_for("update")).json()
    url = f"{fhir_server.base_url}/CommunicationRequest/{created['id']}"
    done = created | {"status": "completed"}
    match = {"If-Match": f'W/"{created["meta"]["versionId"]}"'}
    assert requests.put(url, json=done, headers=FHIR | match, timeout=10).status_code == 200
    assert requests.put(url, json=done, headers=FHIR | match, timeout=10).status_code == 412
    assert requests.get(url, timeout=10).json()["status"] == "completed"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"status": "requested"}, "CommunicationRequest.status"),
        ({"priority": "high"}, "CommunicationRequest.priority"),
        ({"intent": "order"}, "CommunicationRequest.intent"),
        ({"status": None}, "CommunicationRequest.status"),
        ({"payload": [{"id": "empty"}]}, "CommunicationRequest.payload[0].content[x]"),
    ],
)
def test_an_invalid_resource_is_400_naming_the_element(
    fhir_server: FhirServer, change: dict[str, object], where: str
) -> None:
    answer = post(fhir_server, request_for("invalid", **change))
    outcome = answer.json()
    assert (answer.status_code, outcome["resourceType"]) == (400, "OperationOutcome")
    assert where in [place for issue in outcome["issue"] for place in issue["expression"]]


def test_nothing_is_written_past_the_validators(fhir_server: FhirServer) -> None:
    base = fhir_server.base_url
    bundle = {"resourceType": "Bundle", "type": "batch"}
    assert requests.post(base, json=bundle, headers=FHIR, timeout=10).status_code == 404
    assert requests.patch(f"{base}/Patient/1", json=[], headers=FHIR, timeout=10).status_code == 405
    assert requests.post(f"{base}/Patient", data="{", headers=FHIR, timeout=10).status_code == 400


def test_metadata_is_a_valid_r4_capability_statement(fhir_server: FhirServer) -> None:
    statement = requests.get(f"{fhir_server.base_url}/metadata", timeout=10).json()
    url = f"{fhir_server.base_url}/CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    assert requests.post(url, json=statement, headers=FHIR, timeout=10).status_code == 201


def test_data_file_keeps_resources_over_a_restart_and_a_line_cut_off(tmp_path: Path) -> None:
    require_fhir_server()
    data = tmp_path / "ehr.jsonl"
    with FhirServer(data=data) as server:
        port, created = server.port, post(server, request_for("kept")).json()
        with data.open("a") as file:
            file.write('{"resourceType": "Commun')
        server.restart()
        url = f"{server.base_url}/CommunicationRequest"
        found = requests.get(url, timeout=10).json()
    assert server.port == port
    assert [entry["resource"] for entry in found["entry"]] == [created]


def test_log_has_one_line_a_message_and_no_text(tmp_path: Path) -> None:
    require_fhir_server()
    with (tmp_path / "log").open("w") as log, FhirServer(log=log) as server:
        created = post(server, request_for("logged")).json()
        post(server, request_for("refused", status="requested"))
    line = {"created": "CommunicationRequest", "id": created["id"]}
    written = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(it) for it in written] == [
        line | {"status": "active", "priority": "routine"}
    ]


def test_a_taken_port_is_unavailable(fhir_server: FhirServer) -> None:
    with pytest.raises(Unavailable, match="port taken"):
        FhirServer(port=fhir_server.port, log=subprocess.DEVNULL).start()


def test_lock_file_names_no_registry_but_the_default() -> None:
    packages = json.loads(LOCK_FILE.read_text())["packages"]
    hosts = [it["resolved"] for it in packages.values() if "resolved" in it]
    assert packages.keys() > {"node_modules/@medplum/fhir-router", "node_modules/fhir"}
    assert all(host.startswith("https://registry.npmjs.org/") for host in hosts)


def test_the_server_ends_with_the_process_that_started_it() -> None:
    require_fhir_server()
    code = "import os; from tests.fhir_server import FhirServer; "
    code += "print(FhirServer().start().port, flush=True); os.kill(os.getpid(), 9)"
    root = LOCK_FILE.parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(killed.stdout))) != 0:
                return
        time.sleep(0.05)
    pytest.fail("the server still listens")
