"""Register another system, change it, switch it on or off, or list them."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from alerts.models import TrustedSystem
from alerts.systems import FIELDS, system_save, system_switch
from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.services import SYSTEM


class Command(JsonCommand):
    help = (
        "Systems of others that may call Clarity or read from it. Without a name: list them. With "
        "one: register it, or change what is given of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?")
        parser.add_argument("--issuer", help="The iss of the tokens with which an EHR calls.")
        parser.add_argument("--fhir-url", help="Where the FHIR server of an EHR that calls is.")
        parser.add_argument("--client-id", help="What it calls itself when it asks for a token.")
        parser.add_argument("--audience", help="A further aud of its tokens.")
        parser.add_argument("--jwks-url", help="Where its public keys are.")
        parser.add_argument("--jwks", type=Path, help="A file with its public keys, instead.")
        parser.add_argument("--scopes", help="What it may read, such as “system/Observation.rs”.")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--on", action="store_true", help="Let it call.")
        switch.add_argument("--off", action="store_true", help="Refuse every call of it.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        name = options["name"]
        given = {it: options[it] for it in FIELDS if it != "name" and options[it] is not None}
        if name is None:
            if given or options["on"] or options["off"]:
                raise InputError("Give the name of the system that this is about.")
            return {"systems": [_shown(it) for it in TrustedSystem.objects.all()]}
        if "jwks" in given:
            given["jwks"] = _json(given["jwks"])
        system = TrustedSystem.objects.filter(name=name).first()
        if given or system is None:
            empty = {it: {} if it == "jwks" else "" for it in FIELDS}
            kept = {it: getattr(system, it) for it in FIELDS} if system else empty
            system = system_save(system=system, by=SYSTEM, **(kept | {"name": name} | given))
        if options["on"] or options["off"]:
            system_switch(system=system, on=options["on"], by=SYSTEM)
            system.refresh_from_db()
        return {"systems": [_shown(system)]}

    def text(self, answer: dict[str, Any]) -> str:
        lines = [
            f"{it['name']}  {'on' if it['is_active'] else 'off'}  "
            f"{it['issuer'] or it['client_id']}  {it['scopes'] or 'reads nothing'}"
            for it in answer["systems"]
        ]
        return "\n".join(lines) or "No system is registered."


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        raise InputError(f"{path} is no file of JSON: give a file with a key set.") from None


def _shown(system: TrustedSystem) -> dict[str, Any]:
    return {name: getattr(system, name) for name in FIELDS} | {"is_active": system.is_active}
