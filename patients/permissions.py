"""What each role may do. A role is a name and a list; nothing else decides."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser

from patients.models import Role, User


class Permission(StrEnum):
    SEE_EVERY_PATIENT = "see every patient"
    ACT_ON_ALERTS = "acknowledge and dismiss alerts"
    MANAGE_BASELINES = "approve baselines"
    MANAGE_MEDICATIONS = "change medication lists"
    MANAGE_MESSAGES = "turn delivery on, resend messages"
    MANAGE_SYSTEMS = "register other systems that may call or read"
    MANAGE_CONTEXT = "settle what is read from the EHR"
    SEE_RUNS = "see nightly runs and drift of the models"
    RECORD_OUTCOMES = "record questionnaires and episodes"
    CARE = "record circumstances of a patient, have one scored now"
    MANAGE_RECORDINGS = "look after a patient's devices and time zone"
    MANAGE_PEOPLE = "look after log-ins, roles and care teams"
    RUN_CLINIC = "see what the whole clinic needs, its devices and how fresh its data are"
    EXPORT_PANEL = "take the panel away as a file"


CLINICIANS = frozenset(
    {
        Permission.ACT_ON_ALERTS,
        Permission.CARE,
        Permission.MANAGE_RECORDINGS,
        Permission.RECORD_OUTCOMES,
    }
)
ROLES: dict[str, frozenset[Permission]] = {
    Role.PSYCHIATRIST: CLINICIANS | {Permission.EXPORT_PANEL},
    Role.COORDINATOR: CLINICIANS,
    # Administrators keep the clinic running; what to do about a patient is not theirs to decide.
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.SEE_EVERY_PATIENT,
            Permission.MANAGE_BASELINES,
            Permission.MANAGE_MEDICATIONS,
            Permission.MANAGE_MESSAGES,
            Permission.MANAGE_SYSTEMS,
            Permission.MANAGE_CONTEXT,
            Permission.SEE_RUNS,
            Permission.MANAGE_RECORDINGS,
            Permission.MANAGE_PEOPLE,
            Permission.RUN_CLINIC,
            Permission.EXPORT_PANEL,
        }
    ),
}


def may(user: User | AnonymousUser, permission: Permission) -> bool:
    """Whether the user's role holds the permission."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return permission in ROLES.get(user.role, frozenset())
