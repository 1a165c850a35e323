"""The first load at once: an EHR's bulk export, read line by line, from where it was left."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alerts.context_items import World
from alerts.context_models import ContextRun, EhrPatient
from alerts.context_pages import OVERLAP, SEARCHES, medications_of, page_write, type_of
from alerts.context_taking import CLOSERS, subject_of
from alerts.fhir.answers import MAX_OUTCOME_CHARS, Refused, TemporaryFailure
from alerts.fhir.bulk import Export, NotReady, export_begin, export_faults, export_look
from alerts.fhir.context.values import Json, identity
from alerts.fhir.reading import Reader
from patients.selectors import zones_of

SUPPORTING = ("Medication", "Practitioner", "PractitionerRole")
ORDER = (*SUPPORTING, "Patient", *dict.fromkeys(map(type_of, SEARCHES)))
EXPORT = "$export"
LEFT_OUT = "The EHR’s export left something out: it is read page by page."
LINES_AT_ONCE = 200
LONGEST_WAIT_S = 2 * 3600.0


def export_read(run: ContextRun, reader: Reader, links: Sequence[EhrPatient]) -> None:
    """Ask for an export, or go on with one, and write what it holds of these patients.

    Lines about anybody else are dropped. Read is what the export surely held: of the patients
    whose own line was there, the kinds that have a file, and nothing where the EHR says that
    something went wrong. The rest, and all where an EHR refuses, is read page by page.
    Raises TemporaryFailure.
    """
    try:
        export = _ready(run, reader)
        _lines(run, reader, export, {link.patient.ehr_id: link for link in links})
        kinds = _whole_kinds(run, reader, export)
    except Refused as refusal:
        run.refused[EXPORT], run.export = f"{refusal.reason} {refusal.outcome_text}".strip(), {}
        run.save(update_fields=["refused", "export"])
        return
    for link in links:
        _mark(link, run.export["where"], export.at, kinds)
    run.export = {}
    run.save(update_fields=["refused", "export"])


def _whole_kinds(run: ContextRun, reader: Reader, export: Export) -> list[str]:
    """The searches of kinds that were exported to the end; what the EHR says of others is noted."""
    told = list(dict.fromkeys(export_faults(reader, export)))
    if told:
        run.refused[EXPORT] = " ".join([LEFT_OUT, *told])[:MAX_OUTCOME_CHARS]
    failed = {kind for kind, _address in export.errors}
    for kind in failed & set(SEARCHES):
        run.refused[kind] = LEFT_OUT
    files = {kind for kind, _address in export.files}
    whole = files - failed - set(run.export.get("short", []))
    return [it for it in SEARCHES if type_of(it) in whole and not told]


def _ready(run: ContextRun, reader: Reader) -> Export:
    """Wait until it is ready; where to look is kept, so that a later run need not ask again."""
    if not run.export:
        run.export = {
            "where": export_begin(reader, settings.EHR_GROUP, ORDER),
            "file": 0,
            "line": 0,
        }
        run.save(update_fields=["export"])
    waited_s = 0.0
    while isinstance(found := export_look(reader, run.export["where"]), NotReady):
        waited_s += found.wait_s
        if waited_s > LONGEST_WAIT_S:
            raise TemporaryFailure("The EHR’s export was not ready in two hours.")
        reader.pause(found.wait_s)
    return found


def _lines(run: ContextRun, reader: Reader, export: Export, links: dict[str, EhrPatient]) -> None:
    rank = {kind: n for n, kind in enumerate(ORDER)}
    files = sorted((f for f in export.files if f[0] in rank), key=lambda f: (rank[f[0]], f[1]))
    included: dict[str, Json] = {}
    for number, (kind, address) in enumerate(files):
        lines = reader.lines(address, authorised=export.authorised)
        if kind in SUPPORTING:  # needed again by a run that goes on
            included |= {f"{kind}/{identity(it)}": it for it in lines}
        elif number >= run.export["file"]:
            done = run.export["line"] if number == run.export["file"] else 0
            for at, chunk in _chunks(lines, done):
                _write(run, kind, chunk, links, included, {"file": number, "line": at})


def _chunks(lines: Iterator[dict[str, object]], done: int) -> Iterator[tuple[int, list[Json]]]:
    """(how many lines are read with it, the lines), without those that were written before."""
    at = sum(1 for _ in islice(lines, done))
    while chunk := list(islice(lines, LINES_AT_ONCE)):
        at += len(chunk)
        yield at, list(chunk)


@transaction.atomic
def _write(
    run: ContextRun,
    kind: str,
    chunk: Sequence[Json],
    links: dict[str, EhrPatient],
    included: dict[str, Json],
    at: dict[str, Any],
) -> None:
    of: dict[str, list[Json]] = {}
    for resource in chunk:
        of.setdefault(subject_of(resource), []).append(resource)
    for key, resources in of.items():
        if link := links.get(key):
            page_write(run, link, kind, resources, timezone.now(), included)
            if kind == "Patient":  # kept with the marks, which end with the record that is read
                link.marks[EXPORT] = run.export["where"]
                link.save(update_fields=["marks"])
    if medications_of(chunk) - set(included):
        at["short"] = sorted({*run.export.get("short", []), kind})
    run.export = run.export | at
    run.save(update_fields=["export"])


@transaction.atomic
def _mark(link: EhrPatient, export: str, at: datetime, kinds: Sequence[str]) -> None:
    """If the export held the patient, these kinds are read up to its moment."""
    link.marks = EhrPatient.objects.select_for_update().get(pk=link.pk).marks
    if link.marks.pop(EXPORT, None) == export:
        since = (at - OVERLAP).isoformat()
        link.marks |= dict.fromkeys(kinds, {"since": since})
    link.save(update_fields=["marks"])
    world = World(link.patient, link, zones_of(link.patient), timezone.now())
    for closer in dict.fromkeys(CLOSERS.values()):
        closer(world)
