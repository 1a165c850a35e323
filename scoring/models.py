"""What the data say: features, baselines, models, runs and stored decisions."""

from pathlib import Path

from django.db import models
from django.db.models import Q

from patients.models import Patient
from scoring.engines.models import Source


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
    """A model that has scored somebody or may: its artefacts' hashes, and what is known of it.

    One of each track is current and decides. A shadow scores beside it and is never shown with
    a patient; those that decided before are retired and kept, so that their scores can be
    replayed.
    """

    class State(models.TextChoices):
        CURRENT = "current", "Current"
        SHADOW = "shadow", "Shadow"
        RETIRED = "retired", "Retired"

    track = models.CharField(max_length=12, choices=Track)
    version = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64, unique=True)
    trained_on = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)
    first_used_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State, default=State.SHADOW)
    folder = models.CharField(
        max_length=500, blank=True, help_text="Where its artefacts lie; blank: the shipped ones."
    )
    not_usable = models.CharField(
        max_length=300, blank=True, help_text="Why it can score nobody, as it is registered."
    )
    intended_use = models.TextField(blank=True)
    known_failures = models.TextField(blank=True, help_text="One a line.")
    registered_at = models.DateTimeField(null=True)
    registered_by = models.CharField(max_length=150, blank=True)
    promoted_at = models.DateTimeField(
        null=True, help_text="Null also once rolled back: rolling back never leads there again."
    )
    promoted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["track"], condition=Q(state="current"), name="one_current_model"
            )
        ]

    def __str__(self) -> str:
        return f"{self.track} {self.version}"

    @property
    def source(self) -> Source | None:
        """Where it lies and the hash it must have; None for the shipped one."""
        return Source(Path(self.folder), self.sha256) if self.folder else None


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
    model_failed = models.BooleanField(
        default=False, help_text="A track is unavailable because its model failed."
    )

    class Meta:
        ordering = ["-day", "-revision"]
        indexes = [
            models.Index(
                fields=["scored_at"], condition=Q(model_failed=True), name="scores_model_failed"
            )
        ]
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


class ShadowScore(models.Model):
    """What a shadow says of a day beside the model that decides. It alerts nobody.

    ``would_alert``: an alert of its track would have been raised, had none been open;
    ``current_*`` is the same of the model that decided, at that time.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="shadow_scores")
    day = models.DateField()
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="shadow_scores"
    )
    status = models.CharField(max_length=12)
    reason = models.TextField(blank=True)
    probability = models.FloatField(null=True)
    tier = models.CharField(max_length=14, choices=Tier)
    overall_tier = models.CharField(
        max_length=14, choices=Tier, help_text="The decision's, had this model been the track's."
    )
    would_alert = models.BooleanField()
    current_tier = models.CharField(max_length=14, choices=Tier)
    current_would_alert = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "patient", "day"], name="one_shadow_score"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.day} {self.model_version}"


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
    failures_told_at = models.DateTimeField(
        null=True, help_text="Ops were told that a model fails."
    )

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
