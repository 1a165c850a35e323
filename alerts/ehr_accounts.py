"""Whose log-in in the EHR is whose account here. An administrator says so; nobody is guessed."""

import re
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.context_facts import PERSON
from alerts.context_models import EhrTerm
from alerts.context_settle import term_settle
from alerts.models import EhrAccount
from patients.domain.errors import InputError
from patients.models import User
from patients.people import clinicians
from patients.services import audit_record

CLINICIAN = re.compile(r"Practitioner(Role)?/[A-Za-z0-9\-.]{1,64}")


def account_user(fhir_user: str) -> User | None:
    """The account of somebody of the EHR, if there is one that is open."""
    found = EhrAccount.objects.filter(fhir_user=fhir_user).select_related("user").first()
    return found.user if found and found.user and found.user.is_active else None


def account_seen(*, fhir_user: str, now: datetime) -> User | None:
    """Somebody came from the EHR: their account here, or None, and then they wait for one."""
    row, _is_new = EhrAccount.objects.update_or_create(
        fhir_user=fhir_user, defaults={"seen_at": now}
    )
    return row.user if row.user and row.user.is_active else None


def ehr_accounts() -> QuerySet[EhrAccount]:
    """Everybody of the EHR who is known here, those who wait for an account first."""
    rows = EhrAccount.objects.select_related("user")
    return rows.order_by(F("user_id").asc(nulls_first=True), "fhir_user")


@transaction.atomic
def account_map(*, fhir_user: str, user: User, by: User) -> EhrAccount:
    """From now on this person of the EHR comes in as that account, also into the care teams that
    were read and name them.

    Raises InputError for what names no clinician of FHIR, for an account that is closed, and
    for one that runs the machine, unless by another such.
    """
    if not CLINICIAN.fullmatch(fhir_user):
        raise InputError(_("Write the person as the EHR names them, such as Practitioner/123."))
    if not user.is_active:
        raise InputError(_("This account is closed: open it again first."))
    if user.is_superuser and not by.is_superuser:
        raise InputError(
            _("This account runs the machine: only another such account can change it.")
        )
    row, _is_new = EhrAccount.objects.select_for_update().get_or_create(fhir_user=fhir_user)
    before = row.user.username if row.user else ""
    row.user, row.mapped_by, row.mapped_at = user, by.username, timezone.now()
    row.save()
    audit_record(
        by=by, action="ehr account mapped", fhir_user=fhir_user, person=user.username, before=before
    )
    if clinicians().filter(pk=user.pk).exists():
        asked = EhrTerm.objects.filter(kind=EhrTerm.Kind.PERSON, system=PERSON, code=fhir_user)
        for term in asked.filter(meaning__in=("", before)).exclude(meaning=user.username):
            term_settle(term=term, meaning=user.username, by=by)
    return row


@transaction.atomic
def account_unmap(*, account: EhrAccount, by: User) -> None:
    """They come in no more from the EHR; nothing that they did is changed."""
    locked = EhrAccount.objects.select_for_update().get(pk=account.pk)
    before = locked.user.username if locked.user else ""
    audit_record(by=by, action="ehr account unmapped", fhir_user=locked.fhir_user, person=before)
    locked.delete()
