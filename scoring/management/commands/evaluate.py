"""How well the models do: on a labelled folder of recordings, or on simulated people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from patients.commands import JsonCommand
from patients.domain.errors import InputError
from scoring.domain.rules import family_values
from scoring.engines.artifacts import ArtifactError
from scoring.engines.models import PARTS, Models, load_models
from scoring.engines.trial import trial_trouble
from scoring.evaluation import evaluate_folder, folder_cohort
from scoring.learning.seeds import check_unseen, seeds_of
from scoring.presenters.evaluation import folder_report, simulated_report, written
from scoring.resources import ARTIFACTS, DATA, router_rules, sedentary_thresholds

FOLDER, SIMULATED = "folder", "simulated"
LONG = ("curves", "reliability")  # of the report's JSON alone


class Command(JsonCommand):
    help = (
        "Measure the models: `--dataset folder PATH --positive GROUP --unit FAMILY` on a folder "
        "with one subfolder a group and one CSV (timestamp,date,activity) a person, or "
        "`--dataset simulated` on people from the seed. --out writes a report."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, nargs="?")
        parser.add_argument("--dataset", help=f"{FOLDER} or {SIMULATED}.")
        parser.add_argument("--positive", help="The group whose people have the condition.")
        parser.add_argument("--unit", help="Unit family of the activity, such as mims.")
        parser.add_argument("--reference", help="own or shipped; own from 20 people on.")
        parser.add_argument("--seed", type=int, default=1, help="Of the simulated people.")
        parser.add_argument("--people", type=int, default=200, help="How many to simulate.")
        parser.add_argument(
            "--refit",
            action="store_true",
            help="Also fit the models again on other people and on earlier days (minutes more).",
        )
        parser.add_argument(
            "--models",
            type=Path,
            metavar="FOLDER",
            help="Of artefacts, as the training commands write one; else the shipped ones.",
        )
        parser.add_argument("--out", type=Path, help="Folder for report.html and report.json.")

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        _check_out(options["out"])
        makers = {FOLDER: self.folder, SIMULATED: self.simulated}
        make = makers.get(options["dataset"])
        if make is None:
            raise InputError(
                f"The data set “{options['dataset'] or ''}” is not known: "
                f"give --dataset one of {', '.join(makers)}."
            )
        try:
            return make(options)
        except ArtifactError as error:
            raise InputError(str(error)) from None

    def folder(self, options: dict[str, Any]) -> dict[str, Any]:
        """The depression track on a folder of groups."""
        for name, shown in (("path", "a folder"), ("positive", "--positive"), ("unit", "--unit")):
            if not options[name]:
                raise InputError(f"The data set {FOLDER} needs {shown}; see --help.")
        rules = router_rules()
        models = _models(options["models"], ["depression"])
        cohort = folder_cohort(options["path"], options["positive"], options["unit"], rules)
        out = options["out"]
        full = evaluate_folder(cohort, models, rules, options["reference"], full=out is not None)
        if out:
            written(out, folder_report(full), full)
        return _short(full)

    def simulated(self, options: dict[str, Any]) -> dict[str, Any]:
        """Both tracks on simulated people whom training has never seen."""
        from scoring.learning.evaluate import evaluated
        from scoring.learning.refit import refitted
        from scoring.learning.table import simulated_days, table_of

        if options["people"] < 2:
            raise InputError("Nothing can be told of fewer than 2 people: give --people more.")
        models, rules = _models(options["models"], list(PARTS)), router_rules()
        facts = [models.facts(track) for track in PARTS]
        learned = seeds_of(part["training"] for f in facts for part in f.facts.values())
        check_unseen(options["seed"], options["seed"], learned, "1")
        days = simulated_days(
            options["seed"],
            options["people"],
            models,
            family_values(DATA / "families.toml", "waking_level"),
            sedentary_thresholds(),
        )
        again = refitted(days, models) if options["refit"] else {}
        full = evaluated(table_of(days, models, rules, ablations=True), rules, again) | {
            "models": {f.version: {"sha256": f.sha256, "trained_on": f.trained_on} for f in facts},
            "seed": options["seed"],
        }
        if options["out"]:
            written(options["out"], simulated_report(full), full)
        return _short(full)


def _models(folder: Path | None, tracks: Sequence[str]) -> Models:
    """Those of the folder, the shipped ones without one. InputError for what cannot be run."""
    if folder is None:
        return load_models(ARTIFACTS)
    folder = folder.resolve()
    for track in tracks:
        if reason := trial_trouble(folder, track):
            raise InputError(f"The {track} model of --models cannot be measured: {reason}.")
    return load_models(folder)


def _check_out(out: Path | None) -> None:
    """InputError for a place in which no report can be written, before anything is computed."""
    try:
        if out:
            out.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise InputError(
            f"{out} cannot be made ({failure.strerror}): give --out another folder."
        ) from None


def _short(value: Any) -> Any:
    """Without the points of curves, wherever they stand."""
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items() if k not in LONG}
    return [_short(v) for v in value] if isinstance(value, list) else value
