"""A clinician opens Clarity out of the EHR: who they are there and here, and which patient.

What somebody may see is decided as everywhere, by ``patients_visible_to`` of their account.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache

from alerts.ehr_accounts import account_seen
from alerts.ehr_tokens import key_folder
from alerts.fhir import smart
from alerts.fhir.jwks import ALGORITHMS
from alerts.fhir.keys import ASSERTION_LIFE, KeyTrouble
from alerts.fhir.smart import LaunchFailed, Pending
from alerts.fhir.tokens import ASSERTION_TYPE
from alerts.systems import is_the_ehr
from patients.models import Patient, User
from patients.selectors import patient_of_ehr, patients_visible_to
from patients.services import audit_record

VALID_FOR = timedelta(minutes=10)
EHR = "ehr"  # who did it in the audit, while it is not known who that is here
MOST_NOTED, NOTED_WITHIN_S = 30, 60
STRANGER, LAUNCH = "stranger", "launch"  # whose launches are counted apart


@dataclass(frozen=True)
class Arrived:
    """Who came in, and the patient to open. Without one, ``why_not`` says why, or nothing."""

    user: User
    patient: Patient | None
    why_not: str = ""


def is_configured() -> bool:
    """Whether the EHR can open Clarity at all."""
    return bool(settings.EHR_BASE_URL and settings.EHR_LAUNCH_CLIENT_ID)


def launch_begin(*, iss: str, launch: str, redirect: str, now: datetime) -> tuple[Pending, str]:
    """The launch that has begun, and where the browser logs in. Raises LaunchFailed.

    Only the EHR of this installation is asked: ``iss`` may name no other.
    """
    counted_as = STRANGER
    try:
        base_url = _configured()
        if not is_the_ehr(iss):
            raise LaunchFailed("other_ehr")
        counted_as = LAUNCH
        note_capped(action="ehr launch begun", counted_as=LAUNCH, in_ehr=bool(launch))
        pending = smart.begun(now)
        url = smart.authorize_url(
            smart.endpoints(base_url),
            pending,
            client_id=settings.EHR_LAUNCH_CLIENT_ID,
            redirect=redirect,
            base_url=base_url,
            launch=launch,
        )
    except LaunchFailed as failure:
        _refused(failure.code, counted_as)
        raise
    return pending, url


def launch_finish(*, pending: Pending, code: str, redirect: str, now: datetime) -> Arrived:
    """Who came back from the EHR's log-in, with which patient. Raises LaunchFailed."""
    fhir_user = ""
    try:
        if now.timestamp() - pending.began > VALID_FOR.total_seconds():
            raise LaunchFailed("too_late")
        base_url, client_id = _configured(), settings.EHR_LAUNCH_CLIENT_ID
        at = smart.endpoints(base_url)
        form = smart.code_form(pending, code=code, client_id=client_id, redirect=redirect)
        granted = smart.granted(at, form | _proof(at.token, now))
        fhir_user = smart.fhir_user(
            granted.id_token,
            at,
            client_id=client_id,
            nonce=pending.nonce,
            base_url=base_url,
            now=now,
        )
        user = account_seen(fhir_user=fhir_user, now=now)
        if user is None:
            raise LaunchFailed("no_account")
    except LaunchFailed as failure:
        _refused(failure.code, fhir_user or LAUNCH, fhir_user)
        raise
    return _arrived(user, granted.patient, fhir_user)


def launch_lost(pending: Pending | None) -> str:
    """Somebody came back whom the EHR sent without a code, or whose launch is not known: why."""
    why, counted_as = ("denied", LAUNCH) if pending else ("unknown_launch", STRANGER)
    _refused(why, counted_as)
    return why


def _arrived(user: User, ehr_id: str | None, fhir_user: str) -> Arrived:
    if ehr_id is None:
        audit_record(by=user, action="ehr launch", fhir_user=fhir_user, opened="panel")
        return Arrived(user, None)
    patient = patient_of_ehr(patients_visible_to(user), ehr_id)
    if patient is None:
        hidden = patient_of_ehr(Patient.objects.all(), ehr_id)
        why = "not_in_care" if hidden else "unknown_patient"
        audit_record(
            by=user, action="ehr launch refused", patient=hidden, fhir_user=fhir_user, why=why
        )
        return Arrived(user, None, "no_record")
    audit_record(by=user, action="ehr launch", patient=patient, fhir_user=fhir_user)
    return Arrived(user, patient)


def _proof(token_url: str, now: datetime) -> dict[str, str]:
    """What a confidential client signs; nothing of a public one. Raises LaunchFailed."""
    if not settings.EHR_LAUNCH_SIGNED:
        return {}
    client_id, keys = settings.EHR_LAUNCH_CLIENT_ID, key_folder()
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "jti": str(uuid4()),
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LIFE).timestamp()),
    }
    try:
        kept = {key.algorithm for key in keys.active()}
        algorithm = next(it for it in ALGORITHMS if it in kept)
        signed = keys.signed(claims, algorithm)
    except (KeyTrouble, StopIteration):
        raise LaunchFailed("no_key") from None
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


def _configured() -> str:
    if not is_configured():
        raise LaunchFailed("off")
    return str(settings.EHR_BASE_URL)


def note_capped(*, action: str, counted_as: str, **detail: Any) -> bool:
    """Write down what anybody can cause, but not so often that they fill the database.

    What is counted as something else is still written. Returns False once there are too many in
    a minute; the others then go unwritten.
    """
    key = f"noted-{action.replace(' ', '-')}-{counted_as}"
    cache.add(key, 0, NOTED_WITHIN_S)
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out in between
        count = 1
    if count > MOST_NOTED:
        return False
    audit_record(by=EHR, action=action, **detail)
    return True


def _refused(why: str, counted_as: str, fhir_user: str = "") -> None:
    note_capped(action="ehr launch refused", counted_as=counted_as, why=why, fhir_user=fhir_user)
