"""What goes on in a patient's life. Imported with the other models."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Circumstance(models.Model):
    """Something in a patient's life that changes how sleep and rhythm are read."""

    class Kind(models.TextChoices):
        SHIFT_WORK = "shift_work", _("Works shifts")
        NEWBORN = "newborn", _("Has a newborn")
        PREGNANCY = "pregnancy", _("Is pregnant")
        CHRONIC_ILLNESS = "chronic_illness", _("Has a chronic illness")
        TRAVEL = "travel", _("Travels across time zones")

    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.CASCADE, related_name="circumstances"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    first_day = models.DateField()
    last_day = models.DateField(null=True, blank=True)
    recorded_by = models.CharField(max_length=150)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-first_day", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("first_day")),
                name="circumstance_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["patient", "kind"],
                condition=Q(last_day=None),
                name="one_open_circumstance",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
