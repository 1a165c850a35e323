"""Reads a small JSON document of another system: its public keys, its configuration."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import requests

from alerts.fhir.transport import is_loopback, session_to

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, WHOLE_TIMEOUT_S = 3.05, 5.0, 10.0
MAX_BYTES = 256 * 1024


class Unreadable(Exception):
    """The document could not be had. The text is the reason; it holds nothing of the document."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def is_safe(url: str) -> bool:
    """Whether it is https (http only on this machine), without a password or a fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain_here = parts.scheme == "http" and is_loopback(url)
    is_private = parts.scheme == "https" or plain_here
    return bool(is_private and parts.hostname) and "@" not in parts.netloc and not parts.fragment


def json_at(url: str) -> dict[str, Any]:
    """The JSON object at the URL. Redirects are not followed. Raises Unreadable."""
    if not is_safe(url):
        raise Unreadable("its address must be https://… (http only on this machine)")
    try:
        return _read(url)
    except requests.exceptions.Timeout:
        reason = "it did not answer in time"
    except requests.exceptions.SSLError:
        reason = "its certificate was not accepted"
    except requests.exceptions.RequestException as error:
        reason = f"it could not be reached ({type(error).__name__})"
    raise Unreadable(reason)  # outside `except`: a library's text may hold what was sent


def _read(url: str) -> dict[str, Any]:
    ends = time.monotonic() + WHOLE_TIMEOUT_S
    with (
        session_to(url) as session,
        session.get(
            url,
            headers={"Accept": "application/json"},
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        if response.status_code != 200:
            raise Unreadable(f"it answered {response.status_code}", response.status_code)
        body = b""
        for chunk in response.iter_content(8192):
            body += chunk
            if len(body) > MAX_BYTES:
                raise Unreadable(f"its answer is over {MAX_BYTES // 1024} KiB")
            if time.monotonic() > ends:
                raise Unreadable("it did not answer in time")
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unreadable("its answer is no JSON object")
    return document
