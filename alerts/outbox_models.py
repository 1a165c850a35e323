"""Messages to the EHR, and how it stands with the EHR itself."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from alerts.fhir.capability import COMMUNICATION, FOLDER, REQUEST


class OutboxMessage(models.Model):
    """A message to the EHR, written in the transaction of the transition that caused it."""

    class Kind(models.IntegerChoices):
        """In the order in which they are sent."""

        NOTICE = 0, _("Alert")
        CLOSING = 1, _("Taking back")
        RESULT = 2, _("Scores")

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SENDING = "sending", _("Being sent")
        DELIVERED = "delivered", _("Delivered")
        REFUSED = "refused", _("Refused by the EHR")
        DEAD = "dead", _("Given up")
        HELD = "held", _("Held")
        SUPERSEDED = "superseded", _("Superseded")

    identifier = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.PositiveSmallIntegerField(choices=Kind, default=Kind.NOTICE)
    alert = models.ForeignKey("alerts.Alert", on_delete=models.CASCADE, related_name="messages")
    transition = models.ForeignKey(
        "alerts.AlertTransition", on_delete=models.CASCADE, related_name="messages"
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    resource = models.JSONField(help_text="What is told, as FHIR R4; empty until it is known.")
    sent_as = models.CharField(max_length=24, blank=True, help_text="The way it was last sent by.")
    attempts = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, help_text="Since then the EHR may have it.")
    next_attempt_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    ehr_resource_id = models.CharField(max_length=80, blank=True)
    closed_as = models.CharField(
        max_length=12, blank=True, help_text="The status to which it was set in the EHR afterwards."
    )
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["transition", "kind"], name="one_message_of_a_kind")
        ]
        indexes = [
            models.Index(
                fields=["kind", "next_attempt_at"],
                condition=Q(state__in=["pending", "sending", "held"]),
                name="messages_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.identifier} {self.state}"


class EhrConnection(models.Model):
    """The one EHR: whether messages may leave, by which way, and whether it answers."""

    class Target(models.TextChoices):
        REQUEST = REQUEST, _("CommunicationRequest")
        COMMUNICATION = COMMUNICATION, _("Communication")
        FOLDER = FOLDER, _("Files in a folder")

    deliver_beyond_this_machine = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    base_url = models.CharField(max_length=300, blank=True, help_text="Whose metadata was read.")
    read_at = models.DateTimeField(null=True)
    software = models.CharField(max_length=200, blank=True)
    target = models.CharField(max_length=24, blank=True, help_text="The way that was chosen.")
    why = models.CharField(max_length=300, blank=True)
    override = models.CharField(max_length=24, choices=Target, blank=True)
    results = models.JSONField(default=list, help_text="What of a score it takes.")
    smart = models.JSONField(default=dict, help_text="Of its smart-configuration; else empty.")
    searchable = models.BooleanField(default=True, help_text="By a message's identifier.")
    updates = models.BooleanField(default=True, help_text="A request that it has can be changed.")

    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=300, blank=True)
    rest_until = models.DateTimeField(null=True, help_text="Nothing is sent before.")
    next_request_at = models.DateTimeField(null=True, help_text="By the rate limit.")

    def __str__(self) -> str:
        return f"EHR by {self.way or 'no way'}"

    @property
    def way(self) -> str:
        """The way by which messages go: an administrator's, else the one that was chosen."""
        return self.override or self.target
