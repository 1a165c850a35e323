"""What to do about a decision: alerts, their transitions, and messages to the EHR."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from alerts.context_models import ContextConflict as ContextConflict
from alerts.context_models import ContextItem as ContextItem
from alerts.context_models import ContextRun as ContextRun
from alerts.context_models import ContextSetting as ContextSetting
from alerts.context_models import EhrPatient as EhrPatient
from alerts.context_models import EhrTerm as EhrTerm
from alerts.domain import states
from alerts.ehr_models import SeenToken as SeenToken
from alerts.ehr_models import SystemToken as SystemToken
from alerts.ehr_models import TrustedSystem as TrustedSystem
from alerts.inside_models import CdsCard as CdsCard
from alerts.inside_models import EhrAccount as EhrAccount
from alerts.outbox_models import EhrConnection, OutboxMessage
from patients.encryption import EncryptedTextField
from patients.models import CareTeamMember, Patient, User
from scoring.models import RiskScore, Tier, Track

__all__ = ["EhrConnection", "OutboxMessage"]


class AlertKind(models.TextChoices):
    DEPRESSION = "depression", _("Depression")
    MANIA = "mania", _("Mania")
    SAFETY = "safety", _("Safety")
    DATA = "data", _("Data")
    CONCERN = "concern", _("Concern")


class AlertState(models.TextChoices):
    NEW = states.NEW, _("New")
    ACKNOWLEDGED = states.ACKNOWLEDGED, _("Acknowledged")
    SNOOZED = states.SNOOZED, _("Snoozed")
    DISMISSED = states.DISMISSED, _("Dismissed")
    RESOLVED = states.RESOLVED, _("Resolved")


OPEN_STATES = (AlertState.NEW, AlertState.ACKNOWLEDGED, AlertState.SNOOZED)


class DismissReason(models.TextChoices):
    KNOWN_AND_MANAGED = "known-and-managed", _("Known and managed")
    WILL_MONITOR = "will-monitor", _("Will monitor (until a date)")
    PATIENT_CONTACTED_OK = "patient-contacted-ok", _("Patient contacted, well")
    DATA_ARTIFACT = "data-artifact", _("Data artefact (device, travel, illness)")
    EXPLAINED_BY_CONTEXT = (
        "explained-by-context",
        _("Explained by context (shift, baby, jet lag …)"),
    )
    NOT_SIGNIFICANT = "not-clinically-significant", _("Not clinically significant")
    WRONG_BASELINE = "wrong-patient-or-baseline", _("Wrong patient or baseline")
    OTHER = "other", _("Other (say what)")


class Alert(models.Model):
    """One open matter per patient and kind. How it stands changes only through its life cycle."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=12, choices=AlertKind)
    state = models.CharField(max_length=14, choices=AlertState, default=AlertState.NEW)
    tier = models.CharField(max_length=14, choices=Tier, help_text="Indeterminate: data, no tier.")
    # RESTRICT, not PROTECT: a patient can be erased with all of it, a score alone cannot.
    score = models.ForeignKey(RiskScore, on_delete=models.RESTRICT, null=True, related_name="+")
    recommendation = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    policy = models.JSONField(default=dict, help_text="Its escalation, frozen when it was raised.")
    level = models.PositiveSmallIntegerField(default=0, help_text="Steps of the policy taken.")
    new_since = models.DateTimeField(null=True, help_text="Since when nobody has it.")
    due_at = models.DateTimeField(null=True, help_text="When something happens by itself.")
    requested = models.CharField(max_length=20, blank=True, help_text="What waits to be confirmed.")
    evidence_tier = models.CharField(
        max_length=14, blank=True, help_text="The track's tier when it was last looked at."
    )

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "kind"],
                condition=Q(state__in=["new", "acknowledged", "snoozed"]),
                name="one_open_alert",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["dismissed", "resolved"]) | Q(due_at__isnull=False),
                name="an_open_alert_is_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["new", "acknowledged", "snoozed"]),
                name="alerts_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.kind} {self.tier} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to deal with it."""
        return self.state in OPEN_STATES

    @property
    def track(self) -> str | None:
        """The track whose scores it is about, None for the other kinds."""
        return self.kind if self.kind in Track.values else None

    @property
    def life(self) -> states.Life:
        """How it stands."""
        return states.Life(
            self.state, self.tier, self.level, self.new_since, self.due_at, self.requested
        )

    @life.setter
    def life(self, life: states.Life) -> None:
        for name, value in vars(life).items():
            setattr(self, name, value)


class AlertTransition(models.Model):
    """One change of an alert: the history, with its actor."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="transitions")
    event = models.CharField(max_length=20)
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14)
    tier = models.CharField(max_length=14)
    actor = models.CharField(max_length=150, help_text="Username, or “system”.")
    reason = models.CharField(max_length=30, blank=True)
    note = EncryptedTextField(blank=True)
    at = models.DateTimeField()
    before = models.JSONField(default=dict, help_text="How the alert stood, to undo by.")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.event} by {self.actor}"


class FollowUp(models.Model):
    """A promise to look again on a day. It comes back when it is due, until somebody is done."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="follow_ups")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="follow_ups")
    transition = models.OneToOneField(
        AlertTransition, on_delete=models.CASCADE, related_name="follow_up"
    )
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    promised_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    returned_at = models.DateTimeField(null=True, help_text="When it came back.")
    done_by = models.CharField(max_length=150, blank=True)
    done_at = models.DateTimeField(null=True)
    note = EncryptedTextField(blank=True)

    class Meta:
        ordering = ["due_on", "id"]

    def __str__(self) -> str:
        return f"{self.patient} {self.due_on}"


class Notice(models.Model):
    """Something one person should know. What is urgent is mailed at once, the rest in a digest."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=20)
    tier = models.CharField(max_length=14)
    is_urgent = models.BooleanField(default=False)
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True, help_text="Somebody took the alert on before.")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(
                fields=["at"],
                condition=Q(sent_at=None, cancelled_at=None),
                name="notices_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.user}"


class NoticeSetting(models.Model):
    """When a person gets their digest: an hour of their own zone (``User.time_zone``).

    What is urgent comes at once.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="notice_setting")
    digest_hour = models.PositiveSmallIntegerField(default=8)
    digested_on = models.DateField(null=True, help_text="The last day of that zone with a digest.")

    def __str__(self) -> str:
        return f"{self.user} at {self.digest_hour}"


class QueueVisit(models.Model):
    """When a person last looked at the alerts, so that they can be told what others did since."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="queue_visit")
    seen_at = models.DateTimeField(help_text="The last time, in the visit that goes on.")
    since = models.DateTimeField(null=True, help_text="The end of the visit before.")

    def __str__(self) -> str:
        return f"{self.user} {self.seen_at:%F %T}"


class OnCallTurn(models.Model):
    """Who is on call from a day to a day of the clinic."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="on_call")
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=models.F("first_day")), name="turn_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.first_day} to {self.last_day}"


class OnCallAccess(models.Model):
    """That somebody on call sees a patient because of an alert, until the alert is closed."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="on_call_access")
    member = models.ForeignKey(CareTeamMember, on_delete=models.CASCADE, related_name="on_call")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "member"], name="one_access")]

    def __str__(self) -> str:
        return f"{self.member} for {self.alert}"


class AbsenceNotice(models.Model):
    """A patient's data have stopped. Who holds that is the data alert's; here are the dates."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="absences")
    since = models.DateTimeField(help_text="The last minute with data.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    note = EncryptedTextField(blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=Q(closed_at=None), name="one_open_absence"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} no data since {self.since:%F}"
