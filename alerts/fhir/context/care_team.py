"""CareTeam as the practitioners who care for a patient, and from which day to which."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

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


Span = tuple[date | None, date | None]
Member = tuple[str, str, date | None, date | None]


@dataclass(frozen=True)
class TeamTold:
    """``members``: (“Practitioner/id”, how the EHR names them, first and last day in the team)."""

    fate: Fate
    members: tuple[Member, ...] = ()
    why: str = ""

    def present(self, day: date) -> dict[str, str]:
        """How the EHR names each one who is in the team on that day, by “Practitioner/id”."""
        return {
            key: named
            for key, named, first, last in reversed(self.members)
            if (first is None or first <= day) and (last is None or day <= last)
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What ``as_plain`` gave."""
        members = (
            (key, named, first and date.fromisoformat(first), last and date.fromisoformat(last))
            for key, named, first, last in told["members"]
        )
        return cls(Fate(told["fate"]), tuple(members), told["why"])


def team_told(resource: Json, local_day: LocalDay, included: Mapping[str, Json]) -> TeamTold:
    """A CareTeam. ``included``: Practitioner and PractitionerRole resources by “Kind/id”."""
    status = words(resource, "status")
    if status in (ENTERED_IN_ERROR, "inactive"):
        return TeamTold(Fate.WITHDRAWN, why=f"Its status is {status}.")
    if status and status != "active":
        return TeamTold(Fate.WAITING, why=f"Its status is {status[:20]}.")
    found: set[Member] = set()
    for participant in objects(resource, "participant"):
        member = inner(participant, "member")
        key = _key(member, included)
        named = words(member, "display") or _name(included.get(key, {}))
        if key:
            spans = [_span(it, local_day) for it in (resource, participant)]
            first = max((it[0] for it in spans if it[0]), default=None)
            last = min((it[1] for it in spans if it[1]), default=None)
            found.add((key, named[:160], first, last))
    return TeamTold(Fate.COUNTS, tuple(sorted(found, key=lambda it: tuple(map(str, it)))))


def _span(resource: Json, local_day: LocalDay) -> Span:
    period = inner(resource, "period")
    return day_told(period.get("start"), local_day), day_told(period.get("end"), local_day)


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
