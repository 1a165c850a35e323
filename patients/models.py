"""Who the person is, what their devices reported, who may see it and who looked."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from patients.clinical_models import Episode as Episode
from patients.clinical_models import MedicationCourse as MedicationCourse
from patients.clinical_models import Note as Note
from patients.clinical_models import Questionnaire as Questionnaire
from patients.encryption import BlindIndexField, EncryptedTextField
from patients.life_models import Circumstance as Circumstance


class Role(models.TextChoices):
    PSYCHIATRIST = "psychiatrist", _("Psychiatrist")
    COORDINATOR = "coordinator", _("Care coordinator")
    ADMINISTRATOR = "administrator", _("Administrator")


class Diagnosis(models.TextChoices):
    MDD = "mdd", _("Major depressive disorder")
    BIPOLAR_1 = "bipolar_1", _("Bipolar I disorder")
    BIPOLAR_2 = "bipolar_2", _("Bipolar II disorder")
    UNKNOWN = "unknown", _("Not recorded")


class User(AbstractUser):
    """Somebody who works with Clarity; the role says what they may do.

    Without a ``language`` pages follow the browser and mails the clinic; without a ``time_zone``
    the clinic's is theirs.
    """

    role = models.CharField(max_length=20, choices=Role, blank=True)
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    tour_seen_at = models.DateTimeField(
        null=True, help_text="When the first-visit tour was closed."
    )
    # Here and not in tables of their own: the panel asks for them with the user, at no query.
    panel_seen_at = models.DateTimeField(null=True, editable=False, help_text="Looked last.")
    panel_before = models.DateTimeField(
        null=True, editable=False, help_text="Until when the visit before this one lasted."
    )
    panel_views = models.JSONField(
        default=list, blank=True, editable=False, help_text="[[name, query of the panel's address]]"
    )

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Patient(models.Model):
    """A person in care. ``code`` is the only name used in URLs, logs and messages."""

    code = models.SlugField(max_length=40, unique=True)
    name = EncryptedTextField(blank=True)
    ehr_id = EncryptedTextField(blank=True, help_text="Id of the FHIR Patient in the EHR.")
    ehr_id_index = BlindIndexField(of="ehr_id", default="")
    diagnosis = models.CharField(max_length=20, choices=Diagnosis, default=Diagnosis.UNKNOWN)
    medication_list_available = models.BooleanField(
        default=False, help_text="False is shown as “list unavailable”, never read as “none”."
    )
    enrolled_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """An EHR id is never saved without its index."""
        if update_fields is not None and "ehr_id" in update_fields:
            update_fields = {*update_fields, "ehr_id_index"}
        super().save(*args, update_fields=update_fields, **kwargs)


class CareTeamMember(models.Model):
    """A user who cares for a patient: the only way for clinicians to see a record."""

    class Part(models.TextChoices):
        RESPONSIBLE = "responsible", _("Responsible")
        MEMBER = "member", _("Member")
        COVER = "cover", _("Covering")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="care_team")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="care_team_of")
    part = models.CharField(max_length=12, choices=Part, default=Part.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "user"], name="one_membership"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(part="responsible"), name="one_responsible"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.patient}"


class TimeZoneSpan(models.Model):
    """The patient's zone from a local day on, until the next span begins."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="zones")
    first_day = models.DateField()
    zone = models.CharField(max_length=64)

    class Meta:
        ordering = ["first_day"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "first_day"], name="one_zone_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.zone} from {self.first_day}"


class Device(models.Model):
    """What records a patient; of several the first in the patient's order is believed."""

    class Kind(models.TextChoices):
        ACTIGRAPH = "actigraph", _("Actigraph")
        WATCH = "watch", _("Watch or band")
        RING = "ring", _("Ring")
        PHONE = "phone", _("Phone")
        APP = "app", _("App")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="devices")
    source = models.CharField(max_length=40, help_text="The format it came in.")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind)
    place = models.PositiveSmallIntegerField(
        null=True, help_text="In the order a clinician gave; none: after those, by kind and name."
    )
    last_data_at = models.DateTimeField(null=True, help_text="The last minute with data.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "source", "name"], name="one_device")
        ]

    def __str__(self) -> str:
        return self.name


