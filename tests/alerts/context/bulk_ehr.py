"""A front before the real FHIR server that adds what it lacks: a bulk export, and faults.

Everything else is passed on, so what is exported is what the server holds.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import requests

from alerts.context_taking import subject_of
from tests.fhir_server import FhirServer

Answer = tuple[int, dict[str, str], bytes]


class Front:
    """``fault`` may answer in the EHR's place: it is given the address and the headers."""

    def __init__(self, ehr: FhirServer, exports: bool = True) -> None:
        self.ehr, self.exports = ehr, exports
        self.asked: list[str] = []
        self.fault: Callable[[str, Any], Answer | None] = lambda address, headers: None
        self.cut_after: int | None = None  # lines of an exported file, then the connection ends
        self.group: set[str] | None = None  # the patients whom the export holds, None: all
        self.left_out: set[str] = set()  # kinds without a file
        self.errors: list[dict[str, Any]] = []  # OperationOutcomes of the export
        self.base_url = ""
        self._types: list[str] = []
        self._polls = 0

    def answer(self, address: str, headers: Any) -> Answer:
        self.asked.append(address)
        if found := self.fault(address, headers):
            return found
        path = urlsplit(address).path.removeprefix("/fhir/R4/")
        if path.endswith("$export") and self.exports:
            self._types = parse_qs(urlsplit(address).query)["_type"][0].split(",")
            assert headers["Prefer"] == "respond-async"
            return 202, {"Content-Location": f"{self.base_url}/export-status"}, b""
        if path == "export-status":
            self._polls += 1
            if self._polls == 1:
                return 202, {"Retry-After": "7", "X-Progress": "half"}, b""
            return 200, {}, json.dumps(self._manifest()).encode()
        if path.startswith("export-file/"):
            assert headers["Accept"] == "application/fhir+ndjson"
            return 200, {}, b"".join(self._lines(path.removeprefix("export-file/")))
        passed = requests.get(f"http://127.0.0.1:{self.ehr.port}{address}", timeout=60)
        body = passed.content.replace(self.ehr.base_url.encode(), self.base_url.encode())
        if path == "metadata" and self.exports:
            told = passed.json()
            told["rest"][0]["operation"] = [{"name": "export", "definition": "x"}]
            body = json.dumps(told).encode()
        return passed.status_code, {"Date": passed.headers["Date"]}, body

    def _manifest(self) -> dict[str, Any]:
        files = [
            {"type": kind, "url": f"{self.base_url}/export-file/{kind}"}
            for kind in self._types
            if kind not in self.left_out and any(True for _ in self._lines(kind))
        ]
        told = {"type": "OperationOutcome", "url": f"{self.base_url}/export-file/OperationOutcome"}
        return {
            "transactionTime": "2026-03-01T00:00:00Z",
            "requiresAccessToken": True,
            "output": files,
            "error": [told] if self.errors else [],
        }

    def _lines(self, kind: str) -> Iterator[bytes]:
        if kind == "OperationOutcome":
            yield from (json.dumps(it).encode() + b"\n" for it in self.errors)
            return
        found = requests.get(f"{self.ehr.base_url}/{kind}?_count=10000", timeout=60).json()
        for entry in found.get("entry", []):
            if self.group is None or subject_of(entry["resource"]) in self.group:
                yield json.dumps(entry["resource"]).encode() + b"\n"

    @contextmanager
    def serving(self) -> Iterator[Self]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = front.answer(self.path, self.headers)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                cut = front.cut_after is not None and "/export-file/M" in self.path
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if cut:
                    lines = body.split(b"\n")
                    self.wfile.write(b"\n".join(lines[: front.cut_after]) + b"\n")
                    front.cut_after = None
                    self.close_connection = True
                else:
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{server.server_port}/fhir/R4"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
