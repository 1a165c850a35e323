"""The visit summary: one page, in lines that the screen and the PDF both show as they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from alerts.models import Alert, AlertKind, FollowUp
from alerts.presenters.cards import TITLES
from alerts.presenters.record import freshness_of, standing_of
from alerts.selectors import alerts_visible_to
from clarity_site.said import said_again
from patients.medications import courses_that_count
from patients.models import Diagnosis, Patient, User
from patients.presenters import zone_now
from patients.resources import instruments
from patients.selectors import zones_of
from patients.templatetags.clarity import day as day_words
from patients.templatetags.clarity import moment, number
from scoring.models import RiskScore, Tier, Track
from scoring.presenters.tracks import (
    FAIRLY_COVERED,
    TIER_WORDS,
    TRACK_WORDS,
    TrackView,
    edges_of,
    overall_percent,
    why_tier,
)
from scoring.selectors import research_use

WHY_SHOWN = 3  # contributions a track
SPARK_WIDTH, SPARK_HEIGHT = 320, 44
OLD_DAYS = 2  # a score older than this is said to be

Point = tuple[float, float]


@dataclass(frozen=True)
class Section:
    """A heading and its lines."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Spark:
    """A track's 90 days: unbroken stretches of (x, y), both 0 to 1 from the bottom left."""

    track: str
    label: str
    words: str
    stretches: tuple[tuple[Point, ...], ...]
    edges: tuple[float, float]
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT

    @property
    def lines(self) -> list[str]:
        """SVG polyline points, one text a stretch."""
        return [
            " ".join(f"{x * self.width:.1f},{(1 - y) * self.height:.1f}" for x, y in stretch)
            for stretch in self.stretches
        ]

    @property
    def edge_lines(self) -> list[float]:
        """Where Moderate and High begin, from the top."""
        return [round((1 - edge) * self.height, 1) for edge in self.edges]


@dataclass(frozen=True)
class Summary:
    """What is on the page, from top to bottom; ``research`` is said first."""

    research: bool
    heading: str
    about: str
    sentence: str
    sections: tuple[Section, ...]
    sparks: tuple[Spark, ...]
    made: str


def visit_summary(patient: Patient, user: User, now: datetime) -> Summary:
    """The patient as the record's page has it, in the same numbers."""
    prefetch_related_objects([patient], "medications", "zones")
    today, zone = zones_of(patient).local_day(now), zone_now(patient)
    alerts = list(alerts_visible_to(user).filter(patient=patient))
    standing = standing_of(patient, alerts, today)
    score: RiskScore | None = standing["score"]
    sections = [
        Section(_title(score), tuple(_decision(score, standing["tracks"]))),
        Section(
            _("What is uncertain"),
            tuple(_uncertain(patient, standing, freshness_of(patient, now), today)),
        ),
        Section(_("What contributed most"), tuple(_why(standing["tracks"]))),
        Section(_("To consider"), tuple(_advice(standing["considered"], alerts))),
        Section(_("Questionnaires"), tuple(_questionnaires(patient))),
        Section(_("Medications"), tuple(_medications(patient, today))),
        Section(_("Open alerts and follow-ups"), tuple(_alerts(patient, alerts, zone))),
    ]
    diagnosis = (
        _("Diagnosis not recorded")
        if patient.diagnosis == Diagnosis.UNKNOWN
        else patient.get_diagnosis_display()
    )
    return Summary(
        research=research_use(),
        heading=f"{patient.code} {patient.name}".strip(),
        about=_("%(what)s; times in %(zone)s") % {"what": diagnosis, "zone": zone},
        sentence=standing["sentence"],
        sections=tuple(section for section in sections if section.lines),
        sparks=tuple(_spark(standing, track) for track in Track),
        made=_("Made %(at)s by %(who)s. Supports a clinician’s judgement and never replaces it.")
        % {"at": moment(now, zone), "who": user},
    )


def _title(score: RiskScore | None) -> str:
    return _("Decision of %(day)s") % {"day": day_words(score.day)} if score else _("Decision")


