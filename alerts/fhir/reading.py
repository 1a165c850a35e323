"""Reads an EHR's FHIR R4 server: page by page, no faster than it is told, never another host."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urljoin, urlsplit

import requests

from alerts.fhir.answers import Refused, TemporaryFailure, json_object, raise_for_failure
from alerts.fhir.client import FHIR_JSON, Tokens
from alerts.fhir.transport import CHUNK_BYTES, Transport

WHOLE_PAGE_S = 120.0
LONGEST_PAUSE_S = 120.0  # longer than that, a later reading goes on
GONE = (400, 404, 410)  # what servers answer to a link of a search they have forgotten


class LinkLost(Exception):
    """The server has forgotten this link: the search is to be begun anew."""


@dataclass(frozen=True)
class Page:
    """A page of a search: what was asked for, what came with it, and the address of the next.

    ``at``: the server's clock when it answered, None where it does not say it.
    """

    resources: tuple[dict[str, Any], ...]
    included: tuple[dict[str, Any], ...]
    next_link: str | None
    at: datetime | None


@dataclass(frozen=True)
class Served:
    """What the server says it can do; ``everything`` where it does not say."""

    types: frozenset[str]
    exports: bool = False
    everything: bool = False

    def __contains__(self, resource_type: object) -> bool:
        return self.everything or resource_type in self.types


class Reader:
    """One connection pool to one FHIR base, which is asked at most ``per_minute`` times a minute.

    ``tokens`` gives the bearer token, and another after a 401. Raises ValueError as Transport
    does. Redirects are not followed.
    """

    def __init__(
        self,
        base_url: str,
        tokens: Tokens | None = None,
        *,
        per_minute: int = 300,
        connect_timeout_s: float = 3.05,
        read_timeout_s: float = 30,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = Transport(base_url, connect_timeout_s, read_timeout_s, WHOLE_PAGE_S)
        self.base_url = self._transport.base_url
        self._tokens = tokens
        self._apart_s, self._next_at, self._tries = 60 / per_minute, 0.0, tries
        self._sleep, self._clock = sleep, clock

    def __repr__(self) -> str:
        return f"Reader({self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    def served(self) -> Served:
        """What /metadata says. Raises TemporaryFailure; where it is refused, all may be tried."""
        try:
            told = self.resource("metadata")
        except Refused:
            return Served(frozenset(), everything=True)
        rest = [it for it in told.get("rest") or [] if isinstance(it, dict)]
        resources = [it for part in rest for it in part.get("resource") or []]
        types = frozenset(str(it.get("type")) for it in resources if isinstance(it, dict))
        operations = [
            it
            for holder in (*rest, *resources)
            if isinstance(holder, dict)
            for it in holder.get("operation") or []
        ]
        exports = any("export" in str(it.get("name")) for it in operations if isinstance(it, dict))
        return Served(types, exports, everything=not types)

    def resource(self, path: str) -> dict[str, Any]:
        """One resource, such as Patient/12. Raises TemporaryFailure, Refused."""
        return json_object(self.get(f"{self.base_url}/{path}"))

    def page(self, resource_type: str, asked: Mapping[str, str]) -> Page:
        """The first page of a search. Raises TemporaryFailure, Refused."""
        return self._page(self.get(f"{self.base_url}/{resource_type}", asked))

    def page_at(self, link: str) -> Page:
        """A later page, by the link of the one before. Raises LinkLost too."""
        try:
            return self._page(self.get(self.same_host(link)))
        except Refused as refusal:
            if refusal.status in GONE:
                raise LinkLost(refusal.reason) from None
            raise

    def same_host(self, link: str, *, below_base: bool = True) -> str:
        """The link as a whole address. Raises Refused for one that leads elsewhere.

        A token goes along, so another host, scheme or port is never asked.
        """
        whole = urljoin(self.base_url + "/", link)
        ours, theirs = urlsplit(self.base_url), urlsplit(whole)
        same = (ours.scheme, ours.netloc.casefold()) == (theirs.scheme, theirs.netloc.casefold())
        below = theirs.path == ours.path or theirs.path.startswith(f"{ours.path}/")
        if not same or (below_base and not below) or ".." in unquote(theirs.path).split("/"):
            raise Refused("The EHR gave a link to another host, which is not followed.")
        return whole

    def get(
        self,
        address: str,
        asked: Mapping[str, str] | None = None,
        *,
        accept: str = FHIR_JSON,
        prefer: str = "",
        authorised: bool = True,
    ) -> requests.Response:
        """One answer, read whole; tried again after a little while where that may help.

        Raises TemporaryFailure, Refused.
        """
        for left in range(self._tries - 1, -1, -1):
            try:
                return self._answer(address, asked, accept, prefer, authorised)
            except TemporaryFailure as failure:
                wait_s = failure.retry_after_s or float(2 ** (self._tries - left))
                if not left or wait_s > LONGEST_PAUSE_S:
                    raise
                self.pause(wait_s)
        raise AssertionError("unreachable")

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def _answer(
        self,
        address: str,
        asked: Mapping[str, str] | None,
        accept: str,
        prefer: str,
        authorised: bool,
    ) -> requests.Response:
        headers = {"Accept": accept} | ({"Prefer": prefer} if prefer else {})
        tokens = self._tokens if authorised else None
        response = self._send(address, asked, headers, tokens.token() if tokens else None)
        if response.status_code == 401 and tokens:
            response = self._send(address, asked, headers, tokens.renew())
        try:
            raise_for_failure(response, {})
        except Refused as refusal:
            reason = f"The EHR refused to be read ({response.status_code})."
            raise Refused(reason, refusal.outcome_text, response.status_code) from None
        return response

    def lines(self, address: str, *, authorised: bool) -> Iterator[dict[str, Any]]:
        """The objects of an NDJSON file, one at a time. Raises TemporaryFailure, Refused."""
        token = self._tokens.token() if self._tokens and authorised else None
        headers = {"Accept": "application/fhir+ndjson"}
        response = self._send(address, None, headers, token, whole=False)
        with response:
            raise_for_failure(response, {})
            try:
                for line in response.iter_lines(chunk_size=CHUNK_BYTES):
                    found = json.loads(line) if line.strip() else None
                    if isinstance(found, dict):
                        yield found
                return
            except ValueError:
                reason = "The EHR’s export holds a line that is no JSON."
            except requests.exceptions.RequestException as error:
                reason = f"The EHR’s export broke off ({type(error).__name__})."
        raise TemporaryFailure(reason)

    def _page(self, response: requests.Response) -> Page:
        bundle = json_object(response)
        if bundle.get("resourceType") != "Bundle":
            raise TemporaryFailure("The EHR answered a search with something else than FHIR.")
        found: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
        for entry in bundle.get("entry") or []:
            resource = entry.get("resource") if isinstance(entry, dict) else None
            search = entry.get("search") if isinstance(entry, dict) else None
            mode = search.get("mode") if isinstance(search, dict) else "match"
            if isinstance(resource, dict) and mode != "outcome":
                found[mode == "include"].append(resource)
        return Page(tuple(found[0]), tuple(found[1]), self._next(bundle), _clock_of(response))

    def _next(self, bundle: Mapping[str, Any]) -> str | None:
        for link in bundle.get("link") or []:
            if isinstance(link, dict) and link.get("relation") == "next":
                return self.same_host(str(link.get("url")))
        return None

    def _send(
        self,
        address: str,
        asked: Mapping[str, str] | None,
        headers: dict[str, str],
        token: str | None,
        *,
        whole: bool = True,
    ) -> requests.Response:
        self._wait()
        return self._transport.ask(
            "GET", address, token, whole=whole, params=asked, headers=headers
        )

    def _wait(self) -> None:
        now = self._clock()
        if now < self._next_at:
            self._sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._apart_s


def _clock_of(response: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return None
