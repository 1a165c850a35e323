"""HTTP to another system: https, no redirect followed, nothing sent that was not asked for."""

import re
import ssl
import time
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError

from alerts.fhir.answers import Refused, TemporaryFailure

CHUNK_BYTES = 64 * 1024
LARGEST_ANSWER_BYTES = 32 * 1024 * 1024


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine: `localhost` or a loopback address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if "@" in parts.netloc:  # parsers disagree about what such a URL's host is
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Bearer(AuthBase):
    """The token, if any; being set, it also keeps requests from reading ~/.netrc.

    Raises ValueError for a token that cannot be a header.
    """

    def __init__(self, token: str | None = None) -> None:
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise ValueError("The EHR token must be one line of ASCII without spaces.")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def session_to(url: str) -> requests.Session:
    """A session that sends no password of ~/.netrc, and asks this machine without a proxy."""
    session = requests.Session()
    session.auth = Bearer()
    session.trust_env = not is_loopback(url)
    return session


class Transport:
    """One connection pool to one FHIR base.

    Raises ValueError for a base URL that is not https (http only on this machine) or that holds a
    password.
    """

    def __init__(
        self,
        base_url: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        whole_timeout_s: float,
    ) -> None:
        _check_base_url(base_url)
        self._whole_timeout_s = whole_timeout_s
        self.base_url = base_url.rstrip("/")
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._session = session_to(base_url)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(
        self, method: str, address: str, token: str | None, *, whole: bool = True, **content: Any
    ) -> requests.Response:
        """One answer, read to the end unless not ``whole``. Raises TemporaryFailure, and Refused
        for an answer larger than any page.
        """
        try:
            response = self._session.request(
                method,
                address,
                auth=Bearer(token),
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
                **content,
            )
            if whole:
                _read_whole(response, self._whole_timeout_s)
            return response
        except requests.exceptions.RequestException as error:
            failure = TemporaryFailure(_reason(error), may_have_arrived=_was_sent(error))
        raise failure  # outside `except`: a library's text may hold a header


def _reason(error: requests.exceptions.RequestException) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "The EHR did not answer in time."
    if isinstance(error, requests.exceptions.SSLError):
        return "The EHR's certificate was not accepted."
    return f"The EHR could not be reached ({type(error).__name__})."


def _was_sent(error: requests.exceptions.RequestException) -> bool:
    """Whether the request may have gone; not where no connection came about."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return False
    reason = getattr(_first(error), "reason", None)
    return not isinstance(reason, NewConnectionError) and not isinstance(
        _first(reason), ssl.SSLCertVerificationError
    )


def _first(error: object) -> object:
    """What a library wrapped in its error."""
    return next(iter(getattr(error, "args", ())), None)


def _read_whole(response: requests.Response, timeout_s: float) -> None:
    """Read the body, in a time and up to a size: one that never ends must not hold a worker."""
    parts, size, ends = [], 0, time.monotonic() + timeout_s
    with response:
        # One read of the network at a time: what drips in would else not be looked at for hours.
        while part := _read_some(response):
            size += len(part)
            if size > LARGEST_ANSWER_BYTES:
                raise Refused(
                    "The EHR answered with more than 32 MiB at once.", may_have_arrived=True
                )
            if time.monotonic() > ends:
                raise requests.exceptions.ReadTimeout
            parts.append(part)
    response._content = b"".join(parts)  # where requests keeps a body that it has read itself


def _read_some(response: requests.Response) -> bytes:
    try:
        return bytes(response.raw.read1(CHUNK_BYTES, decode_content=True))
    except urllib3.exceptions.ReadTimeoutError:
        raise requests.exceptions.ReadTimeout from None
    except urllib3.exceptions.HTTPError:
        raise requests.exceptions.ConnectionError from None


def _check_base_url(base_url: str) -> None:
    parts = urlsplit(base_url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("The EHR base URL must have no user name, password, query or fragment.")
    plain_here = parts.scheme == "http" and is_loopback(base_url)
    if not parts.hostname or not (parts.scheme == "https" or plain_here):
        raise ValueError("The EHR base URL must be https://… (http only on this machine).")
