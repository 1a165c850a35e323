"""Public keys of others as a JSON Web Key Set (RFC 7517): which of them may verify a token."""

from collections.abc import Iterator, Mapping
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

ALGORITHMS = ("RS384", "ES384")
"""SMART's two. RS256 and everything symmetric open nothing."""

KEY_TYPE = {"RS384": "RSA", "ES384": "EC"}
CURVE = "P-384"
MIN_RSA_BITS = 2048
PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class BadKeys(ValueError):
    """The key set cannot be used. One sentence, without anything of a key."""

    def __init__(self, sentence: str, *, holds_secret: bool = False) -> None:
        super().__init__(sentence)
        self.holds_secret = holds_secret


def check_jwks(jwks: object) -> None:
    """Raise BadKeys unless the set holds a key that can verify RS384 or ES384, and no secret."""
    if any(PRIVATE_PARTS & key.keys() for key in _keys(jwks)):
        raise BadKeys(
            "The key set holds a private key: give the public keys only.", holds_secret=True
        )
    if not usable_keys(jwks):
        raise BadKeys(
            "The key set holds no key with a kid for RS384 (RSA of 2048 bits or more) or "
            "ES384 (P-384)."
        )


def usable_keys(jwks: object) -> list[tuple[str, str]]:
    """Which keys of the set can verify tokens, as (kid, algorithm)."""
    return [
        (key["kid"], algorithm)
        for key in _keys(jwks)
        for algorithm in ALGORITHMS
        if _usable(key, algorithm)
    ]


def key_for(jwks: object, kid: str, algorithm: str) -> Any | None:
    """The public key of that id for that algorithm (one of ALGORITHMS), or None."""
    for key in _keys(jwks):
        if key.get("kid") == kid and (found := _usable(key, algorithm)):
            return found.key
    return None


def _keys(jwks: object) -> Iterator[Mapping[str, Any]]:
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    for key in keys if isinstance(keys, list) else ():
        if isinstance(key, Mapping):
            yield key


def _usable(key: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    if not isinstance(key.get("kid"), str) or key.get("kty") != KEY_TYPE[algorithm]:
        return None
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return None
    if algorithm == "ES384" and key.get("crv") != CURVE:
        return None
    public = {name: value for name, value in key.items() if name not in PRIVATE_PARTS}
    try:
        found = PyJWK(public, algorithm=algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    return found if algorithm == "ES384" or found.key.key_size >= MIN_RSA_BITS else None
