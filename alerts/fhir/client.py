"""Delivers a resource to an EHR's FHIR R4 server, and says whether it arrived there once."""

import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import requests

from alerts.fhir.answers import (
    Delivered,
    Names,
    NotSearchable,
    Refused,
    TemporaryFailure,
    delivered,
    found_id,
    is_named,
    json_object,
    names_in,
    raise_for_failure,
)
from alerts.fhir.modelled import InvalidResource, check_required_codes, modelled
from alerts.fhir.transport import Bearer, Transport

__all__ = ["Delivered", "EhrClient", "Refused", "TemporaryFailure", "Tokens"]

FHIR_JSON = "application/fhir+json"
UPDATE_TRIES = 5
WHOLE_ANSWER_S = 20.0
ANOTHERS = (
    "The EHR has another's request under the id of this message, and it was left as it is: does "
    "EHR_BASE_URL name another server now?"
)
NOT_ASKED_FOR = "The EHR answered with something else than what was asked for."
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
        Bearer(token)
        self._transport = Transport(base_url, connect_timeout_s, read_timeout_s, WHOLE_ANSWER_S)
        self.base_url = self._transport.base_url
        self.unsearchable: set[str] = set()  # types that cannot be searched by name
        self._token, self._tokens, self._before_each = token, tokens, before_each

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
        self._transport.close()

    def create(
        self, resource: Mapping[str, Any], names: Names | None = None, *, resend: bool = False
    ) -> Delivered:
        """Deliver the resource unless the EHR has one so named (by default its identifier).

        `resend`: an earlier try may have arrived. Not every server obeys If-None-Exist, so
        this then searches first. Raises InvalidResource before sending, TemporaryFailure, Refused.
        """
        modelled(resource)
        kind, names = str(resource["resourceType"]), names or name_of(resource)
        if resend and (found := self.find(kind, names)):
            return found
        headers = {
            "Content-Type": FHIR_JSON,
            "If-None-Exist": "=".join(_query(names)),
            # What cannot be searched has to say by itself under which id it has it already.
            "Prefer": "return=minimal" if self.can_search(kind) else "return=representation",
        }
        response = self._send("POST", kind, headers=headers, json=resource)
        if response.status_code == 412:  # several with this identifier: it has arrived
            return Delivered(id=None, location=None, duplicate=True)
        raise_for_failure(response, resource)
        if response.status_code == 201:
            return delivered(response, kind, duplicate=False)
        return self._confirmed(response, kind, names)

    def can_search(self, kind: str) -> bool:
        """Whether resources of this type are found by their names, as far as is known."""
        return kind not in self.unsearchable

    def find(self, kind: str, names: Names) -> Delivered | None:
        """The resource the EHR has under this name; None also where it cannot be searched.

        `can_search` then says so. Raises TemporaryFailure and Refused.
        """
        if not self.can_search(kind):
            return None
        # strict: a server that does not know the parameter must say so, not list everything
        headers, parameters = {"Prefer": "handling=strict"}, dict([_query(names)])
        response = self._send("GET", kind, headers=headers, params=parameters)
        try:
            known_as = found_id(response, kind, names)
        except NotSearchable:
            self.unsearchable.add(kind)
            return None
        if known_as is None:
            return None
        return Delivered(known_as, f"{self.base_url}/{kind}/{known_as}", duplicate=True)

    def update(self, kind: str, known_as: str, names: Names, **elements: Any) -> None:
        """Set elements of a resource that is there and so named, unless it has them already.

        Where somebody else changed it meanwhile (409, 412), it is read and changed again.
        Raises TemporaryFailure, Refused, also where it is another's, and, before it sends,
        InvalidResource.
        """
        for _ in range(UPDATE_TRIES):
            now, version = self._read_one(kind, known_as)
            if not is_named(now, names):
                raise Refused(ANOTHERS)
            if elements.items() <= now.items():
                return
            changed = now | elements
            check_required_codes(changed)  # only ours: what else it holds is the EHR's
            headers = {"Content-Type": FHIR_JSON, "Prefer": "return=minimal"}
            if version:
                headers["If-Match"] = version
            response = self._send("PUT", f"{kind}/{known_as}", headers=headers, json=changed)
            if response.status_code in (409, 412):
                continue
            raise_for_failure(response, changed)
            if response.content and not _is(json_object(response), kind, known_as):
                now, _version = self._read_one(kind, known_as)  # a proxy's page answers 200 too
                if not elements.items() <= now.items():
                    raise TemporaryFailure(NOT_ASKED_FOR)
            return
        raise TemporaryFailure("The EHR's copy was changed by others again and again.")

    def _read_one(self, kind: str, known_as: str) -> tuple[dict[str, Any], str | None]:
        """A resource that is there, and its version where the EHR tells that.

        Raises TemporaryFailure, also where the answer is something else, and Refused.
        """
        response = self._send("GET", f"{kind}/{known_as}", headers={})
        raise_for_failure(response, {})
        found = json_object(response)
        if not _is(found, kind, known_as):
            raise TemporaryFailure(NOT_ASKED_FOR)
        return found, response.headers.get("ETag")

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
        try:
            found = named if named.id else self.find(kind, names)
        except (TemporaryFailure, Refused) as failure:
            failure.may_have_arrived = True  # the question failed, not what was sent before it
            raise
        if found:
            return found
        if not self.can_search(kind) and not response.content:
            return named
        raise TemporaryFailure(
            f"The EHR answered {response.status_code}, but the message is not to be found there.",
            may_have_arrived=True,
        )

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], **content: Any
    ) -> requests.Response:
        """One request; at a 401 the token is renewed once and the request repeated."""
        response = self._once(method, path, headers, **content)
        if response.status_code == 401 and self._tokens is not None:
            self._token = self._tokens.renew()
            response = self._once(method, path, headers, **content)
        return response

    def _once(
        self, method: str, path: str, headers: Mapping[str, str], **content: Any
    ) -> requests.Response:
        self._before_each()
        if self._token is None and self._tokens is not None:
            self._token = self._tokens.token()
        headers = {"Accept": FHIR_JSON, **headers}
        address = f"{self.base_url}/{path}"
        return self._transport.ask(method, address, self._token, headers=headers, **content)


def _is(found: Mapping[str, Any], kind: str, known_as: str) -> bool:
    return (found.get("resourceType"), found.get("id")) == (kind, known_as)


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
