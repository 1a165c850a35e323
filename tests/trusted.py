"""Another system for tests: keys of its own, tokens signed with them, a server of its key set."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.utils import timezone

from alerts.models import TrustedSystem

ISSUER = "https://ehr.example/oauth2"
FHIR = "http://127.0.0.1:8103/fhir/R4"
AUDIENCE = "https://clarity.example/cds-services/patient-view"


@cache
def private_key(kid: str, algorithm: str) -> Any:
    """A key pair, the same each time; RS256 and RS384 are signed with RSA keys."""
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(kid: str, algorithm: str) -> dict[str, Any]:
    """The public half as a JWK."""
    kind = jwt.get_algorithm_by_name(algorithm)
    jwk = kind.to_jwk(private_key(kid, algorithm).public_key(), as_dict=True)
    return dict(jwk) | {"kid": kid, "use": "sig"}


def jwks_of(*keys: tuple[str, str]) -> dict[str, Any]:
    """The key set of keys given as (kid, algorithm)."""
    return {"keys": [public_jwk(kid, algorithm) for kid, algorithm in keys]}


def system(**given: Any) -> TrustedSystem:
    """A registered EHR with the keys “rsa” and “ec” written down."""
    values: dict[str, Any] = {
        "name": "Test EHR",
        "issuer": ISSUER,
        "fhir_url": FHIR,
        "client_id": "",
        "registered_by": "ada",
        "registered_at": timezone.now(),
    }
    if "jwks_url" not in given:
        values["jwks"] = jwks_of(("rsa", "RS384"), ("ec", "ES384"))
    return TrustedSystem.objects.create(**(values | given))


def token(kid: str = "ec", algorithm: str = "ES384", /, **changes: Any) -> str:
    """A good token of the EHR, signed; a claim given as None is left out.

    ``header`` adds to the header, ``key`` signs instead of the key of that kid.
    """
    header, key = changes.pop("header", {}), changes.pop("key", None)
    now = int(timezone.now().timestamp())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 240, "jti": str(uuid4())}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    key = key or private_key(kid, algorithm)
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} | header)


@dataclass
class KeyServer:
    """What it answers (a document, or what makes one), may be changed; how often it was asked."""

    url: str = ""
    document: object = field(default_factory=dict)
    status: int = 200
    asked: int = 0


@contextmanager
def key_server(document: object) -> Iterator[KeyServer]:
    """A server of a key set on this machine."""
    state = KeyServer(document=document)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            document = state.document() if callable(state.document) else state.document
            body = json.dumps(document).encode()
            self.send_response(state.status)
            if state.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
