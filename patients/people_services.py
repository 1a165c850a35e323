"""Writes about people: log-ins, roles and care teams. Each names its actor and is audited."""

from collections.abc import Iterable

from axes.utils import reset
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from patients.domain.errors import InputError
from patients.models import CareTeamMember, Patient, Role, User
from patients.services import audit_record

Part = CareTeamMember.Part
CLINICIANS = (Role.PSYCHIATRIST, Role.COORDINATOR)


@transaction.atomic
def person_create(
    *, username: str, first_name: str, last_name: str, email: str, role: str, by: User
) -> User:
    """Somebody new who cannot log in before they have set a password: see ``password_void``.

    Raises InputError for a user name that is taken, in whatever case, or is none.
    """
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError:
        raise InputError(
            _("The user name may hold letters, digits and @ . + - _ only: correct it.")
        ) from None
    if User.objects.filter(username__iexact=username).exists():
        raise InputError(_("This user name is taken: choose another one."))
    person = User(
        username=username, first_name=first_name, last_name=last_name, email=email, role=_role(role)
    )
    person.set_unusable_password()
    person.save()
    audit_record(by=by, action="person created", person=username, role=role)
    return person


@transaction.atomic
def person_change(
    *, person: User, first_name: str, last_name: str, email: str, role: str, by: User
) -> None:
    """Another name, address or role.

    Raises InputError for one's own role, for the role of the last active administrator, and
    for an account that runs the machine, unless by another such.
    """
    person = _locked(person)
    if role != person.role:
        if person.pk == by.pk:
            raise InputError(
                _("Nobody changes their own role: ask another administrator to do it.")
            )
        _keep_an_administrator(person)
        audit_record(
            by=by, action="role changed", person=person.username, before=person.role, role=role
        )
    _refuse_superuser(person, by)
    named = {"first_name": first_name, "last_name": last_name, "email": email}
    changed = sorted(name for name, value in named.items() if getattr(person, name) != value)
    for name, value in (named | {"role": _role(role)}).items():
        setattr(person, name, value)
    person.save(update_fields=[*named, "role"])
    if changed:
        audit_record(by=by, action="person changed", person=person.username, fields=changed)


@transaction.atomic
def person_deactivate(*, person: User, by: User) -> None:
    """They can log in no more and are logged out; what they did is kept under their name.

    Raises InputError for oneself, and as ``person_change`` does.
    """
    person = _locked(person)
    if person.pk == by.pk:
        raise InputError(_("Nobody closes their own account: ask another administrator to do it."))
    _refuse_superuser(person, by)
    _keep_an_administrator(person)
    if person.is_active:
        User.objects.filter(pk=person.pk).update(is_active=False)
        audit_record(by=by, action="person deactivated", person=person.username)


@transaction.atomic
def person_activate(*, person: User, by: User) -> None:
    """They can log in again. Raises InputError as ``person_change`` does."""
    person = _locked(person)
    _refuse_superuser(person, by)
    if not person.is_active:
        User.objects.filter(pk=person.pk).update(is_active=True)
        audit_record(by=by, action="person activated", person=person.username)


@transaction.atomic
def password_void(*, person: User, by: User) -> str:
    """The password opens nothing more and every session ends; returns the token of a link.

    With the link, once and within PASSWORD_RESET_TIMEOUT, the person sets a password that
    nobody else knows. Raises InputError for oneself, an account that is closed, and one that
    runs the machine, unless by another such.
    """
    person = _locked(person)
    if person.pk == by.pk:
        raise InputError(_("Your own password is changed on the page “Password”."))
    _refuse_superuser(person, by)
    if not person.is_active:
        raise InputError(_("This account is closed: open it again first."))
    person.set_unusable_password()
    person.save(update_fields=["password"])
    audit_record(by=by, action="password reset", person=person.username)
    token: str = default_token_generator.make_token(person)
    return token


@transaction.atomic
def person_unlock(*, person: User, by: User) -> None:
    """Wrong passwords typed so far are forgotten: the person need not wait."""
    reset(username=person.username)
    audit_record(by=by, action="person unlocked", person=person.username)


