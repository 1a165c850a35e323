"""What the writers of context share: who writes, the terms nobody has settled, and conflicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from alerts.context_models import ContextConflict, ContextItem, EhrPatient, EhrTerm
from alerts.fhir.context.values import Concept, Json
from patients.domain.days import ZoneHistory
from patients.models import Patient

BY = "ehr"  # the actor in the audit
State = ContextItem.State


@dataclass(frozen=True)
class World:
    """What a resource is read against. ``included``: others it may refer to, by “Kind/id”."""

    patient: Patient
    link: EhrPatient
    zones: ZoneHistory
    now: datetime
    included: Mapping[str, Json] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The patient's day."""
        return self.zones.local_day(self.now)

    def of_kind(self, kind: str) -> dict[str, Json]:
        """The included resources of that kind, by id."""
        begin = f"{kind}/"
        return {k.removeprefix(begin): v for k, v in self.included.items() if k.startswith(begin)}


def settle(item: ContextItem, state: str, why: str = "") -> None:
    """The item stands so now; its caller saves it."""
    item.state, item.why = state, why[:300]


def wrote(item: ContextItem, row_id: int, values: Mapping[str, Any]) -> None:
    """A row stands because of the item, as the EHR wrote it."""
    kept = [it for it in item.written if it["id"] != row_id]
    item.written = [*kept, {"id": row_id, "as": dict(values)}]
    item.row_ids = [it["id"] for it in item.written]


def forgot(item: ContextItem, *row_ids: int) -> None:
    """The row stands because of the item no more."""
    item.written = [it for it in item.written if it["id"] not in row_ids]
    item.row_ids = [it["id"] for it in item.written]


def is_shared(item: ContextItem, row_id: int, *types: str) -> bool:
    """Whether another resource of the EHR says the same, so that the row stands without this."""
    others = ContextItem.objects.filter(
        patient=item.patient_id, resource_type__in=types, row_ids__contains=[row_id]
    )
    return others.exclude(pk=item.pk).exists()


def term_of(kind: str, concept: Concept) -> EhrTerm:
    """The term by which the concept is known again, noted if it is new."""
    system, code = concept.key
    term, _ = EhrTerm.objects.get_or_create(
        kind=kind, system=system[:200], code=code[:200], defaults={"words": concept.words}
    )
    return term


def conflict_open(
    item: ContextItem | None,
    patient: Patient,
    kind: str,
    *,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Ask a person; False where one has already said that ours stays against just this."""
    same = {"patient": patient, "item": item, "kind": kind}
    rows = ContextConflict.objects.filter(**same)
    if rows.filter(ours=ours, theirs=theirs, outcome=ContextConflict.Outcome.OURS).exists():
        return False
    changed = rows.filter(settled_at=None).update(ours=ours, theirs=theirs)
    if not changed:
        ContextConflict.objects.create(**same, ours=ours, theirs=theirs, opened_at=now)
    return True


def conflicts_close(
    patient: Patient, kind: str, now: datetime, item: ContextItem | None = None
) -> None:
    """Nothing is contradicted any more."""
    rows = ContextConflict.objects.filter(patient=patient, kind=kind, item=item, settled_at=None)
    rows.update(settled_at=now, settled_by=BY, outcome=ContextConflict.Outcome.GONE)
