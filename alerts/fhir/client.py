"""Delivers a resource to an EHR's FHIR R4 server, and says whether it arrived there once."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from alerts.fhir.answers import (
    Delivered,
    Names,
    NotSearchable,
    Refused,
    TemporaryFailure,
    delivered,
    found_id,
    json_object,
    names_in,
    raise_for_failure,
)
from alerts.fhir.modelled import InvalidResource, check_required_codes

__all__ = ["Delivered", "EhrClient", "Refused", "TemporaryFailure", "Tokens", "is_loopback"]


UPDATE_TRIES = 5
_SAFE = re.compile(r"[!-{}~]{1,200}")  # of an identifier: no blank, and no bar, which parts them


class Tokens(Protocol):
    """Where bearer tokens come from. Both raise TemporaryFailure and Refused."""

    def token(self) -> str:
        """One that is valid now."""

    def renew(self) -> str:
        """Another, after the last was not accepted."""


class EhrClient:
    """One connection pool to one FHIR base; one client per thread.

    `tokens` gives the bearer token, and another after a 401; `token` is one that stays.
    `before_each` is called before every request: it may wait, for a rate limit.
    Raises ValueError for a base URL that is not https (http only on this machine) or that
    holds a password, and for a token that cannot be a header. Redirects are not followed.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        connect_timeout_s: float = 3.05,
        read_timeout_s: float = 10,
        *,
        tokens: Tokens | None = None,
        before_each: Callable[[], None] = lambda: None,
    ) -> None:
        _check_base_url(base_url)
        self.base_url = base_url.rstrip("/")
        self.searchable = True
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._tokens, self._before_each = tokens, before_each
        self._session = requests.Session()
        self._session.auth = _Bearer(token) if tokens is None else None
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
        self, resource: Mapping[str, Any], names: Names | None = None, *, resend: bool = False
    ) -> Delivered:
        """Deliver the resource unless the EHR has one so named (by default its identifier).

        `resend`: an earlier try may have arrived. Not every server obeys If-None-Exist, so
        this then searches first. Raises InvalidResource before sending, TemporaryFailure, Refused.
        """
        check_required_codes(resource)
        kind, names = str(resource["resourceType"]), names or name_of(resource)
        if resend and (found := self.find(kind, names)):
            return found
        headers = {
            "Content-Type": "application/fhir+json",
            "If-None-Exist": "=".join(_query(names)),
            # What cannot be searched has to say by itself under which id it has it already.
            "Prefer": "return=minimal" if self.searchable else "return=representation",
        }
        response = self._send("POST", kind, headers=headers, json=resource)
        if response.status_code == 412:  # several with this identifier: it has arrived
            return Delivered(id=None, location=None, duplicate=True)
        raise_for_failure(response, resource)
        if response.status_code == 201:
            return delivered(response, kind, duplicate=False)
        return self._confirmed(response, kind, names)

    def find(self, kind: str, names: Names) -> Delivered | None:
        """The resource the EHR has under this name; None also where it cannot be searched.

        `searchable` then says so. Raises TemporaryFailure and Refused.
        """
        if not self.searchable:
            return None
        # strict: a server that does not know the parameter must say so, not list everything
        headers, parameters = {"Prefer": "handling=strict"}, dict([_query(names)])
        response = self._send("GET", kind, headers=headers, params=parameters)
        try:
            known_as = found_id(response, kind, names)
        except NotSearchable:
            self.searchable = False
            return None
        if known_as is None:
            return None
        return Delivered(known_as, f"{self.base_url}/{kind}/{known_as}", duplicate=True)

    def update(self, kind: str, known_as: str, **elements: Any) -> bool:
        """Set elements of a resource that is there; False where it has them already.

        Where somebody else changed it meanwhile (412), it is read and changed again.
        Raises TemporaryFailure, Refused and, before it sends, InvalidResource.
        """
        address = f"{kind}/{known_as}"
        for _ in range(UPDATE_TRIES):
            read = self._send("GET", address, headers={})
            raise_for_failure(read, {})
            now = json_object(read)
            if elements.items() <= now.items():
                return False
            changed = now | elements
            check_required_codes(changed)
            headers = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
            if version := read.headers.get("ETag"):
                headers["If-Match"] = version
            response = self._send("PUT", address, headers=headers, json=changed)
            if response.status_code != 412:
                raise_for_failure(response, changed)
                return True
        raise TemporaryFailure("The EHR's copy was changed by others again and again.")

    def read(self, path: str) -> dict[str, Any]:
        """The JSON at a path below the base. Raises TemporaryFailure and Refused."""
        response = self._send("GET", path, headers={})
        raise_for_failure(response, {})
        return json_object(response)

    def _confirmed(self, response: requests.Response, kind: str, names: Names) -> Delivered:
        """A 2xx other than 201: believed when it names the resource or a search finds it.

        A proxy's log-in page answers 200 too; taking it for a delivery would lose the message.
        """
        named = delivered(response, kind, duplicate=True)
        if found := named if named.id else self.find(kind, names):
            return found
        if not self.searchable and not response.content:
            return named
        raise TemporaryFailure(
            f"The EHR answered {response.status_code}, but the message is not to be found there."
        )

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], **content: Any
    ) -> requests.Response:
        """One request; at a 401 the token is renewed once and the request repeated."""
        response = self._once(method, path, headers, **content)
        if response.status_code == 401 and self._tokens is not None:
            self._session.auth = _Bearer(self._tokens.renew())
            response = self._once(method, path, headers, **content)
        return response

    def _once(
        self, method: str, path: str, headers: Mapping[str, str], **content: Any
    ) -> requests.Response:
        self._before_each()
        if self._tokens is not None and self._session.auth is None:
            self._session.auth = _Bearer(self._tokens.token())
        try:
            return self._session.request(
                method,
                f"{self.base_url}/{path}",
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


def name_of(resource: Mapping[str, Any]) -> Names:
    """The system and value of its first identifier. Raises InvalidResource where it has none."""
    first: Mapping[str, Any] = next(iter(resource.get("identifier") or ()), {})
    names = {"system": str(first.get("system")), "value": str(first.get("value"))}
    if not all(_SAFE.fullmatch(it) for it in names.values()):
        raise InvalidResource("identifier must have a system and a value without spaces.")
    return names


def _query(names: Names) -> tuple[str, str]:
    """The search that finds it: “identifier” and “system|value”, or “target” and a reference."""
    if names_in(names) == "target":
        return "target", names["reference"]
    return "identifier", f"{names['system']}|{names['value']}"


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