@transaction.atomic
def member_set(*, patient: Patient, person: User, part: str, by: User | str) -> None:
    """The person is in the patient's care team with this part, for good.

    One person is responsible: who was so before becomes a member. Raises InputError for
    somebody who is no clinician or whose account is closed, and for a coordinator as responsible.
    """
    if part not in Part.values:
        raise InputError(_("Choose what the person is in the care team."))
    _refuse_no_clinician(person)
    if part == Part.RESPONSIBLE and person.role != Role.PSYCHIATRIST:
        raise InputError(_("Only a psychiatrist can be responsible: choose another part."))
    rows = CareTeamMember.objects.select_for_update().filter(patient=patient)
    team = list(rows.order_by("pk"))
    if part == Part.RESPONSIBLE:
        others = [m.pk for m in team if m.part == part and m.user_id != person.pk]
        CareTeamMember.objects.filter(pk__in=others).update(part=Part.MEMBER)
    member, is_new = CareTeamMember.objects.update_or_create(
        patient=patient, user=person, defaults={"part": part}
    )
    member.on_call.all().delete()  # who saw the patient only until an alert is closed now stays
    if is_new or any(m.pk == member.pk and m.part != part for m in team):
        audit_record(
            by=by, action="care team set", patient=patient, person=person.username, part=part
        )


@transaction.atomic
def member_remove(*, patient: Patient, person: User, by: User | str) -> None:
    """The person sees the patient no more. Doing so again changes nothing."""
    gone, _rows = CareTeamMember.objects.filter(patient=patient, user=person).delete()
    if gone:
        audit_record(by=by, action="care team left", patient=patient, person=person.username)


@transaction.atomic
def caseload_hand_over(
    *, giver: User, taker: User, patients: Iterable[Patient], by: User, stays: bool = False
) -> int:
    """The taker takes the giver's place in the care teams of these patients; returns how many.

    With ``stays`` the giver remains a member of each. Whoever is in a team already keeps what
    they are there, unless the giver was responsible. Raises InputError where giver and taker are
    one, where none of the patients is the giver's, and as ``member_set`` does.
    """
    if giver.pk == taker.pk:
        raise InputError(_("Choose somebody else to hand the patients over to."))
    rows = CareTeamMember.objects.select_for_update(of=("self",)).filter(
        user=giver, patient__in=list(patients), on_call=None
    )
    given = list(rows.select_related("patient").order_by("patient__code"))
    if not given:
        raise InputError(_("Choose at least one patient to hand over."))
    for member in given:
        _hand_over(member, taker, by, stays)
    audit_record(
        by=by, action="caseload handed over", person=giver.username, to=taker.username,
        patients=len(given),
    )  # fmt: skip
    return len(given)


def _hand_over(member: CareTeamMember, taker: User, by: User, stays: bool) -> None:
    patient, part = member.patient, member.part
    there = patient.care_team.filter(user=taker, on_call=None).first()
    if there is None or part == Part.RESPONSIBLE:
        is_coordinator = taker.role == Role.COORDINATOR
        part = Part.MEMBER if part == Part.RESPONSIBLE and is_coordinator else part
        member_set(patient=patient, person=taker, part=part, by=by)
    else:
        _refuse_no_clinician(taker)
    if not stays:
        member_remove(patient=patient, person=member.user, by=by)


@transaction.atomic
def tour_seen(*, person: User) -> None:
    """The tour of the first visit is not shown again by itself."""
    User.objects.filter(pk=person.pk, tour_seen_at=None).update(tour_seen_at=timezone.now())


def _locked(person: User) -> User:
    """The person as stored now; administrators cannot change at the same time."""
    keepers = User.objects.select_for_update().filter(role=Role.ADMINISTRATOR)
    list(keepers.order_by("pk"))
    return User.objects.select_for_update().get(pk=person.pk)


def _role(role: str) -> str:
    if role not in Role.values:
        raise InputError(_("Choose a role."))
    return role


def _keep_an_administrator(person: User) -> None:
    """Raises InputError where nobody would be left to administer the clinic."""
    if person.role != Role.ADMINISTRATOR or not person.is_active:
        return
    others = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(pk=person.pk)
    if not others.exists():
        raise InputError(
            _("This is the last administrator: make somebody else administrator first.")
        )


def _refuse_superuser(person: User, by: User) -> None:
    if person.is_superuser and not by.is_superuser:
        raise InputError(
            _("This account runs the machine: only another such account can change it.")
        )


def _refuse_no_clinician(person: User) -> None:
    if person.role not in CLINICIANS or not person.is_active:
        raise InputError(
            _("Only psychiatrists and coordinators whose account is open can be in a care team.")
        )
