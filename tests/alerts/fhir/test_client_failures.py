"""The client before servers that misbehave: small HTTP servers of these tests on loopback."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from alerts.fhir.client import EhrClient, Refused, TemporaryFailure
from alerts.fhir.resources import RESEARCH_USE, communication_request
from alerts.fhir.transport import is_loopback
from tests.alerts.fhir.messages import TEXT, alert_message

TOKEN = "token-that-must-not-be-seen"
MESSAGE = alert_message()
RESOURCE = communication_request(MESSAGE)
Answer = tuple[int, dict[str, str], object]
EMPTY_SEARCH: Answer = (200, {}, {"resourceType": "Bundle", "type": "searchset"})


class Peer(HTTPServer):
    """Gives each method its answer and keeps the requests it got."""

    def __init__(self, post: Answer, get: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {"POST": post, "GET": get}
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/fhir"


class _Handler(BaseHTTPRequestHandler):
    server: Peer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.server.answers[self.command]
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.headers["Content-Length"] = "0"
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def peer(post: Answer, get: Answer = EMPTY_SEARCH) -> Iterator[Peer]:
    with Peer(post, get) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def outcome(**issue: Any) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error"} | issue]}


def failure_of(post: Answer, get: Answer = EMPTY_SEARCH) -> Exception:
    """What `create` raises when the server answers like this."""
    with peer(post, get) as server, EhrClient(server.url, TOKEN) as client:
        with pytest.raises((TemporaryFailure, Refused)) as caught:
            client.create(RESOURCE)
        shown = f"{caught.value!r} {vars(caught.value)} {client!r}"
    assert TOKEN not in shown and TEXT not in shown
    return caught.value


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_temporary(status: int) -> None:
    failure = failure_of((status, {}, ""))
    assert isinstance(failure, TemporaryFailure)
    assert (str(status) in failure.reason, failure.retry_after_s) == (True, None)


@pytest.mark.parametrize(
    ("post", "get", "may_have"),
    [
        *(((status, {}, ""), EMPTY_SEARCH, False) for status in (302, 401, 404, 408, 422, 429)),
        *(((status, {}, ""), EMPTY_SEARCH, status not in (501, 503)) for status in range(500, 505)),
        ((201, {"Content-Length": "100"}, "{"), EMPTY_SEARCH, True),  # reset mid-body
        ((201, {"Content-Length": str(2**26)}, "x" * 2**25 + "x"), EMPTY_SEARCH, True),
        ((200, {}, ""), EMPTY_SEARCH, True),
        ((200, {}, ""), (503, {}, ""), True),  # what was refused is the search after it
        ((200, {}, ""), (422, {}, ""), True),
    ],
)
def test_a_failure_says_whether_the_message_may_have_arrived(
    post: Answer, get: Answer, may_have: bool
) -> None:
    failure = failure_of(post, get)
    assert isinstance(failure, TemporaryFailure | Refused)
    assert failure.may_have_arrived is may_have


@contextmanager
def untrusted(folder: Path) -> Iterator[str]:
    """The address of a server whose certificate nobody signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "pem").write_bytes(key.private_bytes(*plain) + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    with peer((201, {}, "")) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server.url.replace("http:", "https:")


def test_where_no_connection_came_about_nothing_arrived(tmp_path: Path) -> None:
    with socket.socket() as nobody, untrusted(tmp_path) as unknown:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        for url in (f"http://127.0.0.1:{nobody.getsockname()[1]}/fhir", unknown):
            with EhrClient(url) as client, pytest.raises(TemporaryFailure) as caught:
                client.create(RESOURCE)
            assert not caught.value.may_have_arrived, url
    assert "certificate" in caught.value.reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("0", 0), ("999999999", 86400), ("soon", None), ("-5", None), ("²", None)],
)
def test_retry_after_is_passed_on(value: str, seconds: float | None) -> None:
    failure = failure_of((503, {"Retry-After": value}, ""))
    assert isinstance(failure, TemporaryFailure) and failure.retry_after_s == seconds


@pytest.mark.parametrize(("minutes", "low", "high"), [(10, 590, 601), (-10, 0, 0)])
def test_retry_after_may_be_a_date(minutes: int, low: float, high: float) -> None:
    when = datetime.now(UTC) + timedelta(minutes=minutes)
    failure = failure_of((503, {"Retry-After": format_datetime(when, usegmt=True)}, ""))
    assert isinstance(failure, TemporaryFailure) and failure.retry_after_s is not None
    assert low <= failure.retry_after_s <= high


def test_422_is_refused_with_the_text_of_the_outcome() -> None:
    body = outcome(code="business-rule", diagnostics="Subject unknown", expression=["a.subject"])
    failure = failure_of((422, {}, body))
    assert isinstance(failure, Refused)
    assert (failure.status, failure.outcome_text) == (422, "Subject unknown - a.subject")


def test_a_text_quoted_by_the_server_is_not_passed_on() -> None:
    echo = RESOURCE["payload"][0]["contentString"]
    failure = failure_of((422, {}, outcome(diagnostics=f"Bad: {echo}!", details={"text": TEXT})))
    assert isinstance(failure, Refused)
    assert failure.outcome_text.startswith("Bad: [message]")
    assert "Sleep" not in failure.outcome_text and RESEARCH_USE not in failure.outcome_text


