"""A FHIR server and a gateway before it that changes what it offers, for tests of delivery."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

KINDS = ("CommunicationRequest", "Communication")
RESULTS = ("Observation", "RiskAssessment", "Provenance")


class Gateway(ThreadingHTTPServer):
    """Passes requests on to a FHIR server, under the same path.

    ``offers``: of messages and results, those that it has; ``conditional``: whether it obeys
    If-None-Exist; ``searchable``: whether a search by identifier is answered; ``updates``:
    whether what is there can be changed.
    ``fault`` may answer in its place: it gets the handler, and says whether it did.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        base_url: str,
        *,
        offers: tuple[str, ...] = KINDS,
        conditional: bool = True,
        searchable: bool = True,
        updates: bool = True,
        fault: Callable[["Handler"], bool] = lambda handler: False,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.upstream = urlsplit(base_url)
        self.offers, self.conditional, self.searchable = offers, conditional, searchable
        self.updates = updates
        self.fault = fault
        self.seen: list[tuple[str, str, int]] = []
        self.posted: list[tuple[str, float]] = []  # a message's identifier, and when it came

    @property
    def base_url(self) -> str:
        """The FHIR base, without a final slash."""
        return f"http://127.0.0.1:{self.server_port}{self.upstream.path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    """One request through the gateway."""

    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Any method."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if name := re.search(r"urn:clarity:alert\|([\w-]+)", self.headers.get("If-None-Exist", "")):
            self.server.posted.append((name[1], time.perf_counter()))
        if self.server.fault(self):
            return
        self.reply(*self.passed_on())

    do_GET = do_PUT = do_POST

    def passed_on(self) -> tuple[int, dict[str, str], bytes]:
        """What the server behind says; what the gateway does not offer is 404 or 403."""
        kind = self.path.split("?")[0].rsplit("/R4/", 1)[-1].split("/")[0]
        if kind in (*KINDS, *RESULTS) and kind not in self.server.offers:
            return 404, {}, outcome("not-supported")
        if self.command == "PUT" and not self.server.updates:
            return 405, {}, outcome("not-supported")
        if "identifier=" in self.path and not self.server.searchable:
            return 403, {}, outcome("forbidden")
        status, headers, body = self.asked()
        if kind == "metadata":
            body = json.dumps(self.narrowed(json.loads(body))).encode()
        return status, headers, body

    def asked(self) -> tuple[int, dict[str, str], bytes]:
        """Ask the server behind."""
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        if not self.server.conditional:
            headers.pop("If-None-Exist", None)
        peer = http.client.HTTPConnection(str(self.server.upstream.netloc), timeout=60)
        try:
            peer.request(self.command, self.path, self.body or None, headers)
            answer = peer.getresponse()
            kept = ("content-type", "etag", "location", "last-modified")
            told = {k: v for k, v in answer.getheaders() if k.lower() in kept}
            return answer.status, told, answer.read()
        except OSError:
            return 502, {}, outcome("transient")
        finally:
            peer.close()

    def narrowed(self, statement: dict[str, Any]) -> dict[str, Any]:
        """The statement with what the gateway offers, and nothing else that is written."""
        rows = statement["rest"][0]["resource"]
        kept = [row for row in rows if row["type"] in self.server.offers]
        if not self.server.searchable:
            kept = [
                row | {"searchParam": [{"name": "patient", "type": "reference"}]} for row in kept
            ]
        if not self.server.updates:
            kept = [row | {"interaction": _without(row, "update")} for row in kept]
        statement["rest"][0]["resource"] = kept
        return statement

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answer, and note what was answered."""
        self.server.seen.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output clean."""


def _without(row: dict[str, Any], code: str) -> list[dict[str, str]]:
    return [it for it in row["interaction"] if it["code"] != code]


def outcome(code: str) -> bytes:
    """An OperationOutcome."""
    issue = {"severity": "error", "code": code}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
