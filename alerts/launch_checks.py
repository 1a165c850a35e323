"""System checks of how Clarity lives inside the EHR: the launch, and pages in a frame."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from alerts.ehr_tokens import key_folder
from alerts.fhir.keys import KeyTrouble

SITE = re.compile(r"https://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d{1,5})?")


@register(Tags.compatibility)
def launch_settings(**_: Any) -> Sequence[CheckMessage]:
    """EHR_LAUNCH_CLIENT_ID, EHR_LAUNCH_SIGNED and EHR_FRAME_ANCESTORS can be used."""
    return [*_launch(), *_frames()]


def _launch() -> Iterator[CheckMessage]:
    client_id = settings.EHR_LAUNCH_CLIENT_ID
    if client_id and not re.fullmatch(r"[!-~]{1,200}", client_id):
        yield Error(
            "EHR_LAUNCH_CLIENT_ID holds blanks or letters that an id cannot have.",
            hint="Copy it from the EHR's page about this client.",
            id="clarity.E020",
        )
    if client_id and not settings.EHR_BASE_URL:
        yield Error(
            "EHR_LAUNCH_CLIENT_ID is set, but no EHR is.",
            hint="Set EHR_BASE_URL to the address that the EHR gives along as iss.",
            id="clarity.E021",
        )
    if settings.EHR_LAUNCH_SIGNED and client_id and not _has_key():
        yield Warning(
            "EHR_LAUNCH_SIGNED is true, but there is no key to sign with: no launch can end well.",
            hint="Run `manage.py ehr_keys make`.",
            id="clarity.W020",
        )


def _has_key() -> bool:
    try:
        return bool(key_folder().active())
    except KeyTrouble:
        return False  # its own check says which file it is


def _frames() -> Iterator[CheckMessage]:
    sites = settings.FRAME_ANCESTORS
    if bad := [site for site in sites if not SITE.fullmatch(site)]:
        yield Error(
            f"EHR_FRAME_ANCESTORS: {bad[0]} is no site.",
            hint="Write sites of the EHR such as https://ehr.example, separated by commas.",
            id="clarity.E022",
        )
    if sites and not settings.BEHIND_HTTPS:
        yield Error(
            "EHR_FRAME_ANCESTORS needs BEHIND_HTTPS: no browser sends a cookie into a frame "
            "without.",
            hint="Serve Clarity by HTTPS and set BEHIND_HTTPS=true, or unset EHR_FRAME_ANCESTORS.",
            id="clarity.E023",
        )
