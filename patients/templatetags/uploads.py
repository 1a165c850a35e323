"""What the upload form offers to choose from."""

from django import template

from patients.domain.days import zone_names
from patients.ingest.sources import AUTO, SOURCES
from patients.selectors import PATIENT_ZONES

register = template.Library()


@register.simple_tag
def upload_zones() -> list[tuple[str, str]]:
    """Value and words: the patient's own zones, then those with a place in their name."""
    names = [*sorted(name for name in zone_names() if "/" in name), "UTC"]
    return [(PATIENT_ZONES, "The patient’s own time zones"), *((name, name) for name in names)]


@register.simple_tag
def upload_sources() -> list[tuple[str, str]]:
    """The formats: value and words."""
    words = [(name, name.replace("_", " ").capitalize()) for name in SOURCES]
    return [(AUTO, "Tell it by the content"), *sorted(words)]
