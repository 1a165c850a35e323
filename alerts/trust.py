"""Verifies the tokens with which other systems call: whose they are, for us, fresh, used once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
from django.core.cache import cache
from jwt.exceptions import PyJWTError
from jwt.types import Options

from alerts.ehr_models import SeenToken, TrustedSystem
from alerts.fhir.fetching import Unreadable, json_at
from alerts.fhir.jwks import ALGORITHMS, key_for, usable_keys

SKEW = timedelta(seconds=30)
"""How far the other system's clock may be off."""
LONGEST = timedelta(minutes=5)
MAX_CHARS = 8192
KEYS_KEPT_S = 600
"""How long fetched keys are believed; a new key is seen at once, a withdrawn one after this."""
REFETCHED_EVERY_S = 10
"""An unknown key id, or a failure, asks again no oftener: nobody can make Clarity hammer an EHR,
or wait for one that is away with every call."""


class NotTrusted(Exception):
    """The token opens nothing. ``reason`` is one plain sentence without anything of the token.

    ``system`` is whose it is where the signature was good: others are strangers.
    """

    def __init__(self, reason: str, system: TrustedSystem | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.system = system


@contextmanager
def _signed_by(system: TrustedSystem) -> Iterator[None]:
    """What is refused in here is refused to that system."""
    try:
        yield
    except NotTrusted as refusal:
        refusal.system = system
        raise


def jwt_verified(token: str, *, audience: str, now: datetime) -> TrustedSystem:
    """The system whose token this is, by its issuer; the token is then used up.

    ``audience`` is the address that was called. Raises NotTrusted.
    """
    issuer = _text(_unverified(token), "iss")
    system = TrustedSystem.objects.filter(issuer=issuer, is_active=True).first()
    if not issuer or system is None:
        raise NotTrusted("The issuer of the token is not registered here, or switched off.")
    return _used_up(token, system, audience, now)


def client_verified(assertion: str, *, audience: str, now: datetime) -> TrustedSystem:
    """The program that signed this client assertion (iss = sub = its client id); used up then.

    ``audience`` is the address of the token endpoint. Raises NotTrusted.
    """
    claims = _unverified(assertion)
    client_id = _text(claims, "iss")
    if not client_id or claims.get("sub") != client_id:
        raise NotTrusted("The assertion must name the client id as both iss and sub.")
    system = TrustedSystem.objects.filter(client_id=client_id, is_active=True).first()
    if system is None:
        raise NotTrusted("The client id is not registered here, or switched off.")
    return _used_up(assertion, system, audience, now)


def keys_looked_at(system: TrustedSystem) -> list[tuple[str, str]]:
    """Its keys that can verify a token, as (kid, algorithm), read anew. Raises NotTrusted."""
    return usable_keys(_jwks(system, anew=True))


def claims_verified(
    token: str,
    *,
    system: TrustedSystem,
    audience: str,
    now: datetime,
    algorithms: tuple[str, ...] = ALGORITHMS,
) -> dict[str, Any]:
    """The claims of a token of this system for this audience, signed by one of its keys.

    Expiry and start are checked, replay and lifetime are not. Raises NotTrusted.
    """
    header = _header(token)
    algorithm = header.get("alg")
    if algorithm not in algorithms:
        raise NotTrusted(f"The token must be signed with {' or '.join(algorithms)}.")
    key = _key(system, header, str(algorithm))
    accepted = [audience, *filter(None, [system.audience])]
    signer = None
    own_clock: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims = jwt.decode(
            token, key, algorithms=[str(algorithm)], audience=accepted, options=own_clock
        )
    except jwt.InvalidAudienceError:  # looked at once the signature is found good
        reason, signer = "The token is meant for another address (aud).", system
    except jwt.MissingRequiredClaimError:
        reason, signer = "The token does not say whom it is meant for (aud).", system
    except jwt.InvalidSignatureError:
        reason = "The signature of the token does not fit."
    except PyJWTError:
        reason = "The token is malformed."
    else:
        with _signed_by(system):
            _check_times(claims, now)
        return claims
    raise NotTrusted(reason, signer)


def _used_up(token: str, system: TrustedSystem, audience: str, now: datetime) -> TrustedSystem:
    claims = claims_verified(token, system=system, audience=audience, now=now)
    with _signed_by(system):
        _use_up(claims, system, now)
    return system


def _use_up(claims: Mapping[str, Any], system: TrustedSystem, now: datetime) -> None:
    ends = _moment(claims, "exp")
    begins = _moment(claims, "iat") if "iat" in claims else now
    if ends - now > LONGEST + SKEW or ends - begins > LONGEST + SKEW:
        raise NotTrusted("The token lives longer than 5 minutes.")
    jti = _text(claims, "jti")
    if not jti:
        raise NotTrusted("The token has no id (jti).")
    SeenToken.objects.filter(expires_at__lt=now).delete()
    row = {"system": system, "jti_sha256": sha256(jti.encode()).hexdigest()}
    # The database decides between two that come at once.
    _seen, is_first = SeenToken.objects.get_or_create(
        **row, defaults={"expires_at": ends + 2 * SKEW}
    )
    if not is_first:
        raise NotTrusted("The token was used before (jti).")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    if _moment(claims, "exp") + SKEW <= now:
        raise NotTrusted("The token has expired.")
    for name in ("nbf", "iat"):
        if name in claims and _moment(claims, name) - SKEW > now:
            raise NotTrusted(f"The token is not valid yet ({name}).")


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise NotTrusted(f"The token has no readable time of {name}.")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and "\x00" not in value else ""


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_CHARS:
        raise NotTrusted(f"The token is over {MAX_CHARS} characters.")
    try:
        return jwt.get_unverified_header(token)
    except PyJWTError:
        pass
    raise NotTrusted("This is no JSON Web Token.")


def _unverified(token: str) -> dict[str, Any]:
    """The claims before anything is verified: good only to look up whose key to try."""
    _header(token)
    try:
        return jwt.decode(token, options={"verify_signature": False, "verify_aud": False})
    except PyJWTError:
        pass
    raise NotTrusted("This is no JSON Web Token.")


def _key(system: TrustedSystem, header: Mapping[str, Any], algorithm: str) -> Any:
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotTrusted("The token does not name its key (kid).")
    if header.get("jku", system.jwks_url) != system.jwks_url:
        raise NotTrusted("The token names an address of keys (jku) that is not registered.")
    found = key_for(_jwks(system), kid, algorithm)
    if found is None and _may_ask_again(system):
        found = key_for(_jwks(system, anew=True), kid, algorithm)
    if found is None:
        raise NotTrusted("The key of the token (kid) is not one of the system’s.")
    return found


def _may_ask_again(system: TrustedSystem) -> bool:
    return bool(system.jwks_url) and cache.add(_name(system, "asked"), 1, REFETCHED_EVERY_S)


def _jwks(system: TrustedSystem, *, anew: bool = False) -> object:
    if not system.jwks_url:
        return system.jwks
    name, failed = _name(system, "keys"), _name(system, "failed")
    if not anew and (kept := cache.get(name)) is not None:
        return kept
    reason = None if anew else cache.get(failed)
    if reason is None:
        try:
            keys = json_at(system.jwks_url)
            cache.set(name, keys, KEYS_KEPT_S)
            return keys
        except Unreadable as trouble:
            reason = trouble.reason
            cache.set(failed, reason, REFETCHED_EVERY_S)
    raise NotTrusted(f"The keys of {system} cannot be read: {reason}.")


def _name(system: TrustedSystem, what: str) -> str:
    # The address is part of it: after a change the old keys open nothing.
    return f"jwks-{what}-{system.pk}-{sha256(system.jwks_url.encode()).hexdigest()[:16]}"
