"""SMART Backend Services: how Clarity gets the access token with which it speaks to an EHR."""

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import requests

from alerts.fhir.answers import TemporaryFailure, json_object, raise_for_failure
from alerts.fhir.fetching import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Unreadable, is_safe, json_at
from alerts.fhir.jwks import ALGORITHMS
from alerts.fhir.keys import ASSERTION_LIFE, KeyFolder, KeyTrouble
from alerts.fhir.scopes import scopes_to_ask
from alerts.fhir.transport import session_to

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CONFIGURATION_KEPT_S = 3600.0
SKEW_S = 30.0
"""A token is renewed this long before its end (a fifth of its life, where that is less)."""
ASSUMED_LIFE_S = 60.0
"""Of a token whose server does not say it."""
LONGEST_LIFE_S = 24 * 3600.0

_OAUTH_ERROR = re.compile(r"[a-z_]{3,40}")
_SECRET_LIKE = re.compile(r"[A-Za-z0-9_\-.+/=]{32,}")


class TokenRefused(TemporaryFailure):
    """The EHR’s token server does not know Clarity, its key or its scopes.

    This speaks of the connection and of no message: an administrator must mend it, and every
    message waits for that. ``outcome_text``: what the server says of it.
    """

    def __init__(self, reason: str, outcome_text: str = "", status: int | None = None) -> None:
        super().__init__(f"{reason} {outcome_text}".strip())
        self.outcome_text = outcome_text
        self.status = status


class TokenSource:
    """Access tokens of one EHR, kept until shortly before they end; any thread may ask.

    ``scopes`` are system scopes in their second form. ``token_url`` spares the discovery; the
    scopes are then asked for as they are written.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        keys: KeyFolder,
        *,
        scopes: str,
        token_url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._client_id = client_id
        self._keys = keys
        self._scopes = scopes
        self._token_url = token_url
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._token_ends = "", 0.0
        self._configuration: dict[str, Any] = {}
        self._configuration_ends = 0.0

    def __repr__(self) -> str:
        return f"TokenSource({self._base_url!r})"

    def token(self) -> str:
        """The token, a new one where there is none or it is about to end.

        Raises TemporaryFailure; TokenRefused where somebody must do something about it.
        """
        with self._lock:
            return self._kept()

    def renew(self, rejected: str | None = None) -> str:
        """A new token, after a 401. Raises as ``token`` does.

        ``rejected``: the token that was not accepted; where another thread has replaced it
        already, that one's is given.
        """
        with self._lock:
            if rejected is None or rejected == self._token:
                self._token = ""
            return self._kept()

    def _kept(self) -> str:
        if not self._token or self._clock() >= self._token_ends:
            self._ask()
        return self._token

    def _ask(self) -> None:
        configuration = self._discovered()
        url = self._token_url or configuration["token_endpoint"]
        form = {
            "grant_type": "client_credentials",
            "scope": scopes_to_ask(self._scopes, configuration),
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(url, self._algorithm(configuration)),
        }
        asked_at = self._clock()
        answer = _token_answer(_posted(url, form))
        life = _life_s(answer)
        self._token = answer["access_token"]
        self._token_ends = asked_at + life - min(SKEW_S, life / 5)

    def _assertion(self, token_url: str, algorithm: str) -> str:
        now = datetime.fromtimestamp(self._clock(), UTC)
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": token_url,
            "jti": str(uuid4()),
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        try:
            return self._keys.signed(claims, algorithm)
        except KeyTrouble as trouble:
            raise TokenRefused(str(trouble)) from None

    def _algorithm(self, configuration: Mapping[str, Any]) -> str:
        """One that the server lists and that there is a key for."""
        listed = configuration.get("token_endpoint_auth_signing_alg_values_supported")
        accepted = [it for it in ALGORITHMS if not isinstance(listed, list) or it in listed]
        try:
            kept = {key.algorithm for key in self._keys.active()}
        except KeyTrouble as trouble:
            raise TokenRefused(str(trouble)) from None
        for algorithm in accepted:
            if algorithm in kept:
                return algorithm
        raise TokenRefused(
            f"Clarity has no key for {' or '.join(accepted or ALGORITHMS)}, which the EHR accepts: "
            "make one with `ehr_keys make` and register it there."
        )

    def _discovered(self) -> dict[str, Any]:
        """The EHR's smart-configuration, with a token endpoint; empty where none is needed."""
        if self._token_url:
            return {}
        if self._clock() < self._configuration_ends:
            return self._configuration
        try:
            found = json_at(f"{self._base_url}/.well-known/smart-configuration")
        except Unreadable as trouble:
            if trouble.status is not None and 400 <= trouble.status < 500:
                raise TokenRefused(
                    f"The EHR has no smart-configuration ({trouble.status}): set EHR_TOKEN_URL."
                ) from None
            raise TemporaryFailure(
                f"The EHR’s smart-configuration cannot be read: {trouble.reason}."
            ) from None
        endpoint = found.get("token_endpoint")
        if not isinstance(endpoint, str) or not is_safe(endpoint):
            raise TokenRefused("The EHR’s smart-configuration names no token endpoint by https.")
        self._configuration, self._configuration_ends = found, self._clock() + CONFIGURATION_KEPT_S
        return found


def _posted(url: str, form: Mapping[str, str]) -> requests.Response:
    try:
        with session_to(url) as session:
            return session.post(
                url,
                data=form,
                headers={"Accept": "application/json"},
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
            )
    except requests.exceptions.Timeout:
        reason = "The EHR’s token server did not answer in time."
    except requests.exceptions.SSLError:
        reason = "The certificate of the EHR’s token server was not accepted."
    except requests.exceptions.RequestException as error:
        reason = f"The EHR’s token server could not be reached ({type(error).__name__})."
    raise TemporaryFailure(reason)  # outside `except`: a library's text may hold the assertion


def _token_answer(response: requests.Response) -> dict[str, Any]:
    """The answer with a token that can be a header. Raises TemporaryFailure, TokenRefused."""
    status = response.status_code
    if status in (408, 429) or status >= 500:
        try:
            raise_for_failure(response, {})
        except TemporaryFailure as failure:
            wait_s = failure.retry_after_s
        raise TemporaryFailure(f"The EHR’s token server answered {status}.", wait_s)
    answer = json_object(response)
    if status != 200:
        raise TokenRefused(
            f"The EHR’s token server refused Clarity ({status}{_oauth_error(answer)}).",
            _description(answer),
            status,
        )
    token, kind = answer.get("access_token"), str(answer.get("token_type", "bearer"))
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise TemporaryFailure("The EHR’s token server answered without a token.")
    if kind.lower() != "bearer":
        raise TokenRefused("The EHR’s token server gives tokens that are no bearer tokens.")
    return answer


def _life_s(answer: Mapping[str, Any]) -> float:
    try:
        life = float(answer.get("expires_in", ASSUMED_LIFE_S))
    except (TypeError, ValueError):
        return ASSUMED_LIFE_S
    return min(life, LONGEST_LIFE_S) if math.isfinite(life) and life > 0 else ASSUMED_LIFE_S


def _oauth_error(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    return f", {error}" if isinstance(error, str) and _OAUTH_ERROR.fullmatch(error) else ""


def _description(answer: Mapping[str, Any]) -> str:
    """What the server says of it, cut short and without anything that may be a token or a key."""
    text = answer.get("error_description")
    if not isinstance(text, str):
        return ""
    printable = "".join(it for it in text[:2000] if it.isprintable())
    return _SECRET_LIKE.sub("[…]", printable)[:200]
