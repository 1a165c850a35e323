"""What Clarity keeps of its place inside the EHR: who is who there and here, and its cards."""

from django.db import models

from patients.encryption import EncryptedTextField
from patients.models import Patient, User


class EhrAccount(models.Model):
    """A person as the EHR names them (`fhirUser`), and the account here that is theirs.

    Without a ``user`` they came and wait for an administrator to say who they are.
    """

    fhir_user = models.CharField(max_length=80, unique=True, help_text="Such as Practitioner/123.")
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="ehr_accounts"
    )
    seen_at = models.DateTimeField(null=True, help_text="When they came last from the EHR.")
    mapped_by = models.CharField(max_length=150, blank=True)
    mapped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["fhir_user"]

    def __str__(self) -> str:
        return self.fhir_user


class CdsCard(models.Model):
    """A card that an EHR was given for somebody who looks at a patient, and what came of it."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"
        OVERRIDDEN = "overridden"

    uuid = models.UUIDField(unique=True, editable=False, help_text="By which the EHR names it.")
    system = models.ForeignKey(
        "alerts.TrustedSystem", on_delete=models.CASCADE, related_name="cards"
    )
    service = models.CharField(max_length=40)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="cds_cards")
    alert = models.ForeignKey(
        "alerts.Alert", on_delete=models.CASCADE, null=True, related_name="cds_cards"
    )
    summary = models.CharField(max_length=140, help_text="As it was shown.")
    alert_change = models.BigIntegerField(
        null=True, help_text="The newest transition of the alert that it was shown after."
    )
    fhir_user = models.CharField(max_length=80, help_text="Who looked, as the EHR names them.")
    given_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    reason = models.CharField(max_length=30, blank=True, help_text="Of an override.")
    comment = EncryptedTextField(blank=True, help_text="What was said with the answer.")
    result = models.CharField(max_length=20, blank=True, help_text="What it did here.")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-given_at"]

    def __str__(self) -> str:
        return f"card {self.uuid} {self.outcome}"
