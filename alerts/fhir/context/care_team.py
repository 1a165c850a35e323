"""CareTeam as the practitioners who care for a patient now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from alerts.fhir.context.values import (
    ENTERED_IN_ERROR,
    Fate,
    Json,
    LocalDay,
    day_told,
    inner,
    objects,
    reference_id,
    words,
)

KINDS = ("Practitioner", "PractitionerRole")


@dataclass(frozen=True)
class TeamTold:
    """``members``: (“Practitioner/id”, how the EHR names them), each once."""

    fate: Fate
    members: tuple[tuple[str, str], ...] = ()
    why: str = ""


def team_told(
    resource: Json, local_day: LocalDay, today: date, included: Mapping[str, Json]
) -> TeamTold:
    """A CareTeam. ``included``: Practitioner and PractitionerRole resources by “Kind/id”."""
    status = words(resource, "status")
    if status in (ENTERED_IN_ERROR, "inactive"):
        return TeamTold(Fate.WITHDRAWN, why=f"Its status is {status}.")
    if status and status != "active":
        return TeamTold(Fate.WAITING, why=f"Its status is {status[:20]}.")
    if not _goes_on(resource, local_day, today):
        return TeamTold(Fate.WITHDRAWN, why="It is over.")
    found: dict[str, str] = {}
    for participant in objects(resource, "participant"):
        if _goes_on(participant, local_day, today):
            member = inner(participant, "member")
            key = _key(member, included)
            named = words(member, "display") or _name(included.get(key, {}))
            if key:
                found.setdefault(key, named[:160])
    return TeamTold(Fate.COUNTS, tuple(sorted(found.items())))


def _goes_on(resource: Json, local_day: LocalDay, today: date) -> bool:
    period = inner(resource, "period")
    start, end = (day_told(period.get(name), local_day) for name in ("start", "end"))
    return (start is None or start <= today) and (end is None or end >= today)


def _key(member: Json, included: Mapping[str, Json]) -> str:
    """The practitioner; of a role the one who holds it, where that is told."""
    if found := reference_id(member, "Practitioner"):
        return f"Practitioner/{found}"
    if not (found := reference_id(member, "PractitionerRole")):
        return ""
    holder = inner(included.get(f"PractitionerRole/{found}", {}), "practitioner")
    person = reference_id(holder, "Practitioner")
    return f"Practitioner/{person}" if person else f"PractitionerRole/{found}"


def _name(practitioner: Json) -> str:
    for name in objects(practitioner, "name"):
        given = name.get("given")
        first = (
            " ".join(it for it in given if isinstance(it, str)) if isinstance(given, list) else ""
        )
        return words(name, "text") or f"{first} {words(name, 'family')}".strip()
    return ""
