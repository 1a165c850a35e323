"""Starts and stops the authorisation server of this folder, alone or in front of a FHIR server."""

import subprocess

import requests

from tests.fhir_server.server import FhirServer


class AuthServer(FhirServer):
    """A SMART Backend Services server; ``base_url`` is the FHIR base that its tokens open.

    ``jwks_url``: where the keys of the client are. ``upstream``: the FHIR server that requests
    with a good token are passed on to. ``scopes``: v1, v2 or both; ``life_s``: of its tokens.
    """

    def __init__(
        self,
        *,
        client_id: str,
        jwks_url: str,
        upstream: FhirServer | None = None,
        scopes: str = "both",
        algorithms: str = "RS384,ES384",
        life_s: int = 300,
        port: int = 0,
    ) -> None:
        super().__init__(port=port, log=subprocess.DEVNULL)
        self._told = {
            "--client-id": client_id,
            "--jwks-url": jwks_url,
            "--scopes": scopes,
            "--algorithms": algorithms,
            "--life": str(life_s),
        }
        if upstream is not None:
            self._told["--upstream"] = upstream.base_url

    def _program(self) -> list[str]:
        return ["auth.mjs", *(word for pair in self._told.items() for word in pair)]

    @property
    def address(self) -> str:
        """The server itself."""
        return f"http://127.0.0.1:{self.port}"

    def expire_tokens(self) -> None:
        """From now on no token given so far opens anything."""
        requests.post(f"{self.address}/test/expire", timeout=10).raise_for_status()

    def tokens_given(self) -> int:
        """How many tokens it gave."""
        return int(requests.get(f"{self.address}/test/count", timeout=10).json()["given"])
