"""The report of an evaluation: one HTML file that calls nobody, and its numbers as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from django.template.loader import render_to_string

from patients.domain.errors import InputError
from scoring.domain.output import RESEARCH_USE

SIDE = 260  # of a plot's square, in px
MARGIN = 44
NONE = "–"
SHARES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "balanced_accuracy": "Balanced accuracy",
}
INTERVALS = "In brackets: 95 % intervals, bootstraps over people, seed 0."

Points = Sequence[Sequence[float]]
Row = list[str]


@dataclass(frozen=True)
class Line:
    """One line of a plot, ready to draw."""

    name: str
    path: str
    dots: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Plot:
    """A square from 0 to 1 both ways; ``words`` says what it shows."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    words: str
    diagonal: bool = True

    # Where its edges, middle and ticks lie: the same in every plot.
    side: ClassVar[int] = SIDE
    margin: ClassVar[int] = MARGIN
    bottom: ClassVar[int] = MARGIN + SIDE
    below: ClassVar[int] = MARGIN + SIDE + 16
    middle: ClassVar[int] = MARGIN + SIDE // 2
    whole: ClassVar[int] = SIDE + 2 * MARGIN
    ticks: ClassVar[tuple[tuple[str, float, float], ...]] = tuple(
        (f"{t:g}", MARGIN + t * SIDE, MARGIN + (1 - t) * SIDE) for t in (0, 0.25, 0.5, 0.75, 1)
    )


@dataclass(frozen=True)
class Grid:
    """A table of the report: the first cell of a row names it."""

    title: str
    head: Row
    rows: list[Row]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Tables and plots under one heading."""

    title: str
    grids: tuple[Grid, ...] = ()
    plots: tuple[Plot, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Report:
    """What the page shows. ``notice`` comes first while a model is of simulated people."""

    title: str
    notice: str | None
    lead: str
    sections: tuple[Section, ...]


def written(folder: Path, report: Report, numbers: Mapping[str, Any]) -> None:
    """Write report.html and report.json into the folder. Raises InputError if it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page = render_to_string("scoring/evaluation.html", {"report": report})
        (folder / "report.html").write_text(page, "utf-8")
        text = json.dumps(numbers, indent=1, allow_nan=False, ensure_ascii=False)
        (folder / "report.json").write_text(text + "\n", "utf-8")
    except OSError as failure:
        raise InputError(
            f"The report cannot be written ({failure.strerror}): give --out another folder."
        ) from None


def folder_report(found: Mapping[str, Any]) -> Report:
    """The page of a labelled folder."""
    lead = (
        f"{found['n']} people scored, {found['positives']} of them in “{found['positive']}”; "
        f"activity in {found['unit']}, standardised by the {found['reference']} reference; "
        f"model {found['model']['version']}."
    )
    return Report(
        "Depression track on a labelled folder",
        found["notice"],
        " ".join((lead, *found["warnings"])),
        (
            _folder_discrimination(found),
            _folder_calibration(found),
            _folder_parts(found),
            _folder_people(found),
        ),
    )


def _folder_discrimination(found: Mapping[str, Any]) -> Section:
    both = {"Depression track": "depression", "Mean activity, turned": "mean_activity"}
    curves = {name: found["curves"][key] for name, key in both.items()}
    rows = [
        ["Depression track", _with(found, "depression_auc"), _with(found, "depression_auprc")],
        *(
            [_plain(name), _with(m, "auroc"), _with(m, "auprc")]
            if m
            else [_plain(name), NONE, NONE]
            for name, m in found["baselines"].items()
        ),
    ]
    ahead = found["difference"]
    return Section(
        "Discrimination, beside what must be beaten",
        (Grid("", ["", "AUROC", "AUPRC"], rows, INTERVALS),),
        _both_curves(curves),
        f"AUROC of the track less that of mean activity, paired: {_with(ahead, 'auroc')}.",
    )


def _folder_calibration(found: Mapping[str, Any]) -> Section:
    measured = found["calibration"]
    return Section(
        "Calibrated probability and tiers",
        (_calibration_grid({"Depression track": measured}), _cutoff_grid(found["cutoffs"])),
        (_reliability_plot({"Depression track": measured}),),
        "The folder's share of positives is not that of a clinic, and its label need not be "
        "PHQ-8 of 10 or more: PPV, NPV, Brier and ECE hold for this folder only.",
    )


