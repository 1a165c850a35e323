"""`make train`: every shipped artefact, from the seed."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scoring.domain.rules import family_values
from scoring.engines.artifacts import load_manifest, write_manifest
from scoring.learning import cohort, fit
from scoring.learning.references import SEED, save_references, simulated_references
from scoring.resources import ARTIFACTS, DATA


class Command(BaseCommand):
    help = "Train both tracks on simulated people and write scoring/artifacts/."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", type=Path, default=ARTIFACTS)
        parser.add_argument("--track", default="all", choices=["all", "mania", "depression"])
        parser.add_argument("--seed", type=int, default=SEED)
        parser.add_argument("--size", default="S", choices=["S", "M", "L", "H"])
        parser.add_argument("--people", type=int, default=5000, help="For PAT, a week each.")
        parser.add_argument("--patients", type=int, default=400, help="For the trees.")
        parser.add_argument("--days", type=int, default=150, help="Of each of those patients.")
        parser.add_argument("--epochs", type=int, default=12)

    def handle(self, *_: Any, **options: Any) -> None:
        folder, seed, track = options["out"], options["seed"], options["track"]
        folder.mkdir(parents=True, exist_ok=True)
        families = DATA / "families.toml"
        fitted = simulated_references(seed, families)
        made = [save_references(fitted, folder, seed, fit.MADE_BY)]
        if track in ("all", "mania"):
            vectors = cohort.simulate_vectors(seed + 1, options["patients"], options["days"])
            made += fit.fit_mania(vectors, folder, seed)
        if track in ("all", "depression"):
            references = {family: f.reference for family, f in fitted.items()}
            levels = family_values(families, "waking_level")
            weeks = cohort.simulate_weeks(seed + 2, options["people"], references, levels)
            made.append(fit.fit_depression(weeks, folder, options["size"], seed, options["epochs"]))
        kept = load_manifest(folder) if track != "all" else {}
        write_manifest(folder, (kept | {artifact.name: artifact for artifact in made}).values())
        for artifact in made:
            self.stdout.write(f"{artifact.file}  {artifact.sha256[:12]}  {artifact.metrics}")
