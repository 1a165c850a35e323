"""Access tokens that registered systems are given to read with, for five minutes each."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from alerts.ehr_models import SystemToken, TrustedSystem
from alerts.fhir.scopes import Scope, granted, scopes_of
from patients.services import audit_record

LIFE = timedelta(minutes=5)


class NoScope(Exception):
    """The system may read nothing of what it asked for."""


@dataclass(frozen=True)
class Reader:
    """The system behind a token, and what the token lets it read."""

    system: TrustedSystem
    scopes: tuple[Scope, ...]

    @property
    def name(self) -> str:
        """As the audit names it: a person cannot have this user name."""
        return f"system: {self.system.name}"


@transaction.atomic
def system_token_issue(*, system: TrustedSystem, asked: str, now: datetime) -> tuple[str, str]:
    """A new token's text and what it lets read: what was asked (else all) and is allowed.

    Raises NoScope.
    """
    scopes = granted(asked or system.scopes, system.scopes)
    if not scopes:
        raise NoScope
    SystemToken.objects.filter(expires_at__lt=now).delete()
    text = secrets.token_urlsafe(32)
    SystemToken.objects.create(
        system=system, token_sha256=_hash(text), scopes=scopes[:500], expires_at=now + LIFE
    )
    audit_record(by=f"system: {system.name}", action="system token issued", scopes=scopes)
    return text, scopes


def reader_of(text: str, now: datetime) -> Reader | None:
    """Whose token this is; None for one that is unknown, over, or of a system switched off."""
    rows = SystemToken.objects.select_related("system").filter(system__is_active=True)
    token = rows.filter(token_sha256=_hash(text), expires_at__gt=now).first()
    if token is None:
        return None
    # What the system is allowed may have become less since.
    scopes = granted(token.scopes, token.system.scopes)
    return Reader(token.system, tuple(scopes_of(scopes)))


def _hash(text: str) -> str:
    # A fast hash is enough: the token is 256 random bits, which nobody guesses.
    return sha256(text.encode(errors="replace")).hexdigest()
