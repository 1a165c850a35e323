"""The actogram as a drawing: paths for an SVG, in units of its view box.

It is drawn here and not in the browser: no script, nothing to wait for, and the colours are the
style sheet's in both themes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from patients.models import Patient
from patients.templatetags.clarity import clock
from patients.templatetags.clarity import day as day_words
from scoring.presenters.activity import BIN_MINUTES, ActivityDay, ActivityDays, Bins, activity_days

ACTOGRAM_DAYS = 28
WIDTH, LEFT = 960, 84  # of a drawing, and of the words on its left
ROW, BAR, LIGHT, SLEEP = 22, 15, 2.5, 3  # heights: a day, its activity, its light, its sleep
EDGE = 12  # on the right, for half of the last hour's words
HOUR = (WIDTH - LEFT - EDGE) / 48
DIM_LUX, BRIGHT_LUX = 100, 1000  # a lit room in the evening; daylight outdoors: assumptions
FULL_SHARE = 98  # percentile of activity that fills a bar


@dataclass(frozen=True)
class Row:
    """A day of the actogram: paths of its own 24 hours, drawn again beside the day before."""

    day: date
    key: str
    top: int
    text_at: float
    label: str
    words: str
    activity: str
    unworn: str
    dim: str
    bright: str
    sleep: str
    dlmo: str
    beside: str  # the key of the next day


@dataclass(frozen=True)
class Actogram:
    """Rows, axis and the coverage strip."""

    days: ActivityDays
    rows: tuple[Row, ...]
    height: int
    hours: tuple[tuple[float, str], ...]
    coverage: tuple[dict[str, Any], ...]
    full: float
    has_light: bool
    has_dlmo: bool
    width: int = WIDTH
    left: int = LEFT
    middle: float = LEFT + 24 * HOUR
    half: float = 24 * HOUR


def actogram(patient: Patient, last_day: date, count: int = ACTOGRAM_DAYS) -> Actogram:
    """The days ending with last_day, each with the next beside it."""
    shown = activity_days(patient, last_day, count)
    known = np.concatenate([d.activity[~np.isnan(d.activity)] for d in shown.days])
    full = float(np.percentile(known, FULL_SHARE)) if known.size else 0.0
    keys = [f"day-{d.day:%Y%m%d}" for d in shown.days]
    padded = [None, *shown.days, None]
    rows = tuple(
        _row(padded[at : at + 3], d, at, (*keys, "")[at : at + 2], full or 1.0)
        for at, d in enumerate(shown.days)
    )
    return Actogram(
        days=shown,
        rows=rows,
        height=ROW * count,
        hours=tuple((LEFT + h * HOUR, f"{h % 24:02}") for h in range(0, 49, 6)),
        coverage=tuple(_coverage(shown.days)),
        full=full,
        has_light=any(d.light is not None for d in shown.days),
        has_dlmo=any(d.dlmo_hour is not None for d in shown.days),
    )


def _row(
    around: Sequence[ActivityDay | None],
    day: ActivityDay,
    at: int,
    keys: Sequence[str],
    full: float,
) -> Row:
    """``around``: the day before, the day and the next; ``keys``: of the day and the next."""
    return Row(
        day=day.day,
        key=keys[0],
        top=at * ROW,
        text_at=at * ROW + ROW * 0.7,
        label=day_words(day.day),
        words=_words(day),
        activity=_bars(day.activity, full),
        unworn=_runs(np.isnan(day.activity), ROW - BAR - SLEEP, BAR),
        dim=_lit(day.light, DIM_LUX, BRIGHT_LUX),
        bright=_lit(day.light, BRIGHT_LUX, np.inf),
        sleep="".join(
            box(low * HOUR / 60, ROW - SLEEP, (high - low) * HOUR / 60, SLEEP)
            for low, high in day.asleep
        ),
        dlmo=_onsets(around),
        beside=keys[1],
    )


def _words(day: ActivityDay) -> str:
    told = {
        "day": day_words(day.day),
        "worn": f"{day.worn_hours:.1f}",
        "sleep": day.sleep,
        "dlmo": clock(day.dlmo_hour * 60) if day.dlmo_hour is not None else "",
    }
    words = [_("%(day)s: worn or asleep %(worn)s h") % told]
    if day.sleep:
        words.append(_("night before %(sleep)s") % told)
    if told["dlmo"]:
        words.append(_("estimated DLMO %(dlmo)s") % told)
    return "; ".join(words)


def _bars(values: Bins, full: float) -> str:
    """One upright line a bin. Square root: quiet hours differ visibly too."""
    width, floor = HOUR * BIN_MINUTES / 60, ROW - SLEEP
    heights = np.sqrt(np.clip(np.nan_to_num(values) / full, 0, 1)) * BAR
    return "".join(
        f"M{(at + 0.5) * width:.1f} {floor}v-{height:.1f}"
        for at, height in enumerate(heights.tolist())
        if height >= 0.3
    )


def _lit(light: Bins | None, low: float, high: float) -> str:
    if light is None:
        return ""
    with np.errstate(invalid="ignore"):
        return _runs((light >= low) & (light < high), 1, LIGHT)


def _runs(mask: Any, top: float, height: float) -> str:
    """Boxes over the unbroken stretches of bins."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(mask, dtype=np.int8), [0]])))
    width = HOUR * BIN_MINUTES / 60
    return "".join(
        box(start * width, top, (stop - start) * width, height)
        for start, stop in edges.reshape(-1, 2).tolist()
    )


def box(x: float, y: float, width: float, height: float) -> str:
    """A rectangle as a path."""
    return f"M{x:.1f} {y:g}h{width:.1f}v{height:g}h-{width:.1f}z"


def _onsets(around: Sequence[ActivityDay | None]) -> str:
    """The onsets that fall into the 48 hours of a row; one after midnight is of the day before."""
    hours = [
        day.dlmo_hour + 24 * (place - 1)
        for place, day in enumerate(around)
        if day and day.dlmo_hour is not None
    ]
    return "".join(_triangle(hour * HOUR) for hour in hours if 0 <= hour < 48)


def _triangle(x: float) -> str:
    """Pointing down at the moment, the width of about half an hour."""
    return f"M{x - 5:.1f} 1h10l-5 8z"


def _coverage(days: Sequence[ActivityDay]) -> Iterator[dict[str, Any]]:
    width = (WIDTH - LEFT) / len(days)
    for at, day in enumerate(days):
        height = min(day.worn_hours, 24) / 24 * 36
        yield {
            "x": round(LEFT + at * width + 1, 1),
            "width": round(width - 2, 1),
            "y": round(38 - height, 1),
            "height": round(height, 1),
            "words": _("%(day)s: %(worn)s of 24 h")
            % {"day": day_words(day.day), "worn": f"{day.worn_hours:.1f}"},
            "label": str(day.day.day),
        }
