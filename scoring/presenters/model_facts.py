"""What a model's page says: its files, what they are made from, and how well they did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clarity_site.numbers import written
from patients.templatetags.clarity import fact, number, percent, thousands
from scoring import resources
from scoring.engines.artifacts import ArtifactError, load_manifest
from scoring.engines.models import COMBINATION, FITTED_FOR, facts_of
from scoring.models import ModelVersion
from scoring.resources import model_facts

EITHER = "mania_or_hypomania"
# Said elsewhere on the page, or tables that say nothing to a reader.
NOT_LISTED = {
    "calibrator", "intended_use", "known_failures", "reliability", "sources", "trials", "auroc_ci",
    "from_moderate", "from_high", "observed_to_expected", "ece_of_the_mean", FITTED_FOR, EITHER,
}  # fmt: skip


@dataclass(frozen=True)
class ReliabilityPoint:
    """A bin of people: the mean share predicted, the share observed, and how many they are."""

    predicted: float
    observed: float
    n: int

    @property
    def x(self) -> float:
        """Across a square of 100."""
        return round(100 * self.predicted, 1)

    @property
    def y(self) -> float:
        """Down that square, whose bottom is 0."""
        return round(100 * (1 - self.observed), 1)


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval over people; either may be unknown."""

    name: str
    value: float | None
    interval: Sequence[float] | None


@dataclass(frozen=True)
class OutcomeView:
    """What days from each tier on find of one outcome."""

    name: str
    tiers: list["FromTier"]


@dataclass(frozen=True)
class FromTier:
    """What it does where days from that tier on count as found."""

    tier: str
    per_day: list["Share"]  # of person-days
    episodes: int
    episodes_found: "Share"
    lead_days_median: float | None
    alerts_per_patient_month: float | None

    @property
    def lead(self) -> str:
        """“5 days after onset”."""
        if self.lead_days_median is None:
            return "–"
        n = {"n": number(abs(self.lead_days_median))}
        if not self.lead_days_median:
            return _("on the day of onset")
        if self.lead_days_median > 0:
            return _("%(n)s d before onset") % n
        return _("%(n)s d after onset") % n


@dataclass(frozen=True)
class PartView:
    """One artefact of a model."""

    name: str
    facts: list[tuple[str, Any]]
    training: list[tuple[str, Any]]
    metrics: list[tuple[str, Any]]
    is_calibrated: bool
    reliability: list[ReliabilityPoint]
    outcomes: list[OutcomeView]

    @property
    def curve(self) -> str:
        """The points of the reliability curve in a square of 100."""
        return " ".join(f"{point.x},{point.y}" for point in self.reliability)


@dataclass(frozen=True)
class ModelView:
    """One version, ready for its page."""

    version: ModelVersion
    parts: list[PartView]
    known_failures: list[str]
    unverified: bool


def model_view(version: ModelVersion) -> ModelView:
    """The version's page; nothing in it is about anybody."""
    parts = {**version.facts, **_combination(version)}
    return ModelView(
        version=version,
        parts=[_part(name, facts, bool(version.folder)) for name, facts in sorted(parts.items())],
        known_failures=version.known_failures.splitlines(),
        unverified=not model_facts().checked_by,
    )


def _combination(version: ModelVersion) -> Mapping[str, Any]:
    """What calibrates both tracks together, if it was fitted with this very model; as a part."""
    folder = Path(version.folder) if version.folder else resources.ARTIFACTS
    try:
        found = load_manifest(folder).get(COMBINATION)
    except ArtifactError:  # the page says what is stored of the model all the same
        return {}
    pair = found.training.get(FITTED_FOR) if found else None
    if not found or not isinstance(pair, dict) or pair.get(version.track) != version.sha256:
        return {}
    return facts_of(version.track, [found]).facts


