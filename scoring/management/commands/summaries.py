"""Make the panel's summaries of all patients' scores anew."""

from typing import Any

from patients.commands import JsonCommand
from scoring.models import ScoreSummary
from scoring.summaries import summaries_rebuild


class Command(JsonCommand):
    help = "Make every patient's score summary anew and say how many were not as they should be."

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"changed": summaries_rebuild(), "summaries": ScoreSummary.objects.count()}
