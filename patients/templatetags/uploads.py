"""What the upload form offers to choose from."""

from django import template
from django.utils.translation import gettext as _

from patients.domain.days import zone_names
from patients.domain.plain import format_words
from patients.ingest.sources import AUTO, SOURCES
from patients.selectors import PATIENT_ZONES

register = template.Library()


@register.simple_tag
def upload_zones() -> list[tuple[str, str]]:
    """Value and words: the patient's own zones, then those with a place in their name."""
    names = [*sorted(name for name in zone_names() if "/" in name), "UTC"]
    return [(PATIENT_ZONES, _("The patient’s own time zones")), *((name, name) for name in names)]


@register.simple_tag
def upload_sources() -> list[tuple[str, str]]:
    """The formats: value and words."""
    words = [(name, format_words(name)) for name in SOURCES]
    return [(AUTO, _("Tell it by the content")), *sorted(words)]


@register.simple_tag
def upload_words() -> dict[str, str]:
    """What static/js/upload.js says by itself; “{}” is filled in there."""
    return {
        "label": _("Upload of {}"),
        "waits": _("waits for its turn"),
        "uploading": _("uploading, {} %").replace(" %", "\u202f%"),
        "refused": _("not taken: {}"),
        "loggedOut": _("you are logged out: log in and upload it again"),
        "unreachable": _("the server cannot be reached: try again later"),
        "lost": _("received; log in again to see what became of it"),
        "silent": _("received; the server cannot be reached just now"),
    }
