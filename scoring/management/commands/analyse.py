"""One file without a database: features, both outputs and the decision."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.resolve import whole
from patients.ingest.sources import read_recordings
from scoring.analysis import analysis


class Command(JsonCommand):
    help = "Analyse one recording: days, depression, mania and the decision. Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--timezone", required=True, help="IANA name, such as Europe/Berlin.")
        parser.add_argument("--source", default="auto")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        zone = options["timezone"]
        return analysis(whole(read_recordings(options["path"], zone, options["source"])), zone)

    def text(self, answer: dict[str, Any]) -> str:
        decision, recording = answer["decision"], answer["recording"]
        lines = [
            f"{recording['source']}, {recording['start']} to {recording['end']}, "
            f"{recording['minutes']} min recorded, {recording['worn_minutes']} worn",
            f"{decision['date']}: {decision['tier']}",
            *(f"  {reason['text']}" for reason in decision["reasons"]),
        ]
        for name in ("depression", "mania"):
            track = answer[name]
            lines.append(f"{name}: {track['reason'] or track['tier']}")
        return "\n".join(lines)
