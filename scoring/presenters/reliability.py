"""How far a model's number can be taken at its word: what came true of such numbers before."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from patients.templatetags.clarity import percent, thousands
from scoring.engines.artifacts import SIMULATED
from scoring.models import RiskScore, Track
from scoring.presenters.tracks import TrackView

EITHER = (
    "mania_or_hypomania"  # in a manifest: of mania and hypomania together, as the track shows them
)
TENTHS = 10


def reliability_words(score: RiskScore, view: TrackView) -> str:
    """“Of test days with 40 to 50 %, 42 % …”, from the manifest of the model that scored.

    Empty where the track was not assessed, or its manifest does not tell it. The days are counted
    and not the people, and days of one person are alike: so no interval is made of the count.
    """
    model = getattr(score, f"{view.name}_model")
    if not view.assessed or view.probability is None or model is None:
        return ""
    found = _bin(_bins(model.facts, view.name), view.probability)
    if found is None:
        return ""
    tenth = min(int(view.probability * TENTHS), TENTHS - 1)
    told = {
        "low": percent(tenth / TENTHS),
        "high": percent((tenth + 1) / TENTHS),
        "observed": percent(found["observed"]),
        "n": thousands(int(found["n"])),
    }
    return _sentence(view.name, model.trained_on == SIMULATED) % told


def _sentence(track: str, simulated: bool) -> str:
    if track == Track.DEPRESSION and simulated:
        return _(
            "Of %(n)s days of simulated test people with an indicator of %(low)s to %(high)s, "
            "%(observed)s had a PHQ-8 of 10 or more."
        )
    if track == Track.DEPRESSION:
        return _(
            "Of %(n)s days of test people with an indicator of %(low)s to %(high)s, "
            "%(observed)s had a PHQ-8 of 10 or more."
        )
    if simulated:
        return _(
            "Of %(n)s days of simulated test people with an indicator of %(low)s to %(high)s, "
            "%(observed)s were days of mania or hypomania."
        )
    return _(
        "Of %(n)s days of test people with an indicator of %(low)s to %(high)s, "
        "%(observed)s were days of mania or hypomania."
    )


def _bins(facts: Mapping[str, Any], track: str) -> Iterable[Mapping[str, Any]]:
    metrics = (facts.get(track) or {}).get("metrics") or {}
    if track == Track.MANIA:
        metrics = metrics.get(EITHER) or {}
    return metrics.get("reliability") or []


def _bin(bins: Iterable[Mapping[str, Any]], probability: float) -> Mapping[str, Any] | None:
    """The bin of that tenth that has anybody; a bin is known by the mean of its numbers."""
    tenth = min(int(probability * TENTHS), TENTHS - 1)
    for each in bins:
        if each["n"] and min(int(each["predicted"] * TENTHS), TENTHS - 1) == tenth:
            return each
    return None
