"""What is read from the EHR: how far, what it said, what was written, and what contradicts us."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.encryption import EncryptedTextField
from patients.models import Patient


class ContextSetting(models.Model):
    """Whether the EHR is read by itself: off until an administrator turns it on."""

    is_on = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"reading from the EHR {self.is_on}"


class EhrPatient(models.Model):
    """How a patient is found in the EHR, and how far their record has been read.

    ``marks``: of each resource type ``since`` (everything before is read), and in the middle of a
    search ``next`` (the link of the page that is due) and ``begun`` (when the search began). While
    a bulk export is read, under “$export” which one held the patient.
    """

    class State(models.TextChoices):
        UNKNOWN = "unknown", _("No identifier is given")
        DUE = "due", _("Not looked for yet")
        FOUND = "found", _("Found")
        NOT_FOUND = "not_found", _("Not found")
        SEVERAL = "several", _("Several records have this identifier")
        TAKEN = "taken", _("The record is that of another patient here")

    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="in_ehr")
    system = models.CharField(max_length=200, blank=True)
    value = EncryptedTextField(blank=True, help_text="The identifier's value in that system.")
    state = models.CharField(max_length=12, choices=State, default=State.UNKNOWN)
    marks = models.JSONField(default=dict)
    diagnosis_written = models.CharField(
        max_length=20, blank=True, help_text="Which one the EHR wrote last."
    )
    read_at = models.DateTimeField(null=True, help_text="When it was last read to its end.")

    def __str__(self) -> str:
        return f"{self.patient} {self.state}"


class EhrTerm(models.Model):
    """A code, a form or a person of the EHR that Clarity does not know by itself.

    ``meaning``: a drug's class, a questionnaire's key, a username or one of Diagnosis, as somebody
    said; empty until then, and “-” for what is of no concern here.
    """

    class Kind(models.TextChoices):
        DRUG = "drug", _("Drug")
        FORM = "form", _("Questionnaire")
        PERSON = "person", _("Person")
        DISORDER = "disorder", _("Mood disorder")

    NO_CONCERN = "-"

    kind = models.CharField(max_length=8, choices=Kind)
    system = models.CharField(max_length=200)
    code = models.CharField(max_length=200)
    words = models.CharField(max_length=200, blank=True)
    meaning = models.CharField(max_length=150, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["kind", "words", "code"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "system", "code"], name="one_ehr_term")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.system}|{self.code}"


class ContextItem(models.Model):
    """What one resource of the EHR said last, and what was written because of it.

    ``told`` are its values as they were understood. ``written`` are the rows that stand because
    of it: {"id", "as"} with the values as the EHR wrote them, so that a person's later change is
    seen; ``agrees_with`` is the row somebody typed that says the same already.
    """

    class State(models.TextChoices):
        WRITTEN = "written", _("Written")
        AGREES = "agrees", _("Says what is recorded")
        NOTED = "noted", _("Nothing to write")
        WAITING = "waiting", _("Not in force")
        UNCLEAR = "unclear", _("Not understood")
        CONFLICT = "conflict", _("Contradicts what is recorded")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="ehr_items")
    resource_type = models.CharField(max_length=40)
    resource_id = models.CharField(max_length=64)
    told = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(max_length=300, blank=True)
    written = models.JSONField(default=list)
    row_ids = ArrayField(models.BigIntegerField(), default=list, help_text="The ids in written.")
    agrees_with = models.BigIntegerField(null=True)
    self_harm = models.JSONField(
        default=dict, help_text="The answer above 0 on self-harm of which it was told last."
    )
    terms = models.ManyToManyField(EhrTerm, related_name="items")
    said_on = models.DateField(help_text="The patient’s day on which the EHR said so.")
    changed_at = models.DateTimeField(help_text="When this last changed here.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["resource_type", "resource_id"], name="one_ehr_item")
        ]
        indexes = [models.Index(fields=["patient", "resource_type"], name="ehr_items_of_patient")]

    def __str__(self) -> str:
        return f"{self.resource_type}/{self.resource_id} {self.state}"


class ContextConflict(models.Model):
    """The EHR says something else than a person recorded. A person settles it.

    ``ours`` and ``theirs`` are values, worded when shown. One is open an item and kind.
    """

    class Kind(models.TextChoices):
        MEDICATION = "medication", _("Medication")
        DIAGNOSIS = "diagnosis", _("Diagnosis")
        QUESTIONNAIRE = "questionnaire", _("Questionnaire")
        MEMBER = "member", _("Care team")
        RECORD = "record", _("The EHR’s record")

    class Outcome(models.TextChoices):
        OURS = "ours", _("What is recorded here was kept")
        THEIRS = "theirs", _("What the EHR says was taken")
        BOTH = "both", _("Both were kept")
        GONE = "gone", _("The EHR says so no more")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="ehr_conflicts")
    item = models.ForeignKey(
        ContextItem, on_delete=models.CASCADE, null=True, related_name="conflicts"
    )
    kind = models.CharField(max_length=14, choices=Kind)
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=150, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True)

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [
            models.Index(
                fields=["patient"], condition=Q(settled_at=None), name="ehr_conflicts_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.kind} {self.outcome or 'open'}"


class ContextRun(models.Model):
    """One reading of the EHR. ``counts``: of each resource type how many were read, new, …

    ``export``: where a bulk export stands, so that a later run goes on with it; ``short`` in it are
    the kinds that refer to Medications which it lacks.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Reading")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped, goes on later")
        BROKEN = "broken", _("Broken off, goes on later")

    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    beat_at = models.DateTimeField(help_text="When the last page was written.")
    finished_at = models.DateTimeField(null=True)
    patients = models.PositiveIntegerField(default=0, help_text="Whose record was read to its end.")
    counts = models.JSONField(default=dict)
    refused = models.JSONField(default=dict, help_text="By resource type, what the EHR answered.")
    export = models.JSONField(default=dict)
    why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"reading of {self.started_at:%F %T} {self.state}"
