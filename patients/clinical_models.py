"""What clinicians know of a patient: drugs, questionnaires, episodes and what they wrote."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from patients.encryption import EncryptedTextField


class MedicationCourse(models.Model):
    """One drug at one dose from a day to a day. The class decides what the router weighs.

    What was entered in error is kept and never counts; what corrects it is a course of its own.
    """

    class DrugClass(models.TextChoices):
        SSRI = "ssri", _("SSRI")
        SNRI = "snri", _("SNRI")
        OTHER_ANTIDEPRESSANT = "other_antidepressant", _("Other antidepressant")
        LITHIUM = "lithium", _("Lithium")
        VALPROATE = "valproate", _("Valproate")
        LAMOTRIGINE = "lamotrigine", _("Lamotrigine")
        CARBAMAZEPINE = "carbamazepine", _("Carbamazepine")
        ANTIPSYCHOTIC = "antipsychotic", _("Antipsychotic")
        STIMULANT = "stimulant", _("Stimulant")
        STEROID = "steroid", _("Steroid")
        OTHER = "other", _("Other")
        UNKNOWN = "unknown", _("Class not known")  # of the EHR alone: nobody has said it yet

    class ClassFrom(models.TextChoices):
        TABLE = "table", _("from the table of drugs")
        TABLE_UNVERIFIED = "table_unverified", _("from the table of drugs, unverified")
        TYPED = "typed", _("as it was entered")

    class Source(models.TextChoices):
        CLINIC = "clinic", _("Clinic")
        EHR = "ehr", _("EHR")

    class ErrorReason(models.TextChoices):
        TYPING = "typing", _("It was mistyped")
        PATIENT = "patient", _("The patient or family told otherwise")
        PRESCRIBER = "prescriber", _("A prescriber or pharmacy told otherwise")
        WRONG_PATIENT = "wrong_patient", _("It is another patient’s")
        OTHER = "other", _("Another reason")

    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.CASCADE, related_name="medications"
    )
    drug = models.CharField(max_length=80)
    drug_class = models.CharField(max_length=24, choices=DrugClass)
    class_from = models.CharField(max_length=20, choices=ClassFrom, default=ClassFrom.TYPED)
    atc = models.CharField("ATC code", max_length=7, blank=True)
    rxnorm = models.CharField("RxNorm code", max_length=8, blank=True)
    source = models.CharField(max_length=10, choices=Source, default=Source.CLINIC)
    dose = models.CharField(max_length=40, blank=True)
    first_day = models.DateField()
    last_day = models.DateField(null=True, blank=True)
    entered_in_error = models.BooleanField(default=False)
    error_reason = models.CharField(max_length=20, choices=ErrorReason, blank=True)

    class Meta:
        ordering = ["-first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("first_day")),
                name="medication_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.drug} {self.dose}".strip()

    @property
    def class_unverified(self) -> bool:
        """Whether the class comes from a row that nobody has checked."""
        return self.class_from == self.ClassFrom.TABLE_UNVERIFIED

    def active_on(self, day: date) -> bool:
        """Whether the drug was taken on that day; never of what was entered in error."""
        if self.entered_in_error:
            return False
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


class Questionnaire(models.Model):
    """One questionnaire: from a vendor or a device, or recorded by somebody of the care team.

    ``safety_considered_at`` says that its item on self-harm, if it has one, was looked at.
    """

    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.CASCADE, related_name="questionnaires"
    )
    instrument = models.CharField(max_length=20)
    taken_at = models.DateTimeField()
    total = models.FloatField()
    items = models.JSONField(default=list)
    source = models.CharField(max_length=40)
    recorded_by = models.CharField(
        max_length=150, blank=True, help_text="Username; empty where a device told it."
    )
    recorded_at = models.DateTimeField(null=True, help_text="None: before this was kept.")
    safety_considered_at = models.DateTimeField(null=True)
    entered_in_error = models.BooleanField(default=False)

    class Meta:
        ordering = ["taken_at"]
        # Few are taken back: an open panel counts them without reading all the others.
        indexes = [
            models.Index(
                fields=["patient"],
                condition=models.Q(entered_in_error=True),
                name="questionnaires_taken_back",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "instrument", "taken_at"],
                condition=Q(entered_in_error=False),
                name="one_questionnaire",
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.instrument} {self.taken_at:%F}"


class Episode(models.Model):
    """A mood episode as a clinician recorded it; without a last day it goes on."""

    class Kind(models.TextChoices):
        DEPRESSION = "depression", _("Depression")
        MANIA = "mania", _("Mania")
        HYPOMANIA = "hypomania", _("Hypomania")
        MIXED = "mixed", _("Mixed")

    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.CASCADE, related_name="episodes"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    first_day = models.DateField()
    last_day = models.DateField(null=True, blank=True)
    note = EncryptedTextField(blank=True)
    recorded_by = models.CharField(max_length=150)
    recorded_at = models.DateTimeField()
    entered_in_error = models.BooleanField(default=False)

    class Meta:
        ordering = ["-first_day", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("first_day")),
                name="episode_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["patient", "kind", "first_day"],
                condition=Q(entered_in_error=False),
                name="one_episode",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.kind} {self.first_day:%F}"


class Note(models.Model):
    """What somebody of the care team wrote: a note, or a contact and how it went.

    Its words never change. What was entered in error is kept, marked, and shown struck through.
    """

    class Kind(models.TextChoices):
        NOTE = "note", _("Note")
        CONTACT = "contact", _("Contact")

    class Channel(models.TextChoices):
        PHONE = "phone", _("Telephone")
        VISIT = "visit", _("Visit")
        VIDEO = "video", _("Video")
        MESSAGE = "message", _("Message or letter")
        OTHER = "other", _("Another way")

    class Person(models.TextChoices):
        PATIENT = "patient", _("The patient")
        FAMILY = "family", _("Family or a friend")
        PROFESSIONAL = "professional", _("Another professional")

    class Outcome(models.TextChoices):
        REACHED = "reached", _("Spoken to")
        LEFT_MESSAGE = "left_message", _("Message left")
        NOT_REACHED = "not_reached", _("Not reached")

    patient = models.ForeignKey("patients.Patient", on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=10, choices=Kind)
    text = EncryptedTextField(blank=True)
    at = models.DateTimeField(help_text="Of a contact: when it was; of a note: when written.")
    channel = models.CharField(max_length=10, choices=Channel, blank=True)
    person = models.CharField(max_length=14, choices=Person, blank=True)
    outcome = models.CharField(max_length=14, choices=Outcome, blank=True)
    author = models.CharField(max_length=150)
    written_at = models.DateTimeField()
    entered_in_error = models.BooleanField(default=False)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["patient", "kind", "-at"], name="notes_of_patient")]

    def __str__(self) -> str:
        return f"{self.patient} {self.kind} {self.at:%F}"
