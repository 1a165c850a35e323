"""List the models: which decide, which wait in shadow, which decided before."""

from datetime import datetime
from typing import Any

from patients.commands import JsonCommand
from scoring.models import ModelVersion


class Command(JsonCommand):
    help = "List the models that have scored anybody or were registered, and their state."

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        rows = ModelVersion.objects.order_by("track", "-first_used_at", "-pk")
        return {"models": [_model(version) for version in rows]}

    def text(self, answer: dict[str, Any]) -> str:
        """One line a model."""
        lines = [
            f"{m['track']:10}  {m['state']:8}  {m['version']}  trained on {m['trained_on']}"
            + (f"  ({m['not_usable']})" if m["not_usable"] else "")
            for m in answer["models"]
        ]
        return "\n".join(lines) or "No model has scored anybody yet and none is registered."


def _model(version: ModelVersion) -> dict[str, Any]:
    return {
        "track": version.track,
        "version": version.version,
        "state": version.state,
        "sha256": version.sha256,
        "trained_on": version.trained_on,
        "licence": sorted({str(part.get("licence")) for part in version.facts.values()}),
        "folder": version.folder or None,
        "not_usable": version.not_usable or None,
        "registered_at": _time(version.registered_at),
        "registered_by": version.registered_by or None,
        "promoted_at": _time(version.promoted_at),
        "promoted_by": version.promoted_by or None,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