class RecordingFile(models.Model):
    """Where stored minutes came from: one row per file or push taken in."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="files")
    source = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    zone = models.TextField(help_text="How naive stamps were read, as ZoneHistory.told says it.")
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField()
    minutes = models.PositiveIntegerField()
    rejected = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "sha256"], name="one_file")]

    def __str__(self) -> str:
        return f"{self.source} file {self.sha256[:12]}"


class RecordingPart(models.Model):
    """What one file held of one device's channel: minutes a UTC day, from the first day on.

    ``rejected_a_day`` counts the samples that were out of range; it is empty where none was.
    Sleep records count as the channel "sleep", their minutes on the UTC day they end.
    """

    file = models.ForeignKey(RecordingFile, on_delete=models.CASCADE, related_name="parts")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="parts")
    channel = models.CharField(max_length=24)
    first_day = models.DateField()
    last_day = models.DateField()
    minutes_a_day = ArrayField(models.PositiveSmallIntegerField())
    rejected_a_day = ArrayField(models.PositiveIntegerField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "device", "channel"], name="one_part")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.first_day} to {self.last_day}"

    def minutes_on(self, day: date) -> int:
        """Minutes of that UTC day."""
        return self._of_day(self.minutes_a_day, day)

    def rejected_on(self, day: date) -> int:
        """Samples of that UTC day that were out of range and left out."""
        return self._of_day(self.rejected_a_day, day)

    def _of_day(self, counts: list[int], day: date) -> int:
        place = (day - self.first_day).days
        return counts[place] if 0 <= place < len(counts) else 0


class RecordingDay(models.Model):
    """1,440 minutes of one device's channel: packed values with the missing ones marked."""

    pk = models.CompositePrimaryKey("device_id", "utc_day", "channel", "family")
    device = models.ForeignKey(
        Device, on_delete=models.CASCADE, related_name="recording_days", db_index=False
    )
    utc_day = models.DateField()
    channel = models.CharField(max_length=24)
    family = models.CharField(max_length=24, blank=True)
    values = models.BinaryField(help_text="patients.domain.packing")
    partial = models.JSONField(
        null=True, help_text="{minute: samples} of minutes that another file may complete."
    )
    walks = models.BinaryField(null=True, help_text="Steps as told: patients.domain.walks")
    minutes = models.PositiveSmallIntegerField()
    last_minute = models.PositiveSmallIntegerField(
        help_text="The last recorded minute of the UTC day."
    )

    def __str__(self) -> str:
        return f"{self.device} {self.channel} {self.utc_day}"


class ResolvedDay(models.Model):
    """From which device each minute of a patient's channel and unit family is taken.

    A row without devices says that something was removed from the day, and when.
    """

    pk = models.CompositePrimaryKey("patient_id", "utc_day", "channel", "family")
    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, related_name="resolved_days", db_index=False
    )
    utc_day = models.DateField()
    channel = models.CharField(max_length=24)
    family = models.CharField(max_length=24, blank=True)
    devices = ArrayField(models.BigIntegerField(), help_text="Those chosen for some minute.")
    chosen = models.BinaryField(
        help_text="Packed: for each minute 0, or the place in devices from 1; empty for one device."
    )
    minutes = models.PositiveSmallIntegerField()
    last_minute = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["patient", "updated_at"], name="days_changed")]

    def __str__(self) -> str:
        return f"{self.patient} {self.channel} {self.utc_day}"


class SleepEpisode(models.Model):
    """One sleep record; ``is_chosen`` says whether it counts. One without sleep never does."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="sleep_episodes")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="sleep_episodes")
    log_id = models.CharField(max_length=80, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    asleep_minutes = models.FloatField()
    awake_minutes = models.FloatField()
    stages = models.JSONField(default=list, help_text="[start offset, minutes, stage]")
    is_chosen = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["start"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "device", "start", "end", "log_id"], name="one_sleep_record"
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="sleep_ends_after_start"),
        ]
        indexes = [
            models.Index(fields=["patient", "end"], name="sleep_by_end"),
            models.Index(fields=["patient", "updated_at"], name="sleep_changed"),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.start:%F}"


class DeviceToken(models.Model):
    """What lets one device send recordings of one patient; of the token only a hash is kept."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="device_tokens")
    label = models.CharField(max_length=80)
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To the minute or so.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.label


class Upload(models.Model):
    """The receipt of a device's push or of a history file, and the row that workers claim.

    A push (with a ``token``) waits in ``body``, a file in a folder of its own below UPLOAD_DIR;
    both are gone once it is stored or rejected.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        PROCESSING = "processing", _("Processing")
        STORED = "stored", _("Stored")
        REJECTED = "rejected", _("Rejected")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="uploads")
    token = models.ForeignKey(
        DeviceToken, on_delete=models.CASCADE, null=True, related_name="uploads"
    )
    uploaded_by = models.CharField(max_length=150, help_text="Username, or “device: label”.")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    reason = models.CharField(max_length=2000, blank=True, help_text="Why it was rejected.")
    result = models.JSONField(default=dict, help_text="What was stored, as ingest_file says it.")
    idempotency_key = models.CharField(max_length=200, blank=True)
    body_sha256 = models.CharField(max_length=64)
    body = models.BinaryField(null=True, help_text="A push: JSON, gzipped.")
    source = models.CharField(max_length=40)
    zone = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    processed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["token", "idempotency_key"],
                condition=Q(token__isnull=False),
                name="one_push_a_key",
            )
        ]
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=Q(state__in=["received", "processing"]),
                name="uploads_still_open",
            ),
            models.Index(fields=["patient", "-received_at"], name="uploads_of_patient"),
        ]

    def __str__(self) -> str:
        return f"upload {self.id} {self.state}"


class AuditEvent(models.Model):
    """Who did or read what, and when. No foreign keys: it outlives what it describes."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=150, help_text="Username, or “system”.")
    action = models.CharField(max_length=60)
    patient_code = models.CharField(max_length=40, blank=True, db_index=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor} {self.action} {self.patient_code}"
