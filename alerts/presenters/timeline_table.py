"""The time line as a table: what static/js/timeline.js draws, day by day in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from patients.templatetags.clarity import number, percent
from scoring.presenters.tracks import coverage_words


@dataclass(frozen=True)
class TrackCell:
    """A track on a day; ``share`` is empty where it was not assessed, ``usual`` where unknown."""

    tier: str
    share: str
    by_rule: bool
    usual: str
    coverage: str


@dataclass(frozen=True)
class DayRow:
    """A day; ``overall`` and ``tracks`` are empty where nothing was scored."""

    day: date
    overall: str
    tracks: tuple[TrackCell, ...]
    asked: tuple[str, ...]
    marks: tuple[str, ...]


def day_rows(told: Mapping[str, Any]) -> list[DayRow]:
    """Of ``timeline.drawn``: the days with a score, a questionnaire or a mark, newest first."""
    return [row for row in _rows(told) if row.overall or row.asked or row.marks]


def _rows(told: Mapping[str, Any]) -> Iterator[DayRow]:
    first, tiers = date.fromisoformat(told["first"]), told["tiers"]
    asked, marks = (_by_day(told[name]) for name in ("questionnaires", "marks"))
    for at in range(told["days"] - 1, -1, -1):
        rank = told["overall"][at]
        scored = rank is not None
        yield DayRow(
            day=first + timedelta(days=at),
            overall=tiers[rank] if scored else "",
            tracks=tuple(_cell(track, at, tiers) for track in told["tracks"]) if scored else (),
            asked=tuple(
                _("%(name)s %(total)s of %(highest)d") % (q | {"total": number(q["total"])})
                for q in asked.get(at, ())
            ),
            marks=tuple(mark["words"] for mark in marks.get(at, ())),
        )


def _by_day(found: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    days: dict[int, list[dict[str, Any]]] = {}
    for one in found:
        days.setdefault(one["day"], []).append(one)
    return days


def _cell(track: Mapping[str, Any], at: int, tiers: list[str]) -> TrackCell:
    rank, value, band = (track[name][at] for name in ("tier", "percent", "usual"))
    coverage = track["coverage"][at]
    share = "" if value is None else track["said"].get(at) or percent(value / 100)
    low, high = (percent(edge / 100) for edge in band) if band else ("", "")
    usual = _("usual %(low)s to %(high)s") % {"low": low, "high": high}
    return TrackCell(
        tier="" if rank is None else tiers[rank],
        share=share,
        by_rule=track["by_rule"][at],
        usual=usual if share and band else "",
        coverage="" if coverage is None else coverage_words(track["name"], coverage / 100, True),
    )
