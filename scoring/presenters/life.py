"""What goes on in a patient's life, as the record tells it, and a score that was asked for."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clarity_site.said import said_again
from patients.forms import CircumstanceForm
from patients.models import Circumstance, Patient
from patients.presenters import zone_now
from patients.templatetags.clarity import moment
from scoring.domain.circumstances import Circumstance as Effective
from scoring.domain.circumstances import Span
from scoring.models import ScoringJob
from scoring.resources import circumstance_rules


@dataclass(frozen=True)
class LifeLine:
    """One circumstance in a sentence: since when, and what it makes of the reasons."""

    circumstance: Circumstance
    words: str


def life_context(patient: Patient) -> dict[str, Any]:
    """The circumstances of the patient, the newest first, and the form for another."""
    rules = circumstance_rules()
    return {
        "lines": [_line(row) for row in patient.circumstances.all()],
        "form": CircumstanceForm(label_suffix="", auto_id="circumstance-%s"),
        "unverified": not rules.checked_by,
        "asked": asked_words(patient),
    }


def _line(row: Circumstance) -> LifeLine:
    effect = circumstance_rules().effects[row.kind]
    told = Effective(Span(row.kind, row.first_day, row.last_day), effect)
    return LifeLine(row, said_again(f"{told.since}: {effect.says}."))


def asked_words(patient: Patient) -> str:
    """How far the last score is that was asked for by day; empty where none was of late."""
    job = ScoringJob.objects.filter(run=None, patient=patient).order_by("-id").first()
    if job is None:
        return ""
    if job.state in (ScoringJob.State.QUEUED, ScoringJob.State.RUNNING) or not job.finished_at:
        return _("A score is on its way.")
    at = moment(job.finished_at, zone_now(patient))
    if job.state == ScoringJob.State.FAILED:
        return _("The last try to score by day failed, %(at)s. Operations can see why.") % {
            "at": at
        }
    return _("Last looked at by day %(at)s.") % {"at": at}
