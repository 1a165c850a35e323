"""Other systems that may call Clarity: registering, changing, switching off; each is audited."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import CharField
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.ehr_models import TrustedSystem
from alerts.fhir.fetching import is_safe
from alerts.fhir.jwks import BadKeys, check_jwks
from alerts.fhir.scopes import scopes_of, unknown_words
from patients.domain.errors import InputError
from patients.models import User
from patients.services import audit_record

SERVED = ("CommunicationRequest", "Observation", "Provenance", "RiskAssessment")
"""What other systems may read of Clarity."""

FIELDS = ("name", "issuer", "fhir_url", "client_id", "audience", "jwks_url", "jwks", "scopes")
NO_FHIR_URL, OTHER_EHR = "no_fhir_url", "other_ehr"


def is_the_ehr(url: str) -> bool:
    """Whether this is the address of the one EHR of this installation."""
    return url.rstrip("/") == settings.EHR_BASE_URL.rstrip("/")


def why_no_cards(system: TrustedSystem) -> str:
    """Why every call of an EHR gets no cards: NO_FHIR_URL, OTHER_EHR, or nothing.

    Ids of patients and people mean something only on the server that gave them.
    """
    if not system.issuer:  # it reads and calls nothing
        return ""
    if not system.fhir_url:
        return NO_FHIR_URL
    return "" if is_the_ehr(system.fhir_url) else OTHER_EHR


def problems(values: Mapping[str, Any], system: TrustedSystem | None = None) -> dict[str, str]:
    """What is wrong with what was given for a system (one sentence a field), taken or not."""
    found = _fhir_url(values) | _shape(values) | _keys(values) | _scopes(values)
    others = TrustedSystem.objects.exclude(pk=system.pk) if system else TrustedSystem.objects.all()
    for name in ("name", "issuer", "client_id"):
        if values[name] and others.filter(**{name: values[name]}).exists():
            found[name] = _("Another system is registered with this: change that one.")
    return found


def _shape(values: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in ("name", "issuer", "fhir_url", "client_id", "audience", "jwks_url"):
        text, longest = values[name], _longest(name)
        if len(text) > longest or not text.isprintable():
            found[name] = _("This is over %(n)d characters or not printable: shorten it.") % {
                "n": longest
            }
        elif name != "name" and " " in text:
            found[name] = _("There must be no blank in it.")
    if not values["name"].strip():
        found["name"] = _("Give it a name that people here know it by.")
    if not values["issuer"] and not values["client_id"]:
        found["issuer"] = _("Give the issuer of its tokens, a client id, or both.")
    return found


def _fhir_url(values: Mapping[str, Any]) -> dict[str, str]:
    url = values["fhir_url"]
    if values["issuer"] and not url:
        return {"fhir_url": _("An EHR that calls needs the address of its FHIR server.")}
    if url and not is_safe(url):
        return {"fhir_url": _("This must be https://… without a password.")}
    return {}


def _longest(name: str) -> int:
    field = TrustedSystem._meta.get_field(name)
    return field.max_length or 0 if isinstance(field, CharField) else 0


def _keys(values: Mapping[str, Any]) -> dict[str, str]:
    url, jwks = values["jwks_url"], values["jwks"]
    if bool(url) == bool(jwks):
        return {"jwks_url": _("Give the address of its public keys, or the keys: one of them.")}
    if url and not is_safe(url):
        return {"jwks_url": _("This must be https://… without a password.")}
    try:
        if jwks:
            check_jwks(jwks)
    except BadKeys as bad:
        if bad.holds_secret:
            return {"jwks": _("The key set holds a private key: give the public keys only.")}
        return {
            "jwks": _(
                "The key set holds no key that can be used: RSA of 2048 bits or more for RS384, "
                "or P-384 for ES384, each with a kid."
            )
        }
    return {}


def _scopes(values: Mapping[str, Any]) -> dict[str, str]:
    text = values["scopes"]
    unfit = [
        str(it)
        for it in scopes_of(text)
        if it.resource not in ("*", *SERVED) or set(it.letters) - set("rs")
    ]
    if wrong := [*unknown_words(text), *unfit]:
        return {
            "scopes": _(
                "%(scopes)s cannot be given: Clarity serves %(served)s for reading (.r, .s, .rs)."
            )
            % {"scopes": ", ".join(wrong)[:100], "served": ", ".join(SERVED)}
        }
    if len(text) > _longest("scopes"):
        return {"scopes": _("This is too long: write system/*.rs for all of it.")}
    if text and not values["client_id"]:
        return {"client_id": _("A system that reads needs a client id.")}
    return {}


@transaction.atomic
def system_save(*, system: TrustedSystem | None, by: User | str, **values: Any) -> TrustedSystem:
    """Register a system, or change it; ``values`` are FIELDS. Raises InputError."""
    if wrong := problems(values, system):
        raise InputError(" ".join(f"{name}: {why}" for name, why in wrong.items()))
    actor = by if isinstance(by, str) else by.username
    now = timezone.now()
    if system is None:
        system = TrustedSystem(registered_by=actor, registered_at=now)
        action, changed = "system registered", [name for name in FIELDS if values[name]]
    else:
        system = TrustedSystem.objects.select_for_update().get(pk=system.pk)
        action = "system changed"
        changed = [name for name in FIELDS if getattr(system, name) != values[name]]
        system.changed_by, system.changed_at = actor, now
    if not changed:
        return system
    for name in FIELDS:
        setattr(system, name, values[name])
    try:
        with transaction.atomic():
            system.save()
    except IntegrityError:
        raise InputError(_("Another system is registered with this: change that one.")) from None
    audit_record(by=by, action=action, system=system.name, fields=changed)
    return system


@transaction.atomic
def system_switch(*, system: TrustedSystem, on: bool, by: User | str) -> None:
    """Let it call, or let it call no more from now on. Doing so again changes nothing."""
    actor = by if isinstance(by, str) else by.username
    rows = TrustedSystem.objects.filter(pk=system.pk, is_active=not on)
    if rows.update(is_active=on, changed_by=actor, changed_at=timezone.now()):
        action = "system switched on" if on else "system switched off"
        audit_record(by=by, action=action, system=system.name)
