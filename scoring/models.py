"""What the data say: features, baselines, models, runs and stored decisions."""

from pathlib import Path

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from patients.models import Patient
from scoring.engines.models import Source
from scoring.summary_models import ScoreSummary as ScoreSummary


class Tier(models.TextChoices):
    LOW = "Low", _("Low")
    MODERATE = "Moderate", _("Moderate")
    HIGH = "High", _("High")
    INDETERMINATE = "Indeterminate", _("Indeterminate")


class Track(models.TextChoices):
    DEPRESSION = "depression", _("Depression")
    MANIA = "mania", _("Mania")


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
    """What is usual for a person: mean and SD of each feature over a period.

    Its values never change: an edit is another version. One is proposed at most, and one in
    force, approved or frozen; for a frozen one no other is proposed or put in its place.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        FROZEN = "frozen", _("Frozen")
        REPLACED = "replaced", _("Replaced")
        REJECTED = "rejected", _("Rejected")

    class Origin(models.TextChoices):
        RUN_IN = "run-in", _("Run-in")
        REFRESH = "refresh", _("Refresh")
        EDITED = "edited", _("Edited by hand")

    IN_FORCE = (State.APPROVED, State.FROZEN)

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="baselines")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.RUN_IN)
    first_day = models.DateField()
    last_day = models.DateField()
    days_used = models.PositiveIntegerField()
    values = models.JSONField(help_text="{feature: {label, mean, sd, unit, n}}")
    reason = models.TextField(blank=True, help_text="Why it was proposed or edited.")
    proposed_by = models.CharField(max_length=150, blank=True)
    proposed_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True, help_text="Approved or rejected it.")
    decided_at = models.DateTimeField(null=True)
    ended_by = models.CharField(
        max_length=150, blank=True, help_text="Froze it, or put another in its place."
    )
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(blank=True, help_text="Of a rejection, freeze or replacement.")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "version"], name="one_baseline_version"),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(state__in=("approved", "frozen")),
                name="one_baseline_in_force",
            ),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(state="proposed"), name="one_proposed_baseline"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} baseline {self.version}"

    @property
    def is_in_force(self) -> bool:
        """Whether scores are compared with it."""
        return self.state in self.IN_FORCE


class BaselineStretch(models.Model):
    """Days of which an administrator said that the person was well, or ill. Kept when removed."""

    class Kind(models.TextChoices):
        WELL = "well", _("Well: used")
        ILL = "ill", _("Ill: left out")

    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, related_name="baseline_stretches"
    )
    first_day = models.DateField()
    last_day = models.DateField()
    kind = models.CharField(max_length=4, choices=Kind)
    reason = models.TextField()
    marked_by = models.CharField(max_length=150)
    marked_at = models.DateTimeField()
    removed_by = models.CharField(max_length=150, blank=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")), name="stretch_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.kind} {self.first_day} to {self.last_day}"


class IntakeAssessment(models.Model):
    """What a clinician found at intake: the starting point until the data say more.

    The newest row counts; earlier ones stay.
    """

    class IntakeTier(models.TextChoices):
        LOW = "Low", _("Low")
        MODERATE = "Moderate", _("Moderate")
        HIGH = "High", _("High")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="intakes")
    day = models.DateField()
    phq9 = models.PositiveSmallIntegerField()
    tier = models.CharField(max_length=14, choices=IntakeTier)
    clinician = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    set_by = models.CharField(max_length=150)
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["-set_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(phq9__lte=27), name="phq9_is_0_to_27"),
        ]

    def __str__(self) -> str:
        return f"{self.patient} intake {self.day}"


class ModelVersion(models.Model):
    """A model that has scored somebody or may: its artefacts' hashes, and what is known of it.

    One of each track is current and decides. A shadow scores beside it and is never shown with
    a patient; those that decided before are retired and kept, so that their scores can be
    replayed.
    """

    class State(models.TextChoices):
        CURRENT = "current", _("Current")
        SHADOW = "shadow", _("Shadow")
        RETIRED = "retired", _("Retired")

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
            ),
            # In this order other systems read them.
            models.Index(
                fields=["scored_at", "id"], condition=Q(is_current=True), name="scores_by_time"
            ),
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
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

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
