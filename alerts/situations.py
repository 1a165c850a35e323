"""What a recommendation depends on, read for one patient, track and score."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from alerts.domain.guidelines import Advice, Known, Seen, Situation, advise
from alerts.resources import guidelines
from patients.domain.medications import Change, Taken
from patients.medications import list_known, recorded_state
from patients.models import Patient
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS
from scoring.models import RiskScore
from scoring.resources import router_rules


def recommendation_for(patient: Patient, track: str, tier: str, score: RiskScore) -> dict[str, Any]:
    """What to consider at that tier of the track, as an alert keeps it and pages show it."""
    drugs = recorded_state(patient, score.day)
    active, stopped = drugs.antidepressants or (), drugs.mood_stabilisers_stopped or ()
    advice = advice_for(patient, track, tier, score, active, stopped)
    named = {
        "antidepressant": ", ".join(f"{_name(c)}, since {_day(c.since)}" for c in active),
        "mood_stabiliser": ", ".join(
            f"{_name(c)}, last on {_day(c.on - timedelta(days=1))}" for c in stopped
        ),
    }
    return advice.as_dict(named)


def advice_for(
    patient: Patient,
    track: str,
    tier: str,
    score: RiskScore,
    active: Sequence[Taken],
    stopped: Sequence[Change],
) -> Advice:
    """The recommendation of the situation, and what was not shown."""
    tracks = {"depression": score.depression, "mania": score.mania}
    [other] = (value for name, value in tracks.items() if name != track)
    codes = {reason["code"] for reason in score.reasons}
    return advise(
        guidelines(),
        Situation(
            track=track,
            tier=tier,
            diagnosis=patient.diagnosis,
            antidepressant=_known(patient, score.day, active),
            stabiliser_stopped=_known(patient, score.day, stopped),
            seen=_seen(tracks[track]),
            other_seen=_seen(other),
            other_tier=other["tier"],
            early_warning=bool(codes & {THREE_NIGHTS, TWO_NIGHTS}),
        ),
    )


def _known(patient: Patient, day: date, found: Sequence[object]) -> Known:
    """A course that is recorded is known; without one, a missing list is never read as none."""
    if found:
        return Known.YES
    return Known.NO if list_known(patient, day) else Known.UNKNOWN


def _seen(track: dict[str, Any]) -> Seen:
    if track["status"] != "ok":
        return Seen.NOT
    limited = (track["coverage"] or 0) < router_rules().limited_coverage
    return Seen.LIMITED if limited else Seen.WELL


def _name(drug: Taken | Change) -> str:
    return f"{drug.drug} {drug.dose}".strip() if isinstance(drug, Taken) else drug.drug


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
