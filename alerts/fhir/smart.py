"""SMART App Launch (HL7 2.2): from an EHR's log-in to a verified fhirUser and patient.

The client's half of the authorization code flow with PKCE (S256), state and nonce, for an EHR
and a standalone launch. An error is one word: nothing of a token, a code or an answer is in it.
"""

import base64
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from jwt.exceptions import PyJWTError

from alerts.fhir.fetching import Unreadable, is_safe, json_at
from alerts.fhir.transport import session_to

IDENTITY_ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")
"""Of an EHR's id_token. OpenID Connect has every server sign with RS256; it says who logged in at
the very server that Clarity has just asked, and opens nothing by itself."""

CLOCK_SKEW = timedelta(seconds=60)
TIMEOUT_S = (3.05, 10.0)
_PERSON = re.compile(
    r"(Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/[A-Za-z0-9\-.]{1,64}"
)
_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class LaunchFailed(Exception):
    """The launch ends here. ``code`` says why, for the audit and for the page to put in words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Endpoints:
    """Where an EHR logs people in, gives tokens, and keeps the keys of its id_tokens."""

    authorize: str
    token: str
    issuer: str
    jwks: str


@dataclass(frozen=True)
class Pending:
    """A launch that has begun in somebody's browser. ``began`` is in seconds since 1970."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    began: float


@dataclass(frozen=True)
class Granted:
    """What the token endpoint answered, as far as a launch needs it: no access token is kept."""

    id_token: str = field(repr=False)
    patient: str | None = field(repr=False)


def endpoints(base_url: str) -> Endpoints:
    """Read from the EHR's .well-known/smart-configuration. Raises LaunchFailed."""
    config = _document(f"{base_url.rstrip('/')}/.well-known/smart-configuration")
    issuer = str(config.get("issuer") or base_url.rstrip("/"))
    jwks = config.get("jwks_uri")
    if not jwks:
        openid = _document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        jwks = openid.get("jwks_uri")
    found = Endpoints(
        authorize=str(config.get("authorization_endpoint", "")),
        token=str(config.get("token_endpoint", "")),
        issuer=issuer,
        jwks=str(jwks or ""),
    )
    if not all(is_safe(url) for url in (found.authorize, found.token, found.jwks)):
        raise LaunchFailed("configuration")
    return found


def begun(now: datetime) -> Pending:
    """A new launch with secrets that nobody can guess."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Pending(state, nonce, verifier, now.timestamp())


def challenge(verifier: str) -> str:
    """PKCE's S256 (RFC 7636).

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorize_url(
    at: Endpoints, pending: Pending, *, client_id: str, redirect: str, base_url: str, launch: str
) -> str:
    """Where the browser goes to log in. Without ``launch`` the EHR asks for the patient itself."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": f"openid fhirUser {'launch' if launch else 'launch/patient'}",
        "state": pending.state,
        "nonce": pending.nonce,
        "aud": base_url,
        "code_challenge": challenge(pending.verifier),
        "code_challenge_method": "S256",
    }
    if launch:
        asked["launch"] = launch
    return f"{at.authorize}{'&' if urlsplit(at.authorize).query else '?'}{urlencode(asked)}"


def granted(at: Endpoints, form: dict[str, str]) -> Granted:
    """Trade the code for the id_token and the patient in context. Raises LaunchFailed.

    ``form`` is what the token endpoint is asked, of ``code_form``.
    """
    answer = _posted(at.token, form)
    id_token, patient = answer.get("id_token"), answer.get("patient")
    if not isinstance(id_token, str):
        raise LaunchFailed("no_identity")
    if patient is not None and not (isinstance(patient, str) and _FHIR_ID.fullmatch(patient)):
        raise LaunchFailed("patient")
    return Granted(id_token, patient)


def code_form(pending: Pending, *, code: str, client_id: str, redirect: str) -> dict[str, str]:
    """What the token endpoint is asked; a confidential client adds its signed assertion."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "client_id": client_id,
        "code_verifier": pending.verifier,
    }


def fhir_user(
    id_token: str, at: Endpoints, *, client_id: str, nonce: str, base_url: str, now: datetime
) -> str:
    """Who logged in, such as “Practitioner/123”, from a verified id_token. Raises LaunchFailed.

    Its signature, issuer, audience, expiry and nonce are checked.
    """
    claims = _claims(id_token, at, client_id)
    if claims.get("nonce") != nonce:
        raise LaunchFailed("nonce")
    _check_times(claims, now)
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise LaunchFailed("audience")
    return person(claims.get("fhirUser") or claims.get("profile"), base_url)


def person(claim: object, base_url: str) -> str:
    """The clinician in a fhirUser claim, which may be a whole address. Raises LaunchFailed.

    >>> person("https://ehr.example/r4/Practitioner/7", "https://ehr.example/r4/")
    'Practitioner/7'
    """
    text = claim if isinstance(claim, str) else ""
    base = base_url.rstrip("/") + "/"
    named = text.removeprefix(base)
    if not _PERSON.fullmatch(named):
        raise LaunchFailed("no_person")
    if not named.startswith("Practitioner"):
        raise LaunchFailed("not_clinician")
    return named


def _claims(id_token: str, at: Endpoints, client_id: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(id_token)
        algorithm = str(header.get("alg"))
        if algorithm in IDENTITY_ALGORITHMS:
            return jwt.decode(
                id_token,
                _key(_document(at.jwks), header.get("kid"), algorithm),
                algorithms=[algorithm],
                audience=client_id,
                issuer=at.issuer,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,  # the moments are looked at below, on our clock
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
    except jwt.InvalidIssuerError:
        raise LaunchFailed("issuer") from None
    except jwt.InvalidAudienceError:
        raise LaunchFailed("audience") from None
    except (PyJWTError, ValueError, TypeError):
        pass
    raise LaunchFailed("signature")


def _key(jwks: dict[str, Any], kid: object, algorithm: str) -> Any:
    keys = [key for key in jwks.get("keys", []) if isinstance(key, dict)]
    fitting = [key for key in keys if key.get("use", "sig") == "sig" and key.get("kid") == kid]
    if kid is None:  # allowed where the server has one key alone
        fitting = keys if len(keys) == 1 else []
    kinds = {"R": "RSA", "E": "EC"}
    for key in fitting:
        if key.get("kty") == kinds[algorithm[0]] and key.get("alg", algorithm) == algorithm:
            return jwt.PyJWK(key, algorithm=algorithm).key
    raise ValueError("no such key")


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    for name, sign in (("exp", 1), ("iat", -1), ("nbf", -1)):
        value = claims.get(name, None if name == "exp" else 0)
        try:
            moment = datetime.fromtimestamp(float(value or 0), UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            moment = datetime.fromtimestamp(0, UTC) if sign > 0 else now + 2 * CLOCK_SKEW
        if sign * (moment - now) <= -CLOCK_SKEW:
            raise LaunchFailed("expired")


def _document(url: str) -> dict[str, Any]:
    try:
        return json_at(url)
    except Unreadable:
        raise LaunchFailed("unreachable") from None


def _posted(url: str, form: dict[str, str]) -> dict[str, Any]:
    """The JSON object that the token endpoint answers. Redirects are not followed."""
    try:
        with session_to(url) as session:
            response = session.post(
                url,
                data=form,
                headers={"Accept": "application/json"},
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
            body = response.json() if response.status_code == 200 else None
    except (requests.exceptions.RequestException, ValueError):
        raise LaunchFailed("unreachable") from None
    if not isinstance(body, dict):
        raise LaunchFailed("code_refused")
    return body
