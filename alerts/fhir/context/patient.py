"""Patient: who it is, by identifier alone. No name and no date of birth is ever compared."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.fhir.context.values import Json, identity, inner, objects, reference_id, words


@dataclass(frozen=True)
class PatientTold:
    """What a person should know of the EHR's own record of the patient."""

    is_active: bool = True
    replaced_by: str = ""
    is_deceased: bool = False


def ids_of(resources: Iterable[Json], system: str, value: str) -> list[str]:
    """The ids of the Patients that carry exactly this identifier, each once.

    A server that ignores the search lists everybody, so each is looked at again; one that was
    replaced by another record is left to its successor.
    """
    found = {}
    for resource in resources:
        carries = any(
            words(it, "system") == system and words(it, "value") == value
            for it in objects(resource, "identifier")
            if words(it, "use") != "old"
        )
        if resource.get("resourceType") == "Patient" and carries and identity(resource):
            found[identity(resource)] = patient_told(resource)
    return [key for key, told in found.items() if not told.replaced_by]


def patient_told(resource: Json) -> PatientTold:
    """A Patient."""
    replaced = (
        reference_id(inner(link, "other"), "Patient")
        for link in objects(resource, "link")
        if words(link, "type") == "replaced-by"
    )
    died = resource.get("deceasedBoolean") is True or bool(words(resource, "deceasedDateTime"))
    return PatientTold(resource.get("active") is not False, next(filter(None, replaced), ""), died)
