"""What the upload form offers to choose from."""

from django import template

from patients.domain.days import zone_names
from patients.ingest.sources import AUTO, SOURCES
from patients.models import Patient
from patients.presenters import zone_now

register = template.Library()


@register.simple_tag
def upload_zones() -> list[str]:
    """The zones with a place in their name, by name."""
    return sorted(name for name in zone_names() if "/" in name) + ["UTC"]


@register.simple_tag
def upload_sources() -> list[tuple[str, str]]:
    """The formats: value and words."""
    words = [(name, name.replace("_", " ").capitalize()) for name in SOURCES]
    return [(AUTO, "Tell it by the content"), *sorted(words)]


@register.simple_tag
def zone_of_patient(patient: Patient) -> str:
    """The zone that is chosen first."""
    return zone_now(patient)
