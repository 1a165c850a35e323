"""Models in shadow: they score the same days silently, and what they would have done is kept.

Nothing of it reaches a patient's page, an alert or a message.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone

from patients.models import Patient
from scoring.engines.assess import Assessment
from scoring.models import ModelVersion, ShadowScore, Tier, Track
from scoring.selectors import models_in_use
from scoring.services import patient_assess

COMPARED_DAYS = 28
WouldAlert = Callable[[str], bool]
log = logging.getLogger("clarity")


def shadows_score(
    *, patient: Patient, assessments: Sequence[Assessment], would_alert: WouldAlert
) -> None:
    """Let each shadow that can score the days of these assessments, after they were stored.

    ``would_alert`` says of a track's tier whether an alert would be raised, were none open.
    Whatever fails here is logged and nothing else: the scores that decide are not touched.
    """
    for shadow in ModelVersion.objects.filter(state=ModelVersion.State.SHADOW, not_usable=""):
        for current in assessments:
            try:
                _score(shadow, patient, current, would_alert)
            except Exception:  # a candidate must never disturb the night
                log.exception("shadow failed", extra=_ids(shadow, patient))


def _score(
    shadow: ModelVersion, patient: Patient, current: Assessment, would_alert: WouldAlert
) -> None:
    day = current.decision.day
    assessed = patient_assess(
        patient=patient, day=day, explain=False, using=models_in_use(instead=shadow)
    )
    output = assessed.depression if shadow.track == Track.DEPRESSION else assessed.mania
    if output.failed:
        log.error("shadow without a number", extra=_ids(shadow, patient))
    tier, current_tier = _tier(assessed, shadow.track), _tier(current, shadow.track)
    values: dict[str, Any] = {
        "status": output.status,
        "reason": output.reason or "",
        "probability": output.probability,
        "tier": tier,
        "overall_tier": assessed.decision.tier,
        "would_alert": would_alert(tier),
        "current_tier": current_tier,
        "current_would_alert": would_alert(current_tier),
    }
    with transaction.atomic():
        ShadowScore.objects.update_or_create(
            patient=patient,
            day=day,
            model_version=shadow,
            defaults=values,
            create_defaults=values | {"created_at": timezone.now()},
        )


def _tier(assessed: Assessment, track: str) -> str:
    decision = assessed.decision
    return decision.depression_tier if track == Track.DEPRESSION else decision.mania_tier


def _ids(shadow: ModelVersion, patient: Patient) -> dict[str, str]:
    return {"model": shadow.version, "patient": patient.code}


@dataclass(frozen=True)
class Comparison:
    """A shadow beside the model that decided: person-days of the last weeks.

    ``compared`` days have a tier of both; ``fired_*`` are days on which an alert would have
    been raised, had none been open.
    """

    model_version_id: int
    first_day: date
    last_day: date
    days: int
    patients: int
    not_scored: int
    compared: int
    agreed: int
    fired_both: int
    fired_shadow_only: int
    fired_current_only: int

    @property
    def scored(self) -> int:
        """Days on which the shadow gave a number."""
        return self.days - self.not_scored

    @property
    def agreement(self) -> float | None:
        """Share of the compared days with the same tier."""
        return self.agreed / self.compared if self.compared else None


def shadow_comparisons(today: date) -> dict[int, Comparison]:
    """Of each version that scored in shadow in the last 28 days, by its key; one query."""
    both = ~Q(tier=Tier.INDETERMINATE) & ~Q(current_tier=Tier.INDETERMINATE)
    fired, current = Q(would_alert=True), Q(current_would_alert=True)
    rows = (
        ShadowScore.objects.filter(day__gt=today - timedelta(days=COMPARED_DAYS))
        .order_by()
        .values("model_version_id")
        .annotate(
            first_day=Min("day"),
            last_day=Max("day"),
            days=Count("pk"),
            patients=Count("patient", distinct=True),
            not_scored=Count("pk", filter=~Q(status="ok")),
            compared=Count("pk", filter=both),
            agreed=Count("pk", filter=both & Q(tier=F("current_tier"))),
            fired_both=Count("pk", filter=fired & current),
            fired_shadow_only=Count("pk", filter=fired & ~current),
            fired_current_only=Count("pk", filter=~fired & current),
        )
    )
    return {row["model_version_id"]: Comparison(**row) for row in rows}
