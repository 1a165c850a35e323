"""The text of a message to the EHR. No name, no word that claims more than a risk indicator."""

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.domain.output import RESEARCH_USE

TOP = 3
PART = "part_"  # parts of the day tell the same as the days do, and are not to be added to them
CLOCK_HOUR = "clock hour"
# Reasons that change how far the reader may trust the message.
TOLD = (
    "circumstance",
    "limited_data",
    "early_warning",
    "medication_unavailable",
    "mania_night",
    "combination_lost",
    "combination_not_fitted",
    "worse_than_usual",
)


def message_lines(
    *,
    research_use: bool,
    track: str,
    tier: str,
    score: Mapping[str, Any],
    recommendation: Mapping[str, Any],
    set_by_clinician: bool = False,
) -> tuple[str, ...]:
    """The payload's lines: what, how sure, why, what to consider, and on whose word.

    ``score`` holds day, tier, depression, mania and reasons as a RiskScore does.
    """
    lines = [f"{RESEARCH_USE}."] if research_use else []
    lines.append(f"Clarity risk indicator for {track}: {tier} on {score['day']}.")
    if set_by_clinician:
        lines.append(f"Set to {tier} by a clinician; the model says {score[track]['tier']}.")
    lines.append(f"Overall tier: {score['tier']}.")
    lines += _advice(recommendation, score["day"])
    lines += [_coverage(name, score[name]) for name in ("depression", "mania")]
    found = [c for c in score[track]["contributions"] if not c["name"].startswith(PART)][:TOP]
    if found:
        lines.append("Main contributions: " + "; ".join(map(_contribution, found)) + ".")
    lines += [reason["text"] for reason in score["reasons"] if reason["code"].startswith(TOLD)]
    return tuple(lines)


def _advice(recommendation: Mapping[str, Any], day: str) -> Iterator[str]:
    """What to consider, how far it goes and on whose word, then what was not shown and why."""
    yield from recommendation.get("limits", ())
    if "text" in recommendation:
        yield recommendation["text"]
        marks = [] if recommendation["checked_by"] else ["unverified"]
        if recommendation.get("next_review", day) < day:
            marks.append("its review is overdue")
        words = f" ({', '.join(marks)})" if marks else ""
        yield f"Source: {recommendation['source']}, {recommendation['section']}{words}."
    yield from recommendation.get("not_shown", ())


def _coverage(name: str, track: Mapping[str, Any]) -> str:
    if track["status"] != "ok":
        return f"{name.capitalize()} not assessed: {track['reason']}"
    return f"{name.capitalize()}: {track['tier']}, data coverage {track['coverage']:.0%}."


def _contribution(item: Mapping[str, Any]) -> str:
    direction = "raises" if item["points"] > 0 else "lowers"
    value = "unknown" if item["value"] is None else _amount(item["value"], item["unit"])
    usual = "" if item["usual"] is None else f" (usually {_amount(item['usual'], item['unit'])})"
    points = f"{abs(item['points']):.0f} point{'' if round(abs(item['points'])) == 1 else 's'}"
    return f"{item['label']} {value}{usual} {direction} it by {points}"


def _amount(value: float, unit: str) -> str:
    """“7.3 h”, “3,321 a day”, and 21:35 for 21.58 or 45.58 of the clock."""
    if unit == CLOCK_HOUR:
        minutes = round(value * 60) % 1440
        return f"{minutes // 60:02}:{minutes % 60:02}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f} {unit}"