def _folder_parts(found: Mapping[str, Any]) -> Section:
    groups = [[n, str(m["n"]), _with(m, "auroc")] for n, m in found["subgroups"].items()]
    less = [
        [f"{100 * a['share']:.0f} %", _with(a, "depression_auc"), _number(a["mean_activity_auc"])]
        for a in found["ablations"]
    ]
    lines = {
        name: [(a["share"], a[key]) for a in found["ablations"] if a[key] is not None]
        for name, key in (
            ("Depression track", "depression_auc"),
            ("Mean activity, turned", "mean_activity_auc"),
        )
    }
    return Section(
        "By wear, and with hours left out",
        (
            Grid("By wear", ["", "People", "AUROC"], groups),
            Grid("Hours kept at random", ["", "Depression track", "Mean activity"], less),
        ),
        (_plot("AUROC by share of hours kept", "Share kept", "AUROC", lines, False),),
    )


def _folder_people(found: Mapping[str, Any]) -> Section:
    counts = [[n, str(g["scored"]), str(g["unscored"])] for n, g in found["groups"].items()]
    left = [[u["name"], u["group"], u["reason"]] for u in found["unscored"]]
    rows = [[reason, str(n)] for reason, n in found["rejected"].items()]
    return Section(
        "People and rows",
        (
            Grid("Groups", ["", "Scored", "Not scored"], counts),
            Grid("Not scored", ["", "Group", "Why"], left),
            Grid("Rows left out", ["", "Rows"], rows),
        ),
    )


def simulated_report(found: Mapping[str, Any]) -> Report:
    """The page of a table of person-days."""
    trained_on = {m["trained_on"] for m in found.get("models", {}).values()}
    outcomes = {n: m for n, m in found["outcomes"].items() if m["n"]}
    return Report(
        "Both tracks on people never seen in training",
        RESEARCH_USE if "simulated" in trained_on else None,
        f"{found['people']} people, {found['person_days']:,} person-days; episodes: "
        + ", ".join(f"{n} {kind}" for kind, n in found["episodes"].items())
        + f"; models {', '.join(found.get('models', {})) or 'not told'}.",
        (
            _overview(outcomes),
            *(_outcome_section(name, measured) for name, measured in outcomes.items()),
        ),
    )


def _both_curves(curves: Mapping[str, Any]) -> tuple[Plot, Plot]:
    precision = _of(curves, "precision_recall")
    return (
        _plot("ROC", "1 - specificity", "Sensitivity", _of(curves, "roc")),
        _plot("Precision and recall", "Recall", "Precision", precision, False),
    )


def _overview(outcomes: Mapping[str, Any]) -> Section:
    rows = [
        [_plain(n), str(m["n"]), str(m["positives"]), _with(m, "auroc"), _with(m, "auprc")]
        for n, m in outcomes.items()
    ]
    curves = {_plain(n): m["curves"] for n, m in outcomes.items()}
    return Section(
        "Discrimination by person-day",
        (
            Grid("", ["", "Days", "Positive", "AUROC", "AUPRC"], rows, INTERVALS),
            _calibration_grid({_plain(n): m["calibration"] for n, m in outcomes.items()}),
            _expected_grid(outcomes),
        ),
        (
            *_both_curves(curves),
            _reliability_plot({_plain(n): m["calibration"] for n, m in outcomes.items()}),
        ),
    )


LESS, REFITTED = "With less", "Fitted again on all the rest"
NOTES = {
    LESS: "Light enters neither model. It only helps to read nights without a sleep record, of "
    "which these people have none: without light nothing changes.",
    REFITTED: "Boosters anew with the shipped settings, PAT fine-tuned from the shipped weights "
    "on every tenth day; outputs are not calibrated.",
}