def test_a_long_outcome_is_cut_short() -> None:
    failure = failure_of((400, {}, outcome(diagnostics="x" * 10_000)))
    assert isinstance(failure, Refused) and failure.outcome_text == "x" * 300


@pytest.mark.parametrize(
    "body",
    ["<html>", "[1]", "", {"resourceType": "Patient"}, outcome() | {"issue": [None, 7]}]
    + [outcome(details=3, expression="a"), outcome() | {"issue": None}],
)
def test_a_refusal_in_no_fhir_shape_has_no_text(body: object) -> None:
    failure = failure_of((404, {}, body))
    assert isinstance(failure, Refused) and failure.outcome_text == ""


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_not_followed(status: int) -> None:
    with peer((201, {}, "")) as elsewhere:
        failure = failure_of((status, {"Location": elsewhere.url}, ""))
        assert elsewhere.seen == []
    assert isinstance(failure, Refused) and failure.status == status


@pytest.mark.parametrize("get", [EMPTY_SEARCH, (200, {}, "<html>Please log in"), (200, {}, "[]")])
def test_200_without_the_message_is_no_delivery(get: Answer) -> None:
    assert isinstance(failure_of((200, {}, "<html>Please log in"), get), TemporaryFailure)


def test_200_with_a_location_is_a_duplicate() -> None:
    where = "CommunicationRequest/77/_history/1"
    with peer((200, {"Location": where}, "")) as server, EhrClient(server.url) as client:
        delivered = client.create(RESOURCE)
    assert (delivered.id, delivered.location, delivered.duplicate) == ("77", where, True)


def test_201_without_a_location_is_delivered() -> None:
    with peer((201, {}, "")) as server, EhrClient(server.url) as client:
        delivered = client.create(RESOURCE)
    assert (delivered.id, delivered.location, delivered.duplicate) == (None, None, False)


def test_resend_searches_first_and_does_not_post_what_is_there() -> None:
    other = RESOURCE | {"id": "1", "identifier": [{"system": "urn:x", "value": MESSAGE.identifier}]}
    resources = [other, {"resourceType": "OperationOutcome"}, RESOURCE | {"id": "2"}]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": it} for it in resources]}
    with peer((201, {}, ""), (200, {}, bundle)) as server, EhrClient(server.url) as client:
        delivered = client.create(RESOURCE, resend=True)
    assert (delivered.id, delivered.duplicate) == ("2", True)
    assert [method for method, _, _ in server.seen] == ["GET"]


def test_resend_posts_when_a_server_lists_only_other_messages() -> None:
    others = [{"resource": communication_request(alert_message()) | {"id": "1"}}, {}, None]
    bundle = {"resourceType": "Bundle", "entry": others}
    with peer((201, {}, ""), (200, {}, bundle)) as server, EhrClient(server.url) as client:
        assert not client.create(RESOURCE, resend=True).duplicate
    assert [method for method, _, _ in server.seen] == ["GET", "POST"]


def test_the_request_carries_what_fhir_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # not for a server of this machine
    with peer((201, {}, "")) as server, EhrClient(f"{server.url}/", TOKEN) as client:
        client.create(RESOURCE)
    ((method, path, headers),) = server.seen
    assert (method, path) == ("POST", "/fhir/CommunicationRequest")
    assert headers["If-None-Exist"] == f"identifier=urn:clarity:alert|{MESSAGE.identifier}"
    assert headers["Content-Type"] == headers["Accept"] == "application/fhir+json"
    assert headers["Prefer"] == "return=minimal"
    assert headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_server_that_never_answers_is_temporary_within_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/fhir"
        begin = time.monotonic()
        with (
            EhrClient(url, read_timeout_s=0.5) as client,
            pytest.raises(TemporaryFailure) as caught,
        ):
            client.create(RESOURCE)
    assert "in time" in caught.value.reason and caught.value.may_have_arrived
    assert 0.5 <= time.monotonic() - begin < 3


def test_an_answer_cut_off_is_temporary() -> None:
    failure = failure_of((201, {"Content-Length": "100"}, "{"))
    assert isinstance(failure, TemporaryFailure)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ehr.example/fhir",
        "ftp://ehr.example/fhir",
        "http://ehr.example/fhir",
        "https://user:pass@ehr.example/fhir",
        "https://ehr.example/fhir?key=1",
    ],
)
def test_a_base_url_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        EhrClient(url)
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX: 1", "schlüssel"])
def test_a_token_that_is_no_header_is_refused_unseen(token: str) -> None:
    with pytest.raises(ValueError, match="token") as caught:
        EhrClient("https://ehr.example/fhir", token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080/fhir", True),
        ("http://127.9.9.9/fhir", True),
        ("http://[::1]:8080/fhir", True),
        ("http://LOCALHOST/fhir", True),
        ("https://ehr.example/fhir", False),
        ("https://127.0.0.1.ehr.example/fhir", False),
        ("https://localhost.ehr.example/fhir", False),
        ("http://ehr.example\\@127.0.0.1/fhir", False),
        ("http://0.0.0.0/fhir", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
