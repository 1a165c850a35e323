"""System checks of how Clarity gets its tokens from the EHR."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from alerts.ehr_tokens import key_folder
from alerts.fhir.fetching import is_safe
from alerts.fhir.keys import KeyTrouble
from alerts.fhir.scopes import unknown_words


@register(Tags.compatibility)
def ehr_token_settings(**_: Any) -> Sequence[CheckMessage]:
    """EHR_CLIENT_ID, EHR_SCOPES, EHR_TOKEN_URL and the keys fit together and can be used."""
    return [*_settings(), *_keys()]


def _settings() -> Iterator[CheckMessage]:
    client_id = settings.EHR_CLIENT_ID
    if client_id and not re.fullmatch(r"[!-~]{1,200}", client_id):
        yield Error(
            "EHR_CLIENT_ID holds blanks or letters that an id cannot have.",
            hint="Copy it from the EHR's page about this client.",
            id="clarity.E010",
        )
    if client_id and settings.EHR_TOKEN_FILE:
        yield Error(
            "EHR_CLIENT_ID and EHR_TOKEN_FILE are both set.",
            hint="Keep EHR_CLIENT_ID where the EHR gives tokens, EHR_TOKEN_FILE where it does not.",
            id="clarity.E011",
        )
    if unknown := unknown_words(settings.EHR_SCOPES):
        yield Error(
            f"EHR_SCOPES: {', '.join(unknown)} is no system scope.",
            hint="Write scopes such as system/Patient.rs, separated by blanks.",
            id="clarity.E012",
        )
    if settings.EHR_TOKEN_URL and not is_safe(settings.EHR_TOKEN_URL):
        yield Error(
            "EHR_TOKEN_URL must be https://… (http only on this machine), without a password.",
            hint="Unset it where the EHR has a .well-known/smart-configuration.",
            id="clarity.E013",
        )


def _keys() -> Iterator[CheckMessage]:
    folder = key_folder()
    if readable := folder.open_to_others():
        yield Error(
            f"EHR_KEYS_DIR: others can read {', '.join(readable)}.",
            hint=f"Run `chmod -R go= {folder.path}`.",
            id="clarity.E014",
        )
    try:
        active = folder.active()
    except KeyTrouble as trouble:
        yield Error(f"EHR_KEYS_DIR: {trouble}", hint="See `manage.py ehr_keys list`.",
                    id="clarity.E015")  # fmt: skip
        return
    if settings.EHR_CLIENT_ID and not active:
        yield Warning(
            "EHR_CLIENT_ID is set, but there is no key to sign with: no message can be sent.",
            hint="Run `manage.py ehr_keys make`.",
            id="clarity.W010",
        )