def _outcome_section(name: str, measured: Mapping[str, Any]) -> Section:
    grids = [_cutoff_grid(measured["tiers"]), _episode_grid(measured["tiers"])]
    for title, found in (
        ("Beside what must be beaten", measured["baselines"]),
        (LESS, measured["ablations"]),
        ("Earlier and later days", measured["chronological"]),
        ("Fifths of the people", {str(i + 1): m for i, m in enumerate(measured["person_folds"])}),
        (REFITTED, measured["refitted"]),
        *((f"By {_plain(g).lower()}", parts) for g, parts in measured["subgroups"].items()),
    ):
        rows = [
            [_plain(n), str(m["n"]), str(m["positives"]), _with(m, "auroc"), _with(m, "auprc")]
            for n, m in found.items()
            if m
        ]
        head = ["", "Days", "Positive", "AUROC", "AUPRC"]
        grids.append(Grid(title, head, rows, NOTES.get(title, "")))
    return Section(_plain(name), tuple(grid for grid in grids if grid.rows))


def _episode_grid(tiers: Mapping[str, Any]) -> Grid:
    rows = [
        [
            tier,
            f"{t['episodes']['found']} of {t['episodes']['scored']}",
            _with(t["episodes"], "share_found"),
            _number(t["episodes"]["lead_days_median"], 0),
            _number(t["alerts_per_patient_month"], 2),
        ]
        for tier, t in tiers.items()
    ]
    head = [
        "From tier",
        "Episodes found",
        "Share",
        "Days of lead, median",
        "Alerts per patient-month",
    ]
    return Grid("By episode", head, rows)


def _cutoff_grid(tiers: Mapping[str, Any]) -> Grid:
    rows = [[tier, *(_with(t, share) for share in SHARES)] for tier, t in tiers.items()]
    note = "NPV from Moderate on is the NPV of Low."
    return Grid("At the tiers", ["From tier", *SHARES.values()], rows, note)


def _expected_grid(outcomes: Mapping[str, Any]) -> Grid:
    """Whether what is said with a probability that counts happens as often as it is said."""
    told = {_plain(n): m["observed_to_expected"] for n, m in outcomes.items()}
    rows = [
        [n, str(m["n"]), str(m["observed"]), _number(m["expected"], 1), _with(m, "ratio")]
        for n, m in told.items()
    ]
    head = ["", "Days", "Observed", "Expected", "Observed / expected"]
    edges = {m["from"] for m in told.values()}
    title = f"Days with a probability from {min(edges):g} on" if edges else ""
    return Grid(title, head, rows, "Above 1 more happened than was said. " + INTERVALS)


def _calibration_grid(measured: Mapping[str, Any]) -> Grid:
    rows = [
        [n, *(_number(m[k]) for k in ("prevalence", "brier", "ece"))] for n, m in measured.items()
    ]
    return Grid("Calibration", ["", "Share positive", "Brier", "ECE"], rows)


def _reliability_plot(measured: Mapping[str, Any]) -> Plot:
    lines = {
        name: [(b["predicted"], b["observed"]) for b in m["reliability"]]
        for name, m in measured.items()
    }
    return _plot("Reliability", "Probability", "Observed share", lines, dots=True)


def _of(curves: Mapping[str, Any], kind: str) -> dict[str, Points]:
    return {name: points[kind] for name, points in curves.items()}


def _plot(
    title: str,
    x: str,
    y: str,
    lines: Mapping[str, Points],
    diagonal: bool = True,
    dots: bool = False,
) -> Plot:
    drawn = tuple(
        Line(name, _path(points), tuple(map(_place, points)) if dots else ())
        for name, points in lines.items()
    )
    words = f"{title}: {y} over {x}, of {', '.join(lines)}."
    return Plot(title, x, y, drawn, words, diagonal)


def _place(point: Sequence[float]) -> tuple[float, float]:
    return round(MARGIN + SIDE * point[0], 1), round(MARGIN + SIDE * (1 - point[1]), 1)


def _path(points: Iterable[Sequence[float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in map(_place, points))


def _number(value: float | None, decimals: int = 3) -> str:
    return NONE if value is None else f"{value:.{decimals}f}"


def _with(measured: Mapping[str, Any], name: str) -> str:
    """A number with its interval."""
    interval = measured.get(f"{name}_ci")
    brackets = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return _number(measured[name]) + brackets


def _plain(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
