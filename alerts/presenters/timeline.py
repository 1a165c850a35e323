"""The data of a patient's time line: everything on one axis of days, null where nothing is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from alerts.models import Alert, AlertKind
from alerts.presenters.cards import TITLES
from alerts.selectors import ScorePoint, alerts_visible_to, score_points
from patients.medications import courses_that_count
from patients.models import Patient, User
from patients.presenters import in_zone, zone_now
from patients.resources import instruments
from patients.selectors import zones_of
from patients.templatetags.clarity import day as day_words
from patients.templatetags.clarity import percent
from scoring.domain.points import TIER_RANK, TrackPoint
from scoring.domain.usual_band import DAYS_BEFORE, Band, usual_bands
from scoring.models import Tier, Track
from scoring.presenters.tracks import TIER_WORDS, TRACK_WORDS, edges_of, track_percent

SPANS = (7, 30, 90, 365, 730)  # days that the page offers
DEFAULT_DAYS, MOST_DAYS = 90, SPANS[-1]
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """Current decisions of consecutive days, and the usual band of each track; None: not scored."""

    first: date
    points: Sequence[ScorePoint | None]
    usual: Mapping[str, Sequence[Band | None]]

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + ONE_DAY * (len(self.points) - 1)

    def usual_on(self, day: date) -> dict[str, Band | None]:
        """The usual bands of a day within the line, by track."""
        at = (day - self.first).days
        return {track: bands[at] for track, bands in self.usual.items()}


def line_of(patient: Patient, last_day: date, days: int) -> Line:
    """The ``days`` days up to last_day, with what came before for their usual bands."""
    first = last_day - ONE_DAY * (days - 1)
    start = first - ONE_DAY * DAYS_BEFORE
    known = {p.day: p for p in score_points([patient], start).get(patient.pk, [])}
    models = {
        day: {Track.DEPRESSION: depression, Track.MANIA: mania}
        for day, depression, mania in patient.scores.filter(is_current=True, day__gte=start)
        .order_by()
        .values_list("day", "depression_model_id", "mania_model_id")
    }
    whole = [start + ONE_DAY * n for n in range(DAYS_BEFORE + days)]
    return Line(
        first=first,
        points=[known.get(day) for day in whole[DAYS_BEFORE:]],
        usual={
            str(track): usual_bands(
                [known[d].track(track).probability if d in known else None for d in whole],
                [models[d][track] if d in models else None for d in whole],
            )[DAYS_BEFORE:]
            for track in Track
        },
    )


def timeline_data(patient: Patient, user: User, last_day: date, days: int) -> dict[str, Any]:
    """What static/js/timeline.js draws of the days up to the last one."""
    alerts = alerts_visible_to(user).filter(patient=patient)
    return drawn(patient, alerts, line_of(patient, last_day, days))


def drawn(patient: Patient, alerts: Iterable[Alert], line: Line) -> dict[str, Any]:
    """The line and all that lies along it. Days are counted from ``first``; shares in percent.

    A day whose tier is Indeterminate, and a track that was not assessed, has null.
    """
    return {
        "first": line.first.isoformat(),
        "days": len(line.points),
        "tiers": [
            str(TIER_WORDS[Tier(tier)]) for tier in sorted(TIER_RANK, key=TIER_RANK.__getitem__)
        ],
        "overall": [None if p is None else TIER_RANK[Tier(p.tier)] for p in line.points],
        "tracks": [_track(line, track) for track in Track],
        "questionnaires": _questionnaires(patient, line),
        "bars": [*_medications(patient, line), *_episodes(patient, line), *_life(patient, line)],
        "marks": sorted(
            [*_alerts(alerts, line), *_zones(patient, line)], key=lambda mark: mark["day"]
        ),
    }


def _track(line: Line, track: Track) -> dict[str, Any]:
    edges = edges_of(track)
    seen = [None if p is None else p.track(track) for p in line.points]
    bands = line.usual[track]
    return {
        "name": track.value,
        "label": str(TRACK_WORDS[track]),
        "moderate": _percent(edges.moderate),
        "high": _percent(edges.high),
        "percent": [_percent(t.probability, 3) if t else None for t in seen],
        "coverage": [_percent(t.coverage) if t else None for t in seen],
        "tier": [TIER_RANK[Tier(t.tier)] if t and t.tier else None for t in seen],
        "by_rule": [bool(t and t.by_rule) for t in seen],
        "said": _said(track, seen),
        "usual": [None if b is None else [_percent(b[0]), _percent(b[1])] for b in bands],
    }


def _said(track: Track, seen: Sequence[TrackPoint | None]) -> dict[int, str]:
    """Of the days on which a whole percent would read as the next tier's: what is said instead."""
    found = {}
    for day, point in enumerate(seen):
        share = point.probability if point else None
        if (words := track_percent(track, share)) != percent(share):
            found[day] = words
    return found


