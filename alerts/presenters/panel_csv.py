"""The panel as a table to take away: codes, no names; an Indeterminate day has empty cells."""

from datetime import datetime
from typing import Any

from alerts.domain.panel import Wanted
from alerts.panel import Asker, panel_page, stands, summary_of
from scoring.models import ScoreSummary, Tier, Track

HEADER = (
    "code", "diagnosis", "tier", "probability (0 to 1)", "scored day",
    *(
        f"{track} {what}"
        for track in Track.values
        for what in (
            "tier", "probability (0 to 1)", "coverage (0 to 1)", "change in 7 days (points)"
        )
    ),
    "last data (UTC)", "open alerts", "held by", "next follow-up", "PHQ which",
    "PHQ total (points)", "PHQ taken (UTC)", "ASRM total (points)", "ASRM taken (UTC)",
    "drug classes", "medication list available",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_rows(asker: Asker, wanted: Wanted) -> list[list[Any]]:
    """The header and a row a patient."""
    return [list(HEADER), *(_row(patient, asker.now) for patient in panel_page(asker, wanted))]


def _row(patient: Any, now: datetime) -> list[Any]:
    summary, newest = stands(patient, now), summary_of(patient, now)
    last = max((d["at"] for d in patient.devices_now if d["at"]), default="")
    cells = [
        patient.code,
        patient.diagnosis,
        patient.tier_now,
        _rounded(summary.probability) if summary else "",
        newest.day if newest else "",
        *(cell for track in Track.values for cell in _track(summary, track)),
        last,
        "; ".join(f"{a['kind']} {a['tier']} {a['state']}" for a in patient.alerts_now),
        "; ".join(sorted({a["holder"] for a in patient.alerts_now if a["holder"]})),
        patient.follow_up,
        patient.phq["instrument"] if patient.phq else "",
        *_total(patient.phq),
        *_total(patient.asrm),
        "; ".join(sorted(patient.drugs_now)),
        "yes" if patient.medication_list_available else "no",
    ]
    return [_safe(cell) for cell in cells]


def _track(summary: ScoreSummary | None, track: str) -> list[Any]:
    if summary is None or summary.tier == Tier.INDETERMINATE:
        return [""] * 4
    names = ("tier", "probability", "coverage", "change")
    return [_rounded(getattr(summary, f"{track}_{name}")) for name in names]


def _rounded(value: Any) -> Any:
    """Shares with four digits: more say nothing."""
    return round(value, 4) if isinstance(value, float) else value


def _total(found: dict[str, Any] | None) -> tuple[Any, Any]:
    return (found["total"], found["at"]) if found else ("", "")


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
