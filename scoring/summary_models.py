"""What the panel reads of a patient's scores, in one row."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class ScoreSummary(models.Model):
    """A patient's newest decision and the weeks before it, as the panel shows them.

    Made from RiskScore rows by scoring/summaries.py alone, in the transaction that changes them;
    nothing else writes it and nothing is known by it that those rows do not say. Percents are
    whole, 0 to 100; where a track or a day was not assessed there is none.
    """

    patient = models.OneToOneField(
        "patients.Patient", on_delete=models.CASCADE, primary_key=True, related_name="summary"
    )
    day = models.DateField(help_text="The newest scored day.")
    tier = models.CharField(max_length=14)
    probability = models.FloatField(null=True)
    urgency = models.SmallIntegerField(help_text="scoring.domain.points.urgency")
    depression_tier = models.CharField(max_length=14, blank=True, help_text="Empty: not assessed.")
    depression_probability = models.FloatField(null=True)
    depression_coverage = models.FloatField(null=True)
    depression_change = models.SmallIntegerField(null=True, help_text="Points in 7 days.")
    depression_days = ArrayField(models.SmallIntegerField(null=True), help_text="30 percents.")
    depression_usual = ArrayField(models.SmallIntegerField(), null=True, help_text="Low, high.")
    mania_tier = models.CharField(max_length=14, blank=True)
    mania_probability = models.FloatField(null=True)
    mania_coverage = models.FloatField(null=True)
    mania_change = models.SmallIntegerField(null=True)
    mania_days = ArrayField(models.SmallIntegerField(null=True))
    mania_usual = ArrayField(models.SmallIntegerField(), null=True)
    leads = models.CharField(max_length=12, help_text="What to speak of first.")
    since = models.DateField(help_text="Since when that track has its tier.")
    before = models.CharField(max_length=14, blank=True, help_text="Its tier before, if known.")
    assessed_day = models.DateField(null=True, help_text="The last day that is not Indeterminate.")
    moves = models.JSONField(
        default=list, help_text="[[when, the overall tier before]] of the last 30 days."
    )
    moved_at = models.DateTimeField(null=True, help_text="The last of them.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(tier="Indeterminate")
                | Q(
                    probability__isnull=True,
                    depression_probability__isnull=True,
                    mania_probability__isnull=True,
                ),
                name="no_number_in_an_indeterminate_summary",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.day} {self.tier}"
