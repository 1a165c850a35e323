"""The text of a message to the EHR. No name, no word that claims more than a risk indicator."""

from collections.abc import Mapping
from typing import Any

from scoring.domain.output import RESEARCH_USE

TOP = 3
# Reasons that change how far the reader may trust the message.
TOLD = ("limited_data", "early_warning", "medication_unavailable", "mania_night")


def message_lines(
    *,
    research_use: bool,
    track: str,
    tier: str,
    score: Mapping[str, Any],
    recommendation: Mapping[str, Any],
) -> tuple[str, ...]:
    """The payload's lines: what, how sure, why, what to consider, and on whose word.

    ``score`` holds day, tier, depression, mania and reasons as a RiskScore does.
    """
    lines = [f"{RESEARCH_USE}."] if research_use else []
    lines.append(f"Clarity risk indicator for {track}: {tier} on {score['day']}.")
    lines.append(f"Overall tier: {score['tier']}.")
    if recommendation:
        lines.append(recommendation["text"])
        checked = "" if recommendation["checked_by"] else " (unverified)"
        lines.append(f"Source: {recommendation['source']}, {recommendation['section']}{checked}.")
    lines += [_coverage(name, score[name]) for name in ("depression", "mania")]
    contributions = score[track]["contributions"][:TOP]
    if contributions:
        lines.append("Main contributions: " + "; ".join(map(_contribution, contributions)) + ".")
    lines += [reason["text"] for reason in score["reasons"] if reason["code"].startswith(TOLD)]
    return tuple(lines)


def _coverage(name: str, track: Mapping[str, Any]) -> str:
    if track["status"] != "ok":
        return f"{name.capitalize()} not assessed: {track['reason']}"
    return f"{name.capitalize()}: {track['tier']}, data coverage {track['coverage']:.0%}."


def _contribution(item: Mapping[str, Any]) -> str:
    direction = "raises" if item["points"] > 0 else "lowers"
    value = "unknown" if item["value"] is None else f"{item['value']:.1f} {item['unit']}"
    usual = "" if item["usual"] is None else f" (usually {item['usual']:.1f})"
    return f"{item['label']} {value}{usual} {direction} it by {abs(item['points']):.0f} points"
