"""What a recommendation depends on, read for one patient, track and score."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from alerts.domain.guidelines import Advice, Known, Seen, Situation, advise
from alerts.resources import guidelines
from patients.models import MedicationCourse, Patient
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS
from scoring.models import RiskScore
from scoring.resources import router_rules

DrugClass = MedicationCourse.DrugClass
ANTIDEPRESSANTS = (DrugClass.SSRI, DrugClass.SNRI, DrugClass.OTHER_ANTIDEPRESSANT)
STABILISERS = (
    DrugClass.LITHIUM, DrugClass.VALPROATE, DrugClass.LAMOTRIGINE, DrugClass.CARBAMAZEPINE,
)  # fmt: skip
STOPPED_LATELY = timedelta(weeks=4)


def recommendation_for(patient: Patient, track: str, tier: str, score: RiskScore) -> dict[str, Any]:
    """What to consider at that tier of the track, as an alert keeps it and pages show it."""
    active = antidepressants(patient, score)
    stopped = stabilisers_stopped(patient, score)
    advice = advice_for(patient, track, tier, score, active, stopped)
    drugs = {
        "antidepressant": ", ".join(f"{c}, since {_day(c)}" for c in active),
        "mood_stabiliser": ", ".join(f"{c}, last on {_day(c, 'last_day')}" for c in stopped),
    }
    return advice.as_dict(drugs)


def advice_for(
    patient: Patient,
    track: str,
    tier: str,
    score: RiskScore,
    active: list[MedicationCourse],
    stopped: list[MedicationCourse],
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
            antidepressant=_known(patient, active),
            stabiliser_stopped=_known(patient, stopped),
            seen=_seen(tracks[track]),
            other_seen=_seen(other),
            other_tier=other["tier"],
            early_warning=bool(codes & {THREE_NIGHTS, TWO_NIGHTS}),
        ),
    )


def _known(patient: Patient, found: Iterable[MedicationCourse]) -> Known:
    """A course that is recorded is known; without one, a missing list is never read as none."""
    if list(found):
        return Known.YES
    return Known.NO if patient.medication_list_available else Known.UNKNOWN


def _seen(track: dict[str, Any]) -> Seen:
    if track["status"] != "ok":
        return Seen.NOT
    limited = (track["coverage"] or 0) < router_rules().limited_coverage
    return Seen.LIMITED if limited else Seen.WELL


def antidepressants(patient: Patient, score: RiskScore) -> list[MedicationCourse]:
    """The antidepressants taken on the score's day, of every class."""
    courses = patient.medications.all()
    return [c for c in courses if c.drug_class in ANTIDEPRESSANTS and c.active_on(score.day)]


def stabilisers_stopped(patient: Patient, score: RiskScore) -> list[MedicationCourse]:
    """Mood stabilisers that ended in the 4 weeks before the score's day and were not taken up."""
    courses = [c for c in patient.medications.all() if c.drug_class in STABILISERS]
    taken = {c.drug_class for c in courses if c.active_on(score.day)}
    since = score.day - STOPPED_LATELY
    return [
        c
        for c in courses
        if c.last_day and since <= c.last_day < score.day and c.drug_class not in taken
    ]


def _day(course: MedicationCourse, name: str = "first_day") -> str:
    day = getattr(course, name)
    return f"{day.day} {day:%B %Y}"
