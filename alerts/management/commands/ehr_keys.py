"""The keys with which Clarity proves to the EHR who it is: make, list, rotate, retire."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from alerts.ehr_tokens import key_folder, key_make, key_retire, keys_rotate
from alerts.fhir.jwks import ALGORITHMS
from alerts.fhir.keys import Key, KeyTrouble
from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.services import SYSTEM

NO_KEYS = "There are no keys: make some with `manage.py ehr_keys make`."


class Command(JsonCommand):
    help = (
        "Clarity's own keys (EHR_KEYS_DIR). make: a new key, published at once; the oldest key "
        "that is not retired signs. retire: it signs no more. rotate: make, and retire those "
        "before at once (for an EHR that keeps keys a while, make now and retire later). Every "
        "act also removes keys that are published no more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["list", "make", "rotate", "retire"])
        parser.add_argument("kid", nargs="?", help="Which key to retire.")
        parser.add_argument("--algorithm", choices=ALGORITHMS, help="Of `make`; else one of each.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        now, act, kid = timezone.now(), options["act"], options["kid"]
        if (act == "retire") != (kid is not None):
            raise InputError("Give the id of the key after `retire`, and only there.")
        try:
            if act == "make":
                for algorithm in [options["algorithm"]] if options["algorithm"] else ALGORITHMS:
                    key_make(algorithm=algorithm, by=SYSTEM, now=now)
            if act == "rotate" and not keys_rotate(by=SYSTEM, now=now):
                raise InputError(NO_KEYS)
            if act == "retire":
                key_retire(kid=kid, by=SYSTEM, now=now)
            folder = key_folder()
            if act != "list":
                folder.remove_old(now)
            signs: set[str] = set()
            keys = []
            for key in folder.all():
                keys.append(_shown(key, signs))
            return {"folder": str(folder.path), "keys": keys}
        except KeyTrouble as trouble:
            raise InputError(str(trouble)) from None

    def text(self, answer: dict[str, Any]) -> str:
        lines = [f"{it['kid']}  {it['algorithm']}  {it['state']}" for it in answer["keys"]]
        return "\n".join(lines) or NO_KEYS


def _shown(key: Key, signs: set[str]) -> dict[str, Any]:
    """The key with its state; ``signs`` collects the algorithms that have a signing key."""
    if key.retired_at:
        state = "retired"
    elif key.algorithm in signs:
        state = "waits"
    else:
        state = "signs"
        signs.add(key.algorithm)
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": state,
        "made_at": key.made_at.isoformat(),
        "retired_at": key.retired_at.isoformat() if key.retired_at else None,
    }
