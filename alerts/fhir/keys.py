"""Clarity's own keys, with which it proves to an EHR who asks for a token.

A key is one file of a private folder: a JWK (RFC 7517) with the times when it was made and
retired. The oldest key that is not retired signs: a new one is published first, and takes over
when the one before it is retired. Retiring takes the private half out of the file at once; the
public half stays published until nothing that it signed can be valid.
"""

import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from alerts.fhir.jwks import ALGORITHMS, PRIVATE_PARTS

RSA_BITS = 3072
ASSERTION_LIFE = timedelta(minutes=4)
"""Under the 5 minutes that SMART allows, so that a clock a little behind does not refuse it."""

PUBLISHED_AFTER = ASSERTION_LIFE + timedelta(minutes=6)
"""How long a retired key stays published: the life of what it signed, and clocks that differ."""

_KID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class KeyTrouble(Exception):
    """The keys cannot be used as asked. One sentence, without anything of a key."""


@dataclass(frozen=True)
class Key:
    """One key of the folder."""

    kid: str
    algorithm: str
    made_at: datetime
    retired_at: datetime | None
    public: dict[str, Any]

    def is_published(self, now: datetime) -> bool:
        """Whether others should still believe it."""
        return self.retired_at is None or now < self.retired_at + PUBLISHED_AFTER


class KeyFolder:
    """The keys of one folder, read anew each time: processes share nothing but the files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self, algorithm: str, now: datetime) -> Key:
        """A new key, which is published from now on. Raises KeyTrouble."""
        if algorithm not in ALGORITHMS:
            raise KeyTrouble(f"The algorithm must be {' or '.join(ALGORITHMS)}.")
        kid = f"{now:%Y%m%d}-{algorithm.lower()}-{secrets.token_hex(4)}"
        private = (
            ec.generate_private_key(ec.SECP384R1())
            if algorithm == "ES384"
            else rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        )
        made: Any = jwt.get_algorithm_by_name(algorithm)
        jwk = made.to_jwk(private, as_dict=True) | {"kid": kid, "alg": algorithm, "use": "sig"}
        jwk.pop("key_ops", None)
        self._write(kid, {"made_at": now.isoformat(), "retired_at": None, "jwk": jwk})
        return self._key(kid)

    def all(self) -> list[Key]:
        """Every key, the oldest first. Raises KeyTrouble for a file that is none."""
        names = [path.stem for path in self.path.glob("*.json")]
        return sorted(map(self._key, names), key=lambda it: (it.made_at, it.kid))

    def active(self) -> list[Key]:
        """The keys that may sign, the oldest first. Raises KeyTrouble."""
        return [key for key in self.all() if key.retired_at is None]

    def published(self, now: datetime) -> dict[str, Any]:
        """The key set that others read. Raises KeyTrouble."""
        return {"keys": [key.public for key in self.all() if key.is_published(now)]}

    def retire(self, kid: str, now: datetime) -> None:
        """It signs no more; its private half is gone. Again: no change. Raises KeyTrouble."""
        key = self._key(kid)
        if key.retired_at is None:
            self._write(
                kid,
                {
                    "made_at": key.made_at.isoformat(),
                    "retired_at": now.isoformat(),
                    "jwk": key.public,
                },
            )

    def remove_old(self, now: datetime) -> list[str]:
        """Delete the files of keys that are published no more; returns their ids."""
        gone = [key.kid for key in self.all() if not key.is_published(now)]
        for kid in gone:
            self._file(kid).unlink(missing_ok=True)
        return gone

    def signed(self, claims: dict[str, Any], algorithm: str) -> str:
        """A JWT of these claims by the oldest active key of that algorithm. Raises KeyTrouble."""
        key = next((it for it in self.active() if it.algorithm == algorithm), None)
        if key is None:
            raise KeyTrouble(f"There is no key for {algorithm}: make one with `ehr_keys make`.")
        private = jwt.PyJWK(self._read(key.kid)["jwk"], algorithm=algorithm)
        return jwt.encode(claims, private, algorithm=algorithm, headers={"kid": key.kid})

    def open_to_others(self) -> list[str]:
        """Names of what in the folder others than its owner can read."""
        paths = [self.path, *self.path.glob("*.json")]
        return [it.name for it in paths if it.exists() and it.stat().st_mode & 0o077]

    def _key(self, kid: str) -> Key:
        content = self._read(kid)
        jwk, retired = content["jwk"], content["retired_at"]
        return Key(
            kid=kid,
            algorithm=jwk["alg"],
            made_at=datetime.fromisoformat(content["made_at"]),
            retired_at=datetime.fromisoformat(retired) if retired else None,
            public={name: value for name, value in jwk.items() if name not in PRIVATE_PARTS},
        )

    def _read(self, kid: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._file(kid).read_text())
            is_whole = content["jwk"]["kid"] == kid and content["jwk"]["alg"] in ALGORITHMS
            datetime.fromisoformat(content["made_at"]).astimezone(UTC)
        except FileNotFoundError:
            raise KeyTrouble(f"There is no key {kid}: `ehr_keys list` shows them.") from None
        except (OSError, ValueError, KeyError, TypeError):
            is_whole = False
        if not is_whole:
            raise KeyTrouble(f"The file of key {kid} cannot be read: restore or delete it.")
        return content

    def _file(self, kid: str) -> Path:
        if not _KID.fullmatch(kid):
            raise KeyTrouble("A key’s id is of letters, digits, hyphens and underscores.")
        return self.path / f"{kid}.json"

    def _write(self, kid: str, content: dict[str, Any]) -> None:
        # Written beside and moved into place: a reader sees the old file or the new one.
        half = self.path / f".{kid}.{secrets.token_hex(4)}"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            half.rename(self._file(kid))
        except OSError as error:
            with suppress(OSError):
                half.unlink()
            raise KeyTrouble(f"{self.path} cannot be written ({type(error).__name__}).") from None
