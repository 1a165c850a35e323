"""What the data say: features, baselines, models, runs and stored decisions."""

from django.db import models
from django.db.models import Q

from patients.models import Patient


class Tier(models.TextChoices):
    LOW = "Low"
    MODERATE = "Moderate"
    HIGH = "High"
    INDETERMINATE = "Indeterminate"


class Track(models.TextChoices):
    DEPRESSION = "depression", "Depression"
    MANIA = "mania", "Mania"


class DailyFeatures(models.Model):
    """Features of one local day, and the pacemaker's state at its end."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="features")
    day = models.DateField()
    computed_at = models.DateTimeField(help_text="Minutes stored later are not in here.")
    values = models.JSONField(help_text="scoring.domain.types.DayFeatures")
    pacemaker_state = models.JSONField(null=True)
    inputs_digest = models.CharField(max_length=32, blank=True, help_text="Of all it is made from.")
    version = models.PositiveSmallIntegerField(default=1, help_text="Of the features' definitions.")

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "day"], name="one_features_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.day}"


class Baseline(models.Model):
    """What is usual for a person: mean and SD of each feature over a period."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        APPROVED = "approved", "Approved"
        REPLACED = "replaced", "Replaced"

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="baselines")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    first_day = models.DateField()
    last_day = models.DateField()
    days_used = models.PositiveIntegerField()
    values = models.JSONField(help_text="{feature: {mean, sd, unit, n}}")
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "version"], name="one_baseline_version"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(state="approved"), name="one_approved_baseline"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} baseline {self.version}"


class ModelVersion(models.Model):
    """A model that has scored somebody: its artefacts' hashes and what they were made from."""

    track = models.CharField(max_length=12, choices=Track)
    version = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64, unique=True)
    trained_on = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)
    first_used_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.track} {self.version}"


class RiskScore(models.Model):
    """The stored decision of one patient and local day, with all it takes to replay it.

    A day scored again gets a new row with the next ``revision``; nothing is overwritten.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="scores")
    day = models.DateField()
    revision = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    tier = models.CharField(max_length=14, choices=Tier)
    probability = models.FloatField(null=True)
    depression = models.JSONField(help_text="The track as INTERFACES names it.")
    mania = models.JSONField()
    weights = models.JSONField()
    reasons = models.JSONField()
    inputs_sha256 = models.CharField(max_length=64)
    context = models.JSONField(help_text="What else went in: medication state, early warning.")
    depression_model = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    mania_model = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    baseline = models.ForeignKey(Baseline, on_delete=models.RESTRICT, null=True, related_name="+")
    rules_version = models.CharField(max_length=64, help_text="Hash of router.toml.")
    scored_at = models.DateTimeField()

    class Meta:
        ordering = ["-day", "-revision"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "day", "revision"], name="one_revision"),
            models.UniqueConstraint(
                fields=["patient", "day"], condition=Q(is_current=True), name="one_current_score"
            ),
            models.CheckConstraint(
                condition=~Q(tier="Indeterminate") | Q(probability__isnull=True),
                name="no_number_when_indeterminate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.day} {self.tier}"


class ScoringRun(models.Model):
    """One night's scoring of everybody."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    night = models.DateField(help_text="The clinic's day on which the run began.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    ops_told_at = models.DateTimeField(null=True, help_text="Ops were told that it is late.")

    class Meta:
        ordering = ["-queued_at"]

    def __str__(self) -> str:
        return f"run of {self.night} {self.state}"


class ScoringJob(models.Model):
    """One patient in a run: the row that workers claim. Without a run it was asked for by day."""

    State = ScoringRun.State

    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, null=True, related_name="jobs")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text="Not before then.")
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "patient"], name="one_job"),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(run__isnull=True, state="queued"),
                name="one_job_asked_for",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="queued"), name="jobs_still_queued")
        ]

    def __str__(self) -> str:
        return f"{self.run or 'by day'} {self.patient}"
