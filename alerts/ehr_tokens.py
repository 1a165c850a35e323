"""The one source of access tokens of this process, from the settings."""

from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from alerts.fhir.keys import Key, KeyFolder
from alerts.fhir.scopes import WANTED_SCOPES
from alerts.fhir.tokens import TokenSource
from clarity_site.logs import log
from patients.models import User
from patients.services import audit_record


def key_folder() -> KeyFolder:
    """The folder with Clarity's keys."""
    return KeyFolder(Path(settings.EHR_KEYS_DIR))


def token_source() -> TokenSource | None:
    """Where tokens of the EHR are had; None where none are asked for (no EHR_CLIENT_ID)."""
    if not (settings.EHR_BASE_URL and settings.EHR_CLIENT_ID):
        return None
    return _source(
        settings.EHR_BASE_URL,
        settings.EHR_CLIENT_ID,
        settings.EHR_KEYS_DIR,
        settings.EHR_SCOPES or WANTED_SCOPES,
        settings.EHR_TOKEN_URL,
    )


@cache
def _source(
    base_url: str, client_id: str, folder: Path, scopes: str, token_url: str
) -> TokenSource:
    return TokenSource(
        base_url, client_id, KeyFolder(Path(folder)), scopes=scopes, token_url=token_url
    )


def key_make(*, algorithm: str, by: User | str, now: datetime) -> Key:
    """A new key, published at once, audited by its id. Raises KeyTrouble."""
    key = key_folder().make(algorithm, now)
    _written_down(by, "EHR key made", key.kid)
    return key


def key_retire(*, kid: str, by: User | str, now: datetime) -> None:
    """The key signs no more. Raises KeyTrouble."""
    key_folder().retire(kid, now)
    _written_down(by, "EHR key retired", kid)


def keys_rotate(*, by: User | str, now: datetime) -> list[Key]:
    """A new key for each algorithm that has one, and all before them retired. Raises KeyTrouble."""
    before = key_folder().active()
    made = [
        key_make(algorithm=algorithm, by=by, now=now)
        for algorithm in sorted({key.algorithm for key in before})
    ]
    for key in before:
        key_retire(kid=key.kid, by=by, now=now)
    return made


def _written_down(by: User | str, action: str, kid: str) -> None:
    audit_record(by=by, action=action, key=kid)
    log.info(action, extra={"key": kid})
