"""Searches of one patient's record, page by page: each is written with how far has been read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from alerts.context_items import BY, World
from alerts.context_models import ContextRun, EhrPatient
from alerts.context_taking import CLOSERS, resource_take
from alerts.fhir.answers import Refused, TemporaryFailure
from alerts.fhir.context.questionnaire import SURVEY
from alerts.fhir.context.values import LOINC, Json, identity, inner, reference_id
from alerts.fhir.reading import LinkLost, Page, Reader
from alerts.resources import ehr_codes
from patients.selectors import zones_of
from patients.services import audit_record

PAGE_SIZE = 100
# The EHR's clock and ours may differ, and a change may be seen late: a little is read again.
OVERLAP = timedelta(minutes=5)
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
FORBIDDEN = 403
TIME_OVER = "Its time was over: the next reading goes on."
CIRCLE = "The EHR’s pages lead back to one that was read: what follows them cannot be reached."

# In this order: answers with their items before totals alone. What is after a colon tells two
# searches of one type apart: by the codes that are known, and of all that somebody was asked.
SEARCHES: dict[str, dict[str, str]] = {
    "MedicationRequest": {"_include": "MedicationRequest:medication"},
    "MedicationStatement": {"_include": "MedicationStatement:medication"},
    "Condition": {},
    "QuestionnaireResponse": {},
    "Observation": {},
    "Observation:survey": {},
    "CareTeam": {"_include": "CareTeam:participant"},
}


def read_type(
    run: ContextRun, link: EhrPatient, search: str, reader: Reader, until: datetime | None = None
) -> None:
    """All pages from the one that is due, as far as there is time.

    Raises TemporaryFailure, and Refused too where the pages lead back to one of this search.
    """
    anew, asked = False, set[str]()
    while True:
        if until and timezone.now() >= until:
            raise TemporaryFailure(TIME_OVER)
        mark = link.marks.get(search, {})
        asked_at = timezone.now()
        try:
            due = mark.get("next")
            page = reader.page_at(due) if due else _first_page(link, search, reader)
        except LinkLost as lost:
            if anew:
                raise TemporaryFailure(str(lost)) from None
            anew = True
            _begin_anew(link, search)
            continue
        included, is_short = _included(run, page, reader)
        move = _marked(mark | ({"again": True} if is_short else {}), page, asked_at)
        page_write(run, link, search, page.resources, asked_at, included, move=(mark, move))
        if not page.next_link:
            return
        asked.add(due or "")
        if page.next_link in asked:
            _begin_anew(link, search)
            raise Refused(CIRCLE)


def type_of(search: str) -> str:
    """The resource type that a search is for."""
    return search.partition(":")[0]


def _begin_anew(link: EhrPatient, search: str) -> None:
    """The next time this search is asked for its first page."""
    link.marks[search] = {"since": link.marks.get(search, {}).get("since")}
    link.save(update_fields=["marks"])


def _marked(mark: dict[str, Any], page: Page, asked_at: datetime) -> dict[str, Any]:
    """How far is read once the page is written; nowhere, where what it refers to was refused."""
    again = {"again": True} if mark.get("again") else {}
    begun = mark.get("begun") if mark.get("next") else None
    begun = begun or (page.at or asked_at).isoformat()
    if page.next_link:
        return {"since": mark.get("since"), "next": page.next_link, "begun": begun} | again
    if again:
        return {"since": mark.get("since")}
    return {"since": (datetime.fromisoformat(begun) - OVERLAP).isoformat()}


def _first_page(link: EhrPatient, search: str, reader: Reader) -> Page:
    """A new search; an EHR that does not know how to leave the old out is asked for all."""
    asked = {"patient": link.patient.ehr_id, "_count": str(PAGE_SIZE)}
    if search == "Observation":
        codes = sorted(code for q in ehr_codes().questionnaires for code in q.codes)
        asked["code"] = ",".join(f"{LOINC}|{code}" for code in codes)
    elif search == "Observation:survey":
        asked["category"] = f"{CATEGORIES}|{SURVEY}"
    since = link.marks.get(search, {}).get("since")
    newer = {"_lastUpdated": f"ge{since}"} if since else {}
    tries = [asked | SEARCHES[search] | newer, asked | newer, asked]
    for left, each in enumerate(tries, 1 - len(tries)):
        try:
            return reader.page(type_of(search), each)
        except Refused as refusal:
            if refusal.status != 400 or not left:
                raise
    raise AssertionError("unreachable")


def _included(run: ContextRun, page: Page, reader: Reader) -> tuple[dict[str, Json], bool]:
    """What came with the page, and the Medications it refers to that did not come; whether the
    right to read one of these is missing, which is noted.
    """
    known: dict[str, Json] = {
        f"{it.get('resourceType')}/{identity(it)}": it
        for it in (*page.included, *page.resources)
        if it.get("resourceType") in ("Medication", "Practitioner", "PractitionerRole")
    }
    is_short = False
    for named in sorted(medications_of(page.resources) - set(known)):
        try:
            known[named] = reader.resource(named)
        except Refused as refusal:
            if refusal.status == FORBIDDEN:
                is_short = True
                note_refusal(run, "Medication", refusal)
    return known, is_short


def medications_of(resources: Iterable[Json]) -> set[str]:
    """The Medications that these refer to, as “Medication/id”."""
    named = (reference_id(inner(it, "medicationReference"), "Medication") for it in resources)
    return {f"Medication/{it}" for it in named if it}


def note_refusal(run: ContextRun, kind: str, refusal: Refused) -> None:
    """One kind that is refused must not keep the others from being read."""
    run.refused[kind] = f"{refusal.reason} {refusal.outcome_text}".strip()


@transaction.atomic
def page_write(
    run: ContextRun,
    link: EhrPatient,
    search: str,
    resources: Sequence[Json],
    now: datetime,
    included: dict[str, Json],
    *,
    move: tuple[dict[str, Any], dict[str, Any]] | None = None,
) -> None:
    """Write a page about one patient, and how far is read, in one transaction.

    ``move``: the mark from which the page was asked, and the mark once it is written. Where
    somebody has taken the mark away meanwhile, so that all is read anew, it stays so.
    """
    kind = type_of(search)
    link.marks = EhrPatient.objects.select_for_update().get(pk=link.pk).marks
    world = World(link.patient, link, zones_of(link.patient), now, included)
    tally = Counter(resource_take(resource, world) for resource in resources)
    if move and "next" not in move[1] and kind in CLOSERS:
        CLOSERS[kind](world)
    if move and link.marks.get(search, {}) == move[0]:
        link.marks[search] = move[1]
        link.save(update_fields=["marks"])
    counts = Counter(run.counts.get(kind, {}))
    counts.update(tally)
    run.counts[kind], run.beat_at = dict(counts), timezone.now()
    run.save(update_fields=["counts", "beat_at"])
    if written := {name: tally[name] for name in ("new", "changed") if tally[name]}:
        audit_record(by=BY, action="EHR read", patient=link.patient, resource=kind, **written)
