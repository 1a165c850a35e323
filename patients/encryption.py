"""Encrypted text columns for what identifies a patient."""

import base64
import hashlib
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models


@cache
def _fernet(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))


class EncryptedTextField(models.TextField):
    """Text that is readable in Python and encrypted (Fernet) in the database.

    It cannot be searched: patients are found by their code.
    """

    def get_prep_value(self, value: Any) -> Any:
        if not value:
            return value
        return _fernet(settings.IDENTITY_KEY).encrypt(str(value).encode()).decode()

    def from_db_value(self, value: Any, *_: object) -> Any:
        if not value:
            return value
        try:
            return _fernet(settings.IDENTITY_KEY).decrypt(value.encode()).decode()
        except InvalidToken:
            return "(unreadable: IDENTITY_KEY has changed)"
