"""What other systems may read of Clarity, as FHIR resources: scores, where from, and messages.

A resource keeps its id when its day is scored again: ``<patient>-<day>-<part>``, with the score's
revision as its version.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from alerts.fhir.codes import ALERT_SYSTEM, CODE_SYSTEM, SCORE_SYSTEM
from alerts.fhir.modelled import modelled
from alerts.fhir.observations import observation, provenance, risk_assessment
from alerts.fhir.searching import Position, Query, Span, Token, matches
from alerts.models import AlertState, OutboxMessage
from alerts.outbox import notice_resource, score_result
from patients.encryption import blind_index
from patients.models import Patient
from scoring.models import RiskScore, Track

PATIENT_SYSTEM = "urn:clarity:patient"
"""System of the codes by which the clinic knows its patients in Clarity."""

PARTS = {
    "Observation": (Track.DEPRESSION.value, Track.MANIA.value),
    "RiskAssessment": ("decision",),
    "Provenance": ("origin",),
}
ENDED = {AlertState.RESOLVED: "completed", AlertState.DISMISSED: "revoked"}

_SCORE_ID = re.compile(r"(\d{1,18})-(\d{4})(\d\d)(\d\d)-([a-z]{4,12})")
_SCORE_IDENTIFIER = re.compile(r"(\d{1,18})-([a-z]{4,12})")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Served:
    """One resource with its patient and its place in the order of a search."""

    resource: dict[str, Any]
    patient: Patient
    position: Position


@dataclass(frozen=True)
class Found:
    """A page of a search. ``total`` is counted on the first page only."""

    page: list[Served]
    total: int | None
    has_more: bool


class ScoreShelf:
    """Observations, RiskAssessments or Provenances of current scores."""

    updated = "scored_at"

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.parts = PARTS[resource]

    def rows(self) -> QuerySet[Any]:
        """All that is served, with what the resources need."""
        rows = RiskScore.objects.filter(is_current=True)
        return rows.select_related("patient", "depression_model", "mania_model")

    def patient_path(self) -> str:
        """From a row to its patient."""
        return "patient"

    def named(self, ids: Sequence[str]) -> Q:
        """The rows of these resource ids."""
        return _any(
            Q(patient_id=key, day=day)
            for key, day, part in filter(None, map(_score_id, ids))
            if part in self.parts
        )

    def identified(self, tokens: Sequence[Token]) -> Q:
        """The rows with one of these identifiers."""
        found = [_SCORE_IDENTIFIER.fullmatch(it.value) for it in tokens]
        return Q(pk__in=[it[1] for it in found if it and it[2] in self.parts])

    def dated(self, span: Span) -> Q:
        """The rows of that time: of the day that was scored, or when it was recorded."""
        if self.resource == "Provenance":
            return _between("scored_at", span)
        return _on_days(span)

    def parts_of(self, row: Any, query: Query) -> list[int]:
        """Which of the row's parts are asked for."""
        return [
            number
            for number, part in enumerate(self.parts)
            if (query.ids is None or _id(row, part) in query.ids)
            and matches(query.identifiers, SCORE_SYSTEM, f"{row.pk}-{part}")
            and matches(query.codes, CODE_SYSTEM, f"{part}-risk-indicator")
        ]

    def built(self, row: Any, part: int) -> dict[str, Any]:
        """The resource."""
        result = score_result(row)
        if self.resource == "Observation":
            track = next(it for it in result.tracks if it.track == self.parts[part])
            content = observation(result, track)
        elif self.resource == "RiskAssessment":
            content = risk_assessment(result, _references(row, "Observation"))
        else:
            targets = _references(row, "Observation") + _references(row, "RiskAssessment")
            content = provenance(targets, row.scored_at, result.models)
        meta = {"versionId": str(row.revision), "lastUpdated": row.scored_at.isoformat()}
        about = {} if self.resource == "Provenance" else {"subject": _subject(row.patient)}
        return modelled(content | about | {"id": _id(row, self.parts[part]), "meta": meta})


class MessageShelf:
    """CommunicationRequests: what alerts tell, each with the state that it has now.

    It is the one to which the EHR’s is set (``alerts.closing``).
    """

    updated = "served_at"
    resource = "CommunicationRequest"
    parts = ("message",)

    def rows(self) -> QuerySet[Any]:
        """All that is served, with what the resources need."""
        ours = OutboxMessage.objects.filter(kind=OutboxMessage.Kind.NOTICE)
        # One that was never sent is made when it is served: somebody may only ever fetch.
        unsent = Q(resource={}, alert__score__isnull=False) & ~Q(state=OutboxMessage.State.REFUSED)
        ours = ours.filter(Q(resource__resourceType=self.resource) | unsent)
        later = ours.filter(alert=OuterRef("alert"), pk__gt=OuterRef("pk"))
        rows = ours.annotate(
            served_at=Greatest(F("created_at"), F("alert__changed_at")), overtaken=Exists(later)
        )
        return rows.select_related(
            "transition", "alert__patient", "alert__score__patient",
            "alert__score__depression_model", "alert__score__mania_model",
        )  # fmt: skip

    def patient_path(self) -> str:
        """From a row to its patient."""
        return "alert__patient"

    def named(self, ids: Sequence[str]) -> Q:
        """The rows of these resource ids."""
        return Q(identifier__in=[it for it in ids if _UUID.fullmatch(it)])

    def identified(self, tokens: Sequence[Token]) -> Q:
        """The rows with one of these identifiers."""
        return self.named([it.value for it in tokens if it.system in (None, ALERT_SYSTEM)])

    def dated(self, span: Span) -> Q:
        """The rows written at that time."""
        return _between("created_at", span)

    def parts_of(self, row: Any, query: Query) -> list[int]:
        """A message is one resource."""
        return [0]

    def built(self, row: Any, part: int) -> dict[str, Any]:
        """The resource as it was made, with its state of now."""
        subject = _subject(row.alert.patient)
        status = "revoked" if row.overtaken else ENDED.get(row.alert.state, "active")
        resource = row.resource or notice_resource(row)
        contained = [it | {"subject": subject} for it in resource.get("contained", [])]
        changes: dict[str, Any] = {
            "id": str(row.identifier),
            "meta": {
                "versionId": str(int(row.served_at.timestamp() * 1000)),
                "lastUpdated": row.served_at.isoformat(),
            },
            "status": status,
            "subject": subject,
            "contained": contained or None,
        }
        return modelled(resource | changes)