def _decision(score: RiskScore | None, tracks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if score is None:
        yield _("Nothing was scored in the last 90 days.")
        return
    tier = TIER_WORDS[Tier(score.tier)]
    if score.tier == Tier.INDETERMINATE or score.probability is None:
        yield _("Overall: %(tier)s") % {"tier": tier}
    else:
        shown = {"tier": tier, "share": overall_percent(score)}
        yield _("Overall: %(tier)s, %(share)s") % shown
    if why := why_tier(score):
        yield why
    for track in tracks:
        yield _of(track["view"].label, " · ".join(_of_track(track)))


def _of(label: str, words: str) -> str:
    return _("%(track)s: %(words)s") % {"track": label, "words": words}


def _of_track(track: Mapping[str, Any]) -> Iterator[str]:
    view = track["view"]
    if not view.assessed:
        if view.tier:
            tier = {"tier": TIER_WORDS[Tier(view.tier)]}
            yield _("%(tier)s by an early-warning rule") % tier
        yield _("not assessed")
        return
    yield _told(view)
    if track["change"]:
        yield track["change"].words
    for words in (track["usual"], track["own"], track["coverage"]):
        if words:
            yield words


def _told(view: TrackView) -> str:
    told = {"tier": TIER_WORDS[Tier(str(view.tier))], "share": view.share}
    if not view.by_rule:
        return _("%(tier)s, %(share)s") % told
    told["own"] = TIER_WORDS[Tier(str(view.own))]
    return _("%(tier)s by an early-warning rule (the model: %(own)s, %(share)s)") % told


def _uncertain(
    patient: Patient, standing: Mapping[str, Any], fresh: Mapping[str, Any], today: date
) -> Iterator[str]:
    score: RiskScore | None = standing["score"]
    yield _("Last data: %(words)s.") % {"words": fresh["fresh"].words}
    if score and (today - score.day).days > OLD_DAYS:
        told = {"day": day_words(score.day), "n": (today - score.day).days}
        yield _("The score is of %(day)s, %(n)d days ago.") % told
    for track in standing["tracks"]:
        view = track["view"]
        told = {"track": view.label, "reason": view.why_not, "coverage": track["coverage"]}
        if not view.assessed and view.reason:
            yield _("%(track)s was not assessed: %(reason)s") % told
        elif not view.assessed:
            yield _("%(track)s was not assessed: the data do not suffice.") % told
        elif view.coverage is None or view.coverage < FAIRLY_COVERED:
            yield _("%(track)s rests on limited data (%(coverage)s).") % told
        if track["reliability"]:
            yield track["reliability"]
    if not patient.medication_list_available:
        yield _("The medication list is unavailable. This does not mean that nothing is taken.")
    if score and not score.baseline:
        yield _("No personal baseline is approved.")
    if standing["rules_unverified"]:
        yield _("Rules and tier edges are not verified by a clinician.")


def _why(tracks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for track in tracks:
        found = [words for listed in track["why"].lists for words in listed.sentences]
        for words in found[:WHY_SHOWN] if not track["why"].withheld else ():
            yield _of(track["view"].label, words)


def _advice(considered: Sequence[Mapping[str, Any]], alerts: Sequence[Alert]) -> Iterator[str]:
    kept = [alert.recommendation for alert in alerts if alert.is_open]
    told = [*kept, *(each["advice"].told for each in considered)]
    for advice in told:
        if advice and advice.get("text"):
            yield _("%(text)s Source: %(source)s.") % {
                "text": said_again(" ".join(advice["text"].split())),
                "source": said_again(advice.get("source", "")),
            }


def _questionnaires(patient: Patient) -> Iterator[str]:
    known, newest = instruments(), {}
    rows = patient.questionnaires.filter(instrument__in=known, entered_in_error=False)
    for row in rows.order_by("taken_at"):
        newest[row.instrument] = row
    zones = zones_of(patient)
    for row in newest.values():
        asked = known[row.instrument]
        yield _("%(name)s: %(total)s of %(highest)d on %(day)s") % {
            "name": asked.name,
            "total": number(row.total),
            "highest": asked.range[1],
            "day": day_words(zones.local_day(row.taken_at)),
        }


def _medications(patient: Patient, today: date) -> Iterator[str]:
    active = [course for course in courses_that_count(patient) if course.active_on(today)]
    for course in active:
        told = {"course": course, "day": day_words(course.first_day)}
        yield _("%(course)s since %(day)s") % told
    if not active and patient.medication_list_available:
        yield _("None recorded.")


def _alerts(patient: Patient, alerts: Sequence[Alert], zone: str) -> Iterator[str]:
    open_alerts = [alert for alert in alerts if alert.is_open]
    for alert in open_alerts:
        told = {
            "title": TITLES[AlertKind(alert.kind)],
            "tier": TIER_WORDS[Tier(alert.tier)],
            "state": alert.get_state_display(),
            "at": moment(alert.raised_at, zone),
        }
        if alert.tier == Tier.INDETERMINATE:
            yield _("%(title)s, %(state)s, since %(at)s") % told
        else:
            yield _("%(title)s: %(tier)s, %(state)s, since %(at)s") % told
    if not open_alerts:
        yield _("No alert is open.")
    for row in patient.follow_ups.filter(state=FollowUp.State.OPEN):
        yield _("Follow-up promised for %(day)s") % {"day": day_words(row.due_on)}


def _spark(standing: Mapping[str, Any], track: Track) -> Spark:
    line = standing["line"]
    stretches: list[list[Point]] = [[]]
    for at, point in enumerate(line.points):
        probability = point.track(track).probability if point else None
        if probability is None:
            stretches.append([])
        else:
            stretches[-1].append((at / (len(line.points) - 1), probability))
    label = str(TRACK_WORDS[track])
    return Spark(
        track=track.value,
        label=label,
        words=_("%(track)s over 90 days, 0 to 100 %%; lines where Moderate and High begin")
        % {"track": label},
        stretches=tuple(tuple(s if len(s) > 1 else s * 2) for s in stretches if s),
        edges=_edges(track),
    )


def _edges(track: Track) -> tuple[float, float]:
    edges = edges_of(track)
    return edges.moderate, edges.high
