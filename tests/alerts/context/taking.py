"""Resources taken in as a page of a search brings them, without a server."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from alerts.context_items import World
from alerts.context_models import ContextConflict, ContextItem, EhrPatient
from alerts.context_taking import CLOSERS, resource_take
from patients.models import MedicationCourse, Patient, Questionnaire
from patients.selectors import zones_of


def take(
    patient: Patient,
    *resources: dict[str, Any],
    included: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> list[str]:
    """What became of each; then what is seen once all are read."""
    link, _ = EhrPatient.objects.get_or_create(patient=patient, defaults={"state": "found"})
    world = World(patient, link, zones_of(patient), now or timezone.now(), included or {})
    became = [resource_take(it, world) for it in resources]
    for closer in dict.fromkeys(CLOSERS.values()):
        closer(world)
    patient.refresh_from_db()
    return became


def item(key: str) -> ContextItem:
    """What is kept of a resource."""
    return ContextItem.objects.get(resource_id=key)


def courses(patient: Patient) -> list[tuple[str, str, str, str]]:
    """(drug, dose, first day, last day) of what counts, by day."""
    rows = MedicationCourse.objects.filter(patient=patient, entered_in_error=False)
    return [
        (c.drug, c.dose, c.first_day.isoformat(), c.last_day.isoformat() if c.last_day else "")
        for c in rows.order_by("first_day", "last_day", "drug", "pk")
    ]


def conflict() -> ContextConflict:
    """The one that waits for a person."""
    return ContextConflict.objects.get(settled_at=None)


def answers(patient: Patient) -> list[tuple[str, float, list[int]]]:
    """(instrument, total, items) of what counts, by moment."""
    rows = Questionnaire.objects.filter(patient=patient, entered_in_error=False)
    return [(q.instrument, q.total, q.items) for q in rows.order_by("taken_at", "pk")]