def _part(name: str, stored: Mapping[str, Any], is_registered: bool) -> PartView:
    training, metrics = stored.get("training") or {}, stored.get("metrics") or {}
    plain = {key: value for key, value in stored.items() if not isinstance(value, dict)}
    return PartView(
        name=name,
        facts=list(_listed(plain)),
        training=list(_listed(training)),
        metrics=[
            *(_own_words() if is_registered and metrics else ()),
            *_measures(metrics),
            *_mean(metrics),
            *_interval(metrics),
            *_expected(metrics),
        ],
        is_calibrated=bool(training.get("calibrator")),
        reliability=_reliability(metrics.get("reliability") or []),
        outcomes=[
            OutcomeView(of, tiers)
            for of, figures in ((name, metrics), (EITHER, metrics.get(EITHER) or {}))
            if (tiers := _tiers(figures))
        ],
    )


def _own_words() -> Iterator[tuple[str, str]]:
    """A registered folder's manifest can say anything of itself."""
    yield _("Whose figures"), _("the model’s own, from its manifest: nobody has checked them here")


def _mean(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Of a combination: what it mends."""
    if "ece_of_the_mean" in metrics:
        yield _("ECE of the weighted mean without it"), metrics["ece_of_the_mean"]


SHARES = ("brier", "ece", "ece_of_the_mean", "auroc", "auprc", "prevalence")  # from 0 to 1


def _measures(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """As listed; each says of what scale, or of what, it is."""
    for name, value in _listed(metrics):
        if name == "n":
            yield "Person-days" if metrics.get("people") not in (None, value) else "people", value
        elif name in SHARES:
            yield name, _("%(value)s (0 to 1)") % {"value": fact(value)}
        else:
            yield name, value


def _tiers(metrics: Mapping[str, Any]) -> list[FromTier]:
    return [
        _from(tier, metrics[key])
        for tier, key in (("Moderate", "from_moderate"), ("High", "from_high"))
        if key in metrics
    ]


def _interval(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if metrics.get("auroc_ci"):
        low, high = metrics["auroc_ci"]
        yield _("AUROC, 95 % interval"), _range(low, high)


def _expected(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """More than 1: it happens more often than the model says."""
    found = metrics.get("observed_to_expected") or {}
    if found.get("ratio") is not None:
        between = found.get("ratio_ci")
        words = _("%(ratio)s; %(n)s days")
        if between:
            words = _("%(ratio)s, 95 %% interval %(interval)s; %(n)s days")
        yield (
            _("Days on which it was so for each day expected, from %(share)s on")
            % {"share": percent(found["from"])},
            words
            % {
                "ratio": written(f"{found['ratio']:.2f}"),
                "interval": _range(*between) if between else "",
                "n": thousands(found["n"]),
            },
        )


def _range(low: float, high: float) -> str:
    return _("%(low)s to %(high)s") % {
        "low": written(f"{low:.2f}"),
        "high": written(f"{high:.2f}"),
    }


PER_DAY = {
    "sensitivity": gettext_lazy("Sensitivity"),
    "specificity": gettext_lazy("Specificity"),
    "ppv": gettext_lazy("PPV"),
    "npv": gettext_lazy("NPV"),
}


def _from(tier: str, found: Mapping[str, Any]) -> FromTier:
    return FromTier(
        tier,
        [
            Share(str(words), found.get(key), found.get(f"{key}_ci"))
            for key, words in PER_DAY.items()
        ],
        found["episodes"],
        Share(_("Episodes found"), found["episodes_found"], found.get("episodes_found_ci")),
        found["lead_days_median"],
        found["alerts_per_patient_month"],
    )


def _listed(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in sorted(table.items()):
        if key not in NOT_LISTED and value not in (None, "", [], {}):
            yield key, str(value) if key == "seed" else value  # a seed is a name, no amount


def _reliability(bins: Sequence[Mapping[str, float]]) -> list[ReliabilityPoint]:
    """As the manifest keeps them; a bin without anybody says nothing."""
    return [
        ReliabilityPoint(float(b["predicted"]), float(b["observed"]), int(b["n"]))
        for b in bins
        if b["n"]
    ]
