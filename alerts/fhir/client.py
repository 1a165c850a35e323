"""Delivers a resource to an EHR's FHIR R4 server, and says whether it arrived there once."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from alerts.fhir.answers import (
    RESOURCE_TYPE,
    Delivered,
    Refused,
    TemporaryFailure,
    delivered,
    found_id,
    raise_for_failure,
)
from alerts.fhir.codes import ALERT_SYSTEM
from alerts.fhir.modelled import check_required_codes
from alerts.fhir.resources import check_identifier

__all__ = ["Delivered", "EhrClient", "Refused", "TemporaryFailure", "is_loopback"]


class EhrClient:
    """One connection pool to one FHIR base; one client per thread.

    Raises ValueError for a base URL that is not https (http only on this machine) or that
    holds a password, and for a token that cannot be a header. Redirects are not followed.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        connect_timeout_s: float = 3.05,
        read_timeout_s: float = 10,
    ) -> None:
        _check_base_url(base_url)
        self.base_url = base_url.rstrip("/")
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._session.headers["Accept"] = "application/fhir+json"
        if is_loopback(base_url):
            self._session.trust_env = False  # a proxy of the environment would not reach it

    def __repr__(self) -> str:
        return f"EhrClient({self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def create(
        self, resource: dict[str, Any], identifier: str, *, resend: bool = False
    ) -> Delivered:
        """Deliver the resource unless the EHR has one with this identifier (the alert's UUID).

        `resend`: an earlier try may have arrived. Not every server obeys If-None-Exist, so
        this then searches first. Raises InvalidResource before sending, TemporaryFailure, Refused.
        """
        check_required_codes(resource)
        check_identifier(identifier)
        if resend and (found := self.find(identifier)):
            return found
        headers = {
            "Content-Type": "application/fhir+json",
            "If-None-Exist": f"identifier={ALERT_SYSTEM}|{identifier}",
            "Prefer": "return=minimal",
        }
        response = self._send("POST", headers=headers, json=resource)
        if response.status_code == 412:  # several with this identifier: it has arrived
            return Delivered(id=None, location=None, duplicate=True)
        raise_for_failure(response, resource)
        if response.status_code == 201:
            return delivered(response, duplicate=False)
        return self._confirmed(response, identifier)

    def find(self, identifier: str) -> Delivered | None:
        """The message the EHR has under this identifier, if any. Raises as `create` does."""
        check_identifier(identifier)
        query = {"identifier": f"{ALERT_SYSTEM}|{identifier}"}
        # strict: a server that does not know the parameter must say so, not list everything
        response = self._send("GET", headers={"Prefer": "handling=strict"}, params=query)
        raise_for_failure(response, {})
        known_as = found_id(response, identifier)
        if known_as is None:
            return None
        return Delivered(known_as, f"{self.base_url}/{RESOURCE_TYPE}/{known_as}", duplicate=True)

    def _confirmed(self, response: requests.Response, identifier: str) -> Delivered:
        """A 2xx other than 201: believed when it names the resource or a search finds it.

        A proxy's log-in page answers 200 too; taking it for a delivery would lose the message.
        """
        named = delivered(response, duplicate=True)
        if found := named if named.id else self.find(identifier):
            return found
        raise TemporaryFailure(
            f"The EHR answered {response.status_code}, but the message is not to be found there."
        )

    def _send(self, method: str, headers: Mapping[str, str], **content: Any) -> requests.Response:
        try:
            return self._session.request(
                method,
                f"{self.base_url}/{RESOURCE_TYPE}",
                headers=headers,
                timeout=self._timeout_s,
                allow_redirects=False,
                **content,
            )
        except requests.exceptions.Timeout:
            reason = "The EHR did not answer in time."
        except requests.exceptions.SSLError:
            reason = "The EHR's certificate was not accepted."
        except requests.exceptions.RequestException as error:
            reason = f"The EHR could not be reached ({type(error).__name__})."
        raise TemporaryFailure(reason)  # outside `except`: a library's text may hold a header


class _Bearer(AuthBase):
    """The token, if any; being set, it also keeps requests from reading ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise ValueError("The EHR token must be one line of ASCII without spaces.")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def is_loopback(base_url: str) -> bool:
    """Whether the URL's host is this machine: `localhost` or a loopback address."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if "@" in parts.netloc:  # parsers disagree about what such a URL's host is
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_base_url(base_url: str) -> None:
    parts = urlsplit(base_url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("The EHR base URL must have no user name, password, query or fragment.")
    plain_here = parts.scheme == "http" and is_loopback(base_url)
    if not parts.hostname or not (parts.scheme == "https" or plain_here):
        raise ValueError("The EHR base URL must be https://… (http only on this machine).")
