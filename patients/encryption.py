"""Encrypted text columns for what identifies a patient."""

import base64
import hashlib
import hmac
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


def blind_index(value: str) -> str:
    """A keyed hash by which an encrypted value is found again; nothing of nothing.

    Who has the database alone can neither read it nor try values.
    """
    if not value:
        return ""
    key = f"blind index {settings.IDENTITY_KEY}".encode()
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


class BlindIndexField(models.CharField):
    """The blind index of an encrypted field of the same row, written with it by every save."""

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        self.of = of
        kwargs |= {"max_length": 64, "blank": True, "editable": False, "db_index": True}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """For migrations."""
        name, path, args, kwargs = super().deconstruct()
        for given in ("max_length", "blank", "editable", "db_index"):
            kwargs.pop(given, None)
        return name, path, args, kwargs | {"of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """The index of what is saved beside it."""
        value = blind_index(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, value)
        return value