def _questionnaires(patient: Patient, line: Line) -> list[dict[str, Any]]:
    known, zones = instruments(), zones_of(patient)
    rows = patient.questionnaires.filter(
        instrument__in=known,
        entered_in_error=False,
        taken_at__gte=zones.day_bounds(line.first)[0],
        taken_at__lt=zones.day_bounds(line.last)[1],
    )
    found = []
    for row in rows.order_by("taken_at"):
        asked = known[row.instrument]
        lowest, highest = asked.range
        found.append(
            {
                "day": (zones.local_day(row.taken_at) - line.first).days,
                "name": asked.name,
                "total": row.total,
                "highest": highest,
                "share": round((row.total - lowest) / (highest - lowest), 3),
                "cut_off": asked.cut_off,
            }
        )
    return found


def _medications(patient: Patient, line: Line) -> Iterable[dict[str, Any]]:
    courses = reversed(courses_that_count(patient))
    for course in courses:
        yield from _bar("medication", str(course), course.first_day, course.last_day, line)


def _episodes(patient: Patient, line: Line) -> Iterable[dict[str, Any]]:
    for row in patient.episodes.filter(entered_in_error=False).order_by("first_day"):
        label = _("Episode: %(kind)s") % {"kind": row.get_kind_display()}
        yield from _bar("episode", label, row.first_day, row.last_day, line)


def _life(patient: Patient, line: Line) -> Iterable[dict[str, Any]]:
    for row in patient.circumstances.order_by("first_day"):
        yield from _bar("life", str(row), row.first_day, row.last_day, line)


def _bar(
    kind: str, label: str, first: date, last: date | None, line: Line
) -> Iterable[dict[str, Any]]:
    """From day to day, both included, cut to the line; none where it lies outside."""
    if first > line.last or (last is not None and last < line.first):
        return
    said = {"label": label, "first": day_words(first), "last": day_words(last) if last else ""}
    words = _("%(label)s, %(first)s to %(last)s") if last else _("%(label)s since %(first)s")
    begins, ends = first >= line.first, last is not None and last <= line.last
    yield {
        "kind": kind,
        "label": label,
        "words": words % said,
        "from": (max(first, line.first) - line.first).days,
        "to": (min(last or line.last, line.last) - line.first).days,
        "begins": begins,
        "ends": ends,
    }


def _alerts(alerts: Iterable[Alert], line: Line) -> Iterable[dict[str, Any]]:
    for alert in alerts:
        day = in_zone(alert.raised_at, zone_now(alert.patient)).date()
        if line.first <= day <= line.last:
            told = {
                "title": TITLES[AlertKind(alert.kind)],
                "tier": TIER_WORDS[Tier(alert.tier)],
                "state": alert.get_state_display(),
            }
            words = (
                _("Alert: %(title)s, %(tier)s, %(state)s")
                if alert.track
                else _("Alert: %(title)s, %(state)s")
            )
            yield {
                "kind": "alert",
                "day": (day - line.first).days,
                "track": alert.track,
                "words": words % told,
            }


def _zones(patient: Patient, line: Line) -> Iterable[dict[str, Any]]:
    """Changes of zone; the first zone is no change."""
    for first_day, zone in zones_of(patient).spans[1:]:
        if line.first <= first_day <= line.last:
            words = _("Time zone from here: %(zone)s") % {"zone": zone}
            yield {
                "kind": "zone",
                "day": (first_day - line.first).days,
                "track": None,
                "words": words,
            }


def _percent(share: float | None, digits: int = 1) -> float | None:
    return None if share is None else round(share * 100, digits)
