"""Reads what the EHR knows of our patients: page by page, each in a transaction of its own.

A page's values and the mark of how far has been read are written together. Whatever ends a
reading, the next one goes on with the page that was due, and what is read twice changes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from alerts.connection import NO_EHR, configured_tokens
from alerts.context_export import export_read
from alerts.context_facts import team_close
from alerts.context_items import BY, World
from alerts.context_models import ContextRun, ContextSetting, EhrPatient
from alerts.context_pages import SEARCHES, TIME_OVER, note_refusal, page_write, read_type, type_of
from alerts.fhir.answers import Refused, TemporaryFailure
from alerts.fhir.context.patient import ids_of
from alerts.fhir.reading import Reader, Served
from alerts.fhir.transport import is_loopback
from clarity_site.logs import log
from patients.domain.errors import InputError
from patients.identity import ehr_id_set
from patients.models import Patient, User
from patients.selectors import zones_of
from patients.services import SYSTEM, audit_record

LOCK = 0x0C1A_E45C  # PostgreSQL's advisory lock of whoever reads; it ends with the connection
GOING_ON = "The EHR is being read already: wait until that is done."
OFF = "Reading from an EHR beyond this machine is off: an administrator can turn it on."
State = ContextRun.State
Find = EhrPatient.State


def reading_off() -> str | None:
    """Why nothing may be read now, or None."""
    if not settings.EHR_BASE_URL:
        return NO_EHR
    return None if reading_is_on() or is_loopback(settings.EHR_BASE_URL) else OFF


def reading_is_on() -> bool:
    """Whether an administrator has turned the regular reading on."""
    return ContextSetting.objects.filter(is_on=True).exists()


def reader_of_settings() -> Reader:
    """A reader of the EHR of the settings."""
    tokens, per_minute = configured_tokens(), settings.EHR_READS_PER_MINUTE
    return Reader(settings.EHR_BASE_URL, tokens, per_minute=per_minute)


def context_read(
    *,
    by: User | str = SYSTEM,
    reader: Reader | None = None,
    patients: Sequence[Patient] | None = None,
    until: datetime | None = None,
    bulk: bool | None = None,
) -> ContextRun:
    """Read all that is new of these patients, or of all of them; returns the finished run.

    Ends early where the EHR cannot be reached, and at ``until``: the next one goes on there.
    ``bulk``: whether to ask for an export; else for the first load, where EHR_GROUP names whose.
    Raises InputError while another reading goes on, and where nothing may be read.
    """
    if reason := reading_off():
        raise InputError(reason)
    with _alone(), reader or reader_of_settings() as opened:
        run = _begin(by)
        links = _links(patients)
        try:
            _read_all(run, opened, links, until, bulk)
        except (TemporaryFailure, Refused) as failure:
            outcome = getattr(failure, "outcome_text", "")
            _end(run, State.STOPPED, f"{failure.reason} {outcome}".strip())
            return run
        except Exception as error:
            _end(run, State.BROKEN, type(error).__name__)
            raise
        _end(run, State.DONE)
    return run


@contextmanager
def _alone() -> Iterator[None]:
    """One reading at a time; a process that is killed leaves nothing locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise InputError(GOING_ON)
        try:
            yield
        finally:
            if connection.connection and not connection.needs_rollback:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


@transaction.atomic
def _begin(by: User | str) -> ContextRun:
    now = timezone.now()
    broken = ContextRun.objects.filter(state=State.RUNNING)  # whoever holds the lock is not it
    broken.update(state=State.BROKEN, finished_at=now)
    actor = by if isinstance(by, str) else by.username
    before = ContextRun.objects.exclude(state=State.DONE).exclude(export={}).first()
    run = ContextRun.objects.create(
        started_at=now, beat_at=now, started_by=actor, export=before.export if before else {}
    )
    if before:
        ContextRun.objects.filter(pk=before.pk).update(export={})
    audit_record(by=by, action="EHR reading begun", run=run.pk)
    return run


def _end(run: ContextRun, state: str, why: str = "") -> None:
    run.state, run.why, run.finished_at = state, why[:300], timezone.now()
    run.save()
    log.info("context read", extra={"run": run.pk, "state": state, "patients": run.patients})


def _links(patients: Sequence[Patient] | None) -> list[EhrPatient]:
    """How each patient is found, those read longest ago first; made where it is missing."""
    wanted = Patient.objects.all() if patients is None else patients
    missing = Patient.objects.filter(in_ehr=None)
    EhrPatient.objects.bulk_create(
        [EhrPatient(patient=it) for it in missing], ignore_conflicts=True
    )
    rows = EhrPatient.objects.filter(patient__in=wanted).select_related("patient")
    return list(rows.order_by("read_at", "patient_id"))


def _read_all(
    run: ContextRun,
    reader: Reader,
    links: Sequence[EhrPatient],
    until: datetime | None,
    bulk: bool | None,
) -> None:
    served = reader.served()
    found = [link for link in links if _found(link, reader)]
    first = bool(settings.EHR_GROUP) and not any(link.marks for link in found)
    if found and (run.export or (served.exports and (first if bulk is None else bulk))):
        export_read(run, reader, found)
    for link in sorted(found, key=lambda it: it.read_at is not None):
        if until and timezone.now() >= until:
            raise TemporaryFailure(TIME_OVER)
        _read_patient(run, link, reader, served, until)


def _found(link: EhrPatient, reader: Reader) -> bool:
    """Whether the EHR's record of the patient is known, looked for by identifier where not."""
    state = link.state
    if link.patient.ehr_id:
        link.state = Find.FOUND
    elif link.system and link.value:
        link.state = _match(link, reader)
    else:
        link.state = Find.UNKNOWN
    if link.state != state:
        link.save(update_fields=["state"])
    return link.state == Find.FOUND


def _match(link: EhrPatient, reader: Reader) -> str:
    page = reader.page("Patient", {"identifier": f"{link.system}|{link.value}"})
    ids = ids_of(page.resources, link.system, link.value)
    if len(ids) != 1:
        return Find.SEVERAL if ids else Find.NOT_FOUND
    try:
        ehr_id_set(patient=link.patient, ehr_id=ids[0], by=BY)
    except InputError:
        return Find.TAKEN
    return Find.FOUND


def _read_patient(
    run: ContextRun, link: EhrPatient, reader: Reader, served: Served, until: datetime | None
) -> None:
    key, now = link.patient.ehr_id, timezone.now()
    team_close(World(link.patient, link, zones_of(link.patient), now))  # also where it is refused
    try:
        record = reader.resource(f"Patient/{key}")
    except Refused as refusal:
        note_refusal(run, "Patient", refusal)
    else:
        page_write(run, link, "Patient", [record], now, {})
    for search in (it for it in SEARCHES if type_of(it) in served):
        try:
            read_type(run, link, search, reader, until)
        except Refused as refusal:
            note_refusal(run, search, refusal)
    link.read_at = now
    link.save(update_fields=["read_at"])
    run.patients += 1
    run.save(update_fields=["patients", "refused"])
