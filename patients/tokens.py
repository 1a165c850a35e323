"""Tokens with which devices send recordings: issued once, known by their hash, revocable."""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import DeviceToken, Patient, User
from patients.services import audit_record

PREFIX = "clarity_"
USE_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def token_issue(*, patient: Patient, label: str, by: User | str) -> tuple[DeviceToken, str]:
    """A new token for one device, and its text, which is never to be had again.

    Raises InputError for a label that is empty or too long.
    """
    label, longest = label.strip(), DeviceToken._meta.get_field("label").max_length or 0
    if not label or len(label) > longest or not label.isprintable():
        raise InputError(f"The label is empty or over {longest} characters: name the device.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = DeviceToken.objects.create(
        patient=patient,
        label=label,
        token_sha256=_hash(text),
        created_by=by if isinstance(by, str) else by.username,
        created_at=timezone.now(),
    )
    audit_record(by=by, action="device token issued", patient=patient, token=token.pk)
    return token, text


@transaction.atomic
def token_revoke(*, token: DeviceToken, by: User | str) -> None:
    """From now on the token opens nothing. Doing so again changes nothing."""
    now = timezone.now()
    if DeviceToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        audit_record(by=by, action="device token revoked", patient=token.patient, token=token.pk)


def token_used(*, text: str) -> DeviceToken | None:
    """The token of that text, with its use noted; None if there is none or it was revoked."""
    if not text.startswith(PREFIX):
        return None
    rows = DeviceToken.objects.filter(token_sha256=_hash(text), revoked_at=None)
    token = rows.select_related("patient").first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        DeviceToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _hash(text: str) -> str:
    # A fast hash is enough: the token is 256 random bits, which nobody guesses.
    return sha256(text.encode(errors="replace")).hexdigest()
