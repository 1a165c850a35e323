"""How a matter looks as a card of CDS Hooks, in the clinic's language."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from alerts import launches
from alerts.cds import Matter
from alerts.domain import cds_hooks
from alerts.domain.wording import message_lines
from alerts.models import AlertKind, AlertState, DismissReason
from alerts.presenters.cards import TITLES
from alerts.queue import names_of, taken_on
from clarity_site.said import said_again
from patients.templatetags.clarity import day as day_words
from scoring.domain.output import RESEARCH_USE
from scoring.models import RiskScore, Tier, Track

UNSEEN = {"status": "unavailable", "contributions": [], "tier": Tier.INDETERMINATE}


def card_of(matter: Matter, site: str, research_use: bool) -> dict[str, Any]:
    """The card. ``site`` is Clarity's own address, without a slash at its end.

    ``research_use``: say so first, where a model speaks.
    """
    with translation.override(settings.CLINIC_LANGUAGE):
        is_of_model = research_use and matter.kind in Track.values
        research = [f"{said_again(RESEARCH_USE)}."] if is_of_model else []
        told = list(filter(None, map(said_again, _lines(matter))))
        return cds_hooks.card(
            uuid=matter.uuid,
            summary=cds_hooks.summary(*research, *_what(matter)),
            detail=cds_hooks.detail([*research, *told]),
            tier=matter.tier,
            source=f"{site}/",
            links=list(_links(matter, site)),
            reasons=[(code, str(words)) for code, words in DismissReason.choices],
            acknowledge=_("Acknowledge the alert in Clarity") if _is_new(matter) else "",
        )


def _what(matter: Matter) -> list[str]:
    """What the card says in one line: first what it is about, then what is left out if it must."""
    title, tier = str(TITLES[AlertKind(matter.kind)]), said_again(matter.tier)
    told = {"title": title, "tier": tier}
    about = _("%(title)s: %(tier)s.") if matter.tier != Tier.INDETERMINATE else _("%(title)s.")
    if matter.drug:
        return [about % told, _("Consider reviewing this antidepressant.")]
    assert matter.alert is not None
    day = day_words(timezone.localtime(matter.alert.raised_at))
    return [about % told, _("Since %(day)s.") % {"day": day}]


def _lines(matter: Matter) -> Iterator[str]:
    """The detail: the drug, who has it, and for a track what the message to the EHR says."""
    if matter.drug:
        yield _("An antidepressant is selected: %(drug)s.") % {"drug": matter.drug}
    if matter.alert:
        yield _held(matter)
    if matter.score and matter.kind in Track.values:
        yield from message_lines(
            research_use=False,  # it stands first already
            track=matter.kind,
            tier=_day_tier(matter.score, matter.kind),
            score=_day(matter.score),
            recommendation=matter.recommendation,
        )
    elif "text" in matter.recommendation:
        told = matter.recommendation
        yield told["text"]
        mark = "" if told.get("checked_by") else " (unverified)"
        yield f"Source: {told['source']}, {told['section']}{mark}."


def _held(matter: Matter) -> str:
    alert = matter.alert
    assert alert is not None
    held = taken_on(alert)
    if held is None:
        return _("Nobody has taken the alert on yet.")
    who = names_of([alert]).get(held.actor, held.actor)
    if alert.state == AlertState.SNOOZED:
        return _("Snoozed by %(who)s.") % {"who": who}
    return _("Acknowledged by %(who)s.") % {"who": who}


def _day(score: RiskScore) -> dict[str, Any]:
    """The day's decision; of one that is Indeterminate no number, whatever is stored beside it."""
    tracks = {name: getattr(score, name) for name in Track.values}
    if score.tier == Tier.INDETERMINATE:
        reason = "Neither track could be assessed: no risk is shown."
        tracks = {
            name: UNSEEN | {"reason": track.get("reason") or reason}
            for name, track in tracks.items()
        }
    return {
        "day": score.day.isoformat(),
        "tier": score.tier,
        "reasons": score.reasons,
        **tracks,
    }


def _day_tier(score: RiskScore, track: str) -> str:
    return str(_day(score)[track]["tier"])


def _is_new(matter: Matter) -> bool:
    return matter.alert is not None and matter.alert.state == AlertState.NEW


def _links(matter: Matter, site: str) -> Iterator[tuple[str, str, str]]:
    """The record, by the EHR's own log-in where that is set up, and what stands behind it."""
    if launches.is_configured():
        yield _("Open the record in Clarity"), f"{site}/launch/", "smart"
    else:
        yield _("Open the record in Clarity"), f"{site}/patients/{matter.patient.code}/", "absolute"
    if matter.kind in Track.values:
        yield _("What the models are made of"), f"{site}/models/", "absolute"