def shelf_of(resource: str) -> ScoreShelf | MessageShelf:
    """Where resources of this type are."""
    return MessageShelf() if resource == MessageShelf.resource else ScoreShelf(resource)


def search(resource: str, query: Query) -> Found:
    """One page, in the order in which the resources came to be as they are."""
    shelf = shelf_of(resource)
    rows = shelf.rows().filter(_fits(shelf, query))
    total = None if query.after else _total(shelf, rows, query)
    if query.after:
        # From its time on, so that an index can begin there; of that time, from its key on.
        rows = rows.filter(**{f"{shelf.updated}__gte": query.after.updated}).filter(
            Q(**{f"{shelf.updated}__gt": query.after.updated}) | Q(pk__gte=query.after.key)
        )
    ordered = rows.order_by(shelf.updated, "pk")
    if query.ids is None and query.identifiers is None:  # of those a row may have no part
        ordered = ordered[: query.count + 2]
    places = [
        (row, Position(getattr(row, shelf.updated), row.pk, part))
        for row in ordered
        for part in shelf.parts_of(row, query)
    ]
    if query.after:
        start = query.after
        places = [it for it in places if _order(it[1]) > _order(start)]
    page = [_served(shelf, row, position) for row, position in places[: query.count]]
    return Found(page, total, has_more=bool(page) and len(places) > query.count)


def read(resource: str, resource_id: str) -> Served | None:
    """The resource of that id, if it is there."""
    found = search(resource, Query(ids=(resource_id,), count=1))
    return found.page[0] if found.page else None


def _served(shelf: ScoreShelf | MessageShelf, row: Any, position: Position) -> Served:
    patient = row
    for step in shelf.patient_path().split("__"):
        patient = getattr(patient, step)
    return Served(shelf.built(row, position.part), patient, position)


def _order(position: Position) -> tuple[datetime, int, int]:
    return position.updated, position.key, position.part


def _fits(shelf: ScoreShelf | MessageShelf, query: Query) -> Q:
    fits, patient = Q(), shelf.patient_path()
    if query.ids is not None:
        fits &= shelf.named(query.ids)
    if query.identifiers is not None:
        fits &= shelf.identified(query.identifiers)
    if query.patients is not None:
        fits &= Q(**{f"{patient}__ehr_id_index__in": [*map(blind_index, query.patients)]})
    if query.patient_identifiers is not None:
        codes = [
            it.value for it in query.patient_identifiers if it.system in (None, PATIENT_SYSTEM)
        ]
        fits &= Q(**{f"{patient}__code__in": codes})
    for span in query.dates:
        fits &= shelf.dated(span)
    for span in query.updated:
        fits &= _between(shelf.updated, span)
    return fits


def _total(shelf: ScoreShelf | MessageShelf, rows: QuerySet[Any], query: Query) -> int:
    if query.ids is None and query.identifiers is None and query.codes is None:
        return rows.count() * len(shelf.parts)
    if query.codes is not None and query.ids is None and query.identifiers is None:
        first = rows.first()  # a code asks for the same parts of every row
        return rows.count() * len(shelf.parts_of(first, query)) if first else 0
    return sum(len(shelf.parts_of(row, query)) for row in rows)


def _any(conditions: Any) -> Q:
    found = Q(pk__in=[])
    for condition in conditions:
        found |= condition
    return found


def _between(field: str, span: Span) -> Q:
    fits = Q()
    if span.start is not None:
        fits &= Q(**{f"{field}__gte": span.start})
    if span.end is not None:
        fits &= Q(**{f"{field}__lt": span.end})
    return fits


def _on_days(span: Span) -> Q:
    """A day is compared as a day: of a time of day, its day counts."""
    fits = Q()
    if span.start is not None:
        fits &= Q(day__gte=span.start.date())
    if span.end is not None:
        fits &= Q(day__lt=span.end.date()) if span.is_day else Q(day__lte=span.end.date())
    return fits


def _score_id(text: str) -> tuple[int, date, str] | None:
    found = _SCORE_ID.fullmatch(text)
    if not found:
        return None
    try:
        return int(found[1]), date(int(found[2]), int(found[3]), int(found[4])), found[5]
    except ValueError:
        return None


def _id(score: RiskScore, part: str) -> str:
    return f"{score.patient_id}-{score.day:%Y%m%d}-{part}"


def _references(score: RiskScore, resource: str) -> list[str]:
    return [f"{resource}/{_id(score, part)}" for part in PARTS[resource]]


def _subject(patient: Patient) -> dict[str, Any]:
    """By the id in the EHR, at the EHR, and always by the code in Clarity."""
    about: dict[str, Any] = {
        "type": "Patient",
        "identifier": {"system": PATIENT_SYSTEM, "value": patient.code},
    }
    if patient.ehr_id:
        base = settings.EHR_BASE_URL.rstrip("/")
        about["reference"] = f"{base}/Patient/{patient.ehr_id}".lstrip("/")
    return about
