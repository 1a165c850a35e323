"""Bulk Data: asks an EHR for everything at once, waits until it is ready, and reads its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.fhir.answers import Refused, TemporaryFailure, json_object, outcome_text
from alerts.fhir.context.values import moment_told, objects, words
from alerts.fhir.reading import Reader

LONGEST_WAIT_S = 600.0
USUAL_WAIT_S = 10.0


@dataclass(frozen=True)
class Export:
    """An export that is ready: ``at`` is the moment of which it tells.

    ``files`` are (resource type, address), and so are ``errors``, which say what went wrong;
    ``authorised``: they ask for the token.
    """

    at: datetime
    files: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, str], ...]
    authorised: bool


@dataclass(frozen=True)
class NotReady:
    """Ask again after so many seconds."""

    wait_s: float


def export_begin(reader: Reader, group: str, types: Sequence[str]) -> str:
    """Ask for an export of a group, or of every patient without one; returns where to look.

    Raises TemporaryFailure, and Refused too where the answer says not where to look.
    """
    place = f"Group/{group}" if group else "Patient"
    response = reader.get(
        f"{reader.base_url}/{place}/$export",
        {"_type": ",".join(types)},
        prefer="respond-async",
    )
    where = response.headers.get("Content-Location", "")
    if response.status_code != 202 or not where:
        raise Refused("The EHR did not begin the export.", status=response.status_code)
    return reader.same_host(where, below_base=False)


def export_look(reader: Reader, where: str) -> Export | NotReady:
    """Whether it is ready. Raises TemporaryFailure, Refused."""
    response = reader.get(where, accept="application/json")
    if response.status_code == 202:
        told = response.headers.get("Retry-After", "").strip()
        seconds = float(told) if told.isdigit() and len(told) < 7 else USUAL_WAIT_S
        return NotReady(min(max(seconds, 1.0), LONGEST_WAIT_S))
    manifest = json_object(response)
    at = moment_told(manifest.get("transactionTime"))
    if at is None:
        raise TemporaryFailure("The EHR’s export does not say of which moment it tells.")
    files, errors = (
        tuple(
            (words(it, "type"), reader.same_host(words(it, "url"), below_base=False))
            for it in objects(manifest, name)
        )
        for name in ("output", "error")
    )
    authorised = manifest.get("requiresAccessToken") is not False
    return Export(at.astimezone(UTC), files, errors, authorised)


def export_faults(reader: Reader, export: Export) -> Iterator[str]:
    """What could not be exported, in the EHR's words; its warnings are none of it.

    Raises TemporaryFailure, Refused.
    """
    for _kind, address in export.errors:
        for outcome in reader.lines(address, authorised=export.authorised):
            told = objects(outcome, "issue")
            if faults := [it for it in told if it.get("severity") in ("error", "fatal")]:
                yield outcome_text({"issue": faults}, {})
