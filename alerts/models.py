"""What to do about a decision: alerts, their transitions, and messages to the EHR."""

import uuid

from django.db import models
from django.db.models import Q

from patients.models import Patient, User
from scoring.models import RiskScore, Tier, Track


class AlertState(models.TextChoices):
    NEW = "new", "New"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    DISMISSED = "dismissed", "Dismissed"
    RESOLVED = "resolved", "Resolved"


OPEN_STATES = (AlertState.NEW, AlertState.ACKNOWLEDGED)


class DismissReason(models.TextChoices):
    KNOWN_AND_MANAGED = "known-and-managed", "Known and managed"
    WILL_MONITOR = "will-monitor", "Will monitor"
    PATIENT_CONTACTED_OK = "patient-contacted-ok", "Patient contacted, well"
    DATA_ARTIFACT = "data-artifact", "Data artefact (device, travel, illness)"
    EXPLAINED_BY_CONTEXT = "explained-by-context", "Explained by context (shift, baby, jet lag …)"
    NOT_SIGNIFICANT = "not-clinically-significant", "Not clinically significant"
    WRONG_BASELINE = "wrong-patient-or-baseline", "Wrong patient or baseline"
    OTHER = "other", "Other (say what)"


class Alert(models.Model):
    """One open matter per patient and track."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="alerts")
    track = models.CharField(max_length=12, choices=Track)
    state = models.CharField(max_length=14, choices=AlertState, default=AlertState.NEW)
    tier = models.CharField(max_length=14, choices=Tier)
    # RESTRICT, not PROTECT: a patient can be erased with all of it, a score alone cannot.
    score = models.ForeignKey(RiskScore, on_delete=models.RESTRICT, related_name="+")
    recommendation = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "track"],
                condition=Q(state__in=["new", "acknowledged"]),
                name="one_open_alert",
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.track} {self.tier} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to deal with it."""
        return self.state in OPEN_STATES


class AlertTransition(models.Model):
    """One change of an alert: the history, with its actor."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="transitions")
    event = models.CharField(max_length=20)
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14)
    tier = models.CharField(max_length=14)
    actor = models.CharField(max_length=150, help_text="Username, or “system”.")
    reason = models.CharField(max_length=30, blank=True)
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.event} by {self.actor}"


class OutboxMessage(models.Model):
    """A message to the EHR, written in the transaction of the transition that caused it."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Being sent"
        DELIVERED = "delivered", "Delivered"
        REFUSED = "refused", "Refused by the EHR"
        DEAD = "dead", "Given up"
        HELD = "held", "Held: delivery is off"
        SUPERSEDED = "superseded", "Superseded"

    identifier = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="messages")
    transition = models.OneToOneField(
        AlertTransition, on_delete=models.CASCADE, related_name="message"
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    resource = models.JSONField(help_text="The FHIR resource as it is sent.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    ehr_resource_id = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state__in=["pending", "sending", "held"]),
                name="messages_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.identifier} {self.state}"


class AbsenceNotice(models.Model):
    """A patient's data have stopped. Not an alert: it has no tier and is never sent to the EHR."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="absences")
    since = models.DateTimeField(help_text="The last minute with data.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=Q(closed_at=None), name="one_open_absence"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} no data since {self.since:%F}"


class AbsenceMail(models.Model):
    """That a coordinator was written to on a day of the clinic: at most once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absence_mails")
    day = models.DateField()
    sent_at = models.DateTimeField()
    notices = models.ManyToManyField(AbsenceNotice, related_name="mails")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "day"], name="one_absence_mail_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.day}"


class EhrSetting(models.Model):
    """Whether messages may leave this machine: off until an administrator turns it on."""

    deliver_beyond_this_machine = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"delivery beyond this machine {self.deliver_beyond_this_machine}"
