"""Reference statistics of one unit family from people's recordings, or of all from the seed."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from patients.domain.recording import Family
from patients.ingest.common.base import zones_of
from scoring.datasets.folder import weeks_in
from scoring.domain.pat_window import PatWeek
from scoring.engines.artifacts import (
    MANIFEST,
    Artifact,
    ArtifactError,
    load_manifest,
    write_manifest,
)
from scoring.learning.references import (
    NAME,
    SEED,
    Fitted,
    fitted,
    read_references,
    save_references,
    simulated_references,
)
from scoring.resources import ARTIFACTS, DATA, router_rules


class Command(JsonCommand):
    help = (
        "Fit what PAT's weeks are standardised by: with a folder, of one unit family from its "
        "recordings (one file or zip a person, also in subfolders; no labels are read); without, "
        "of every family from simulated people."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, nargs="?")
        parser.add_argument("--unit", choices=[str(family) for family in Family])
        parser.add_argument("--name", default="recordings of a clinic", help="Of the cohort.")
        parser.add_argument("--timezone", default="Etc/UTC", help="Of stamps without an offset.")
        parser.add_argument("--out", type=Path, default=ARTIFACTS)

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        folder, path, unit = options["out"], options["path"], options["unit"]
        if (path is None) != (unit is None):
            raise InputError("Give a folder of recordings and their --unit, or neither of both.")
        left_out: list[dict[str, str]] = []
        manifest, kept = _there(folder)
        if path is None:
            kept, new = {}, simulated_references(SEED, DATA / "families.toml")
        else:
            family = Family(unit)
            new = {family: self.fit(path, family, options, left_out)}
        folder.mkdir(parents=True, exist_ok=True)
        artifact = save_references(kept | new, folder, SEED, "manage.py fit_references")
        write_manifest(folder, (manifest | {NAME: artifact}).values())
        references = [
            {"unit": unit, "source": f.source, "people": f.people, "level_range": f.level_range}
            for unit, f in new.items()
        ]
        return {"references": references, "sha256": artifact.sha256, "left_out": left_out}

    def fit(
        self, path: Path, unit: Family, options: dict[str, Any], left_out: list[dict[str, str]]
    ) -> Fitted:
        """The reference of the people in the folder; those left out are listed with why."""
        zones_of(options["timezone"])
        weeks: list[PatWeek] = []
        coverage = router_rules().min_depression_coverage
        for name, found in tqdm(weeks_in(path, unit, options["timezone"], coverage)):
            if isinstance(found, str):
                left_out.append({"name": name, "reason": found})
            else:
                weeks.append(found)
        try:
            return fitted(weeks, options["name"])
        except InputError as refusal:
            if not left_out:
                raise
            first = left_out[0]["reason"]
            raise InputError(f"{refusal} Of {len(left_out)} left out, the first: {first}") from None


def _there(folder: Path) -> tuple[dict[str, Artifact], dict[Family, Fitted]]:
    """The artefacts already in the folder and the references among them."""
    if not (folder / MANIFEST).exists():
        return {}, {}
    try:
        manifest = load_manifest(folder)
        return manifest, read_references(manifest[NAME]) if NAME in manifest else {}
    except ArtifactError as broken:
        raise InputError(str(broken)) from None
