"""What contributed to a track, in sentences; read from the stored score, never computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patients.templatetags.clarity import percent, quantity, signed
from scoring.domain.circumstances import Circumstance, says_less
from scoring.domain.explain import EXPLANATION_FAILED
from scoring.domain.occlusion import AGAINST_REFERENCE, PARTS
from scoring.models import RiskScore
from scoring.presenters.tracks import TrackView
from scoring.selectors import circumstances_kept

VIEWS = {"day": "Days", "part": "Parts of the day"}
SHOWN = {"day": 3, "part": 4, "": 5}  # of each kind, the largest


@dataclass(frozen=True)
class Listed:
    """Contributions of one kind, largest first; ``rest`` says what the others come to."""

    title: str
    sentences: tuple[str, ...]
    rest: str = ""


@dataclass(frozen=True)
class Explanation:
    """``withheld`` says why there is none; attention is a share by day and part."""

    lists: tuple[Listed, ...]
    total: str
    attention: tuple[tuple[str, str], ...]
    withheld: str


def explanation(score: RiskScore, view: TrackView) -> Explanation:
    """What is stored with the track; nothing where it was not assessed."""
    stored: Mapping[str, Any] = getattr(score, view.name) if view.assessed else {}
    check: Mapping[str, Any] | None = stored.get("additivity")
    withheld = _withheld(stored, check)
    found = [] if withheld else view.contributions
    life = circumstances_kept(score)
    labels = {item["name"]: _short(item) for item in found}
    return Explanation(
        lists=tuple(_lists(found, life, adds_up=bool(check))),
        total=_total(check, view.probability) if check and found else "",
        attention=tuple(
            (labels[name], percent(share))
            for name, share in sorted((stored.get("attention") or {}).items(), key=_in_time)
            if name in labels
        ),
        withheld=withheld,
    )


def _withheld(stored: Mapping[str, Any], check: Mapping[str, Any] | None) -> str:
    if stored.get(EXPLANATION_FAILED):
        return "The explanation failed, so there is none. The operations log says why."
    if check is not None and not check["holds"]:
        return (
            "The contributions did not add up to the model’s output, so they are not shown. "
            "The operations log says by how much."
        )
    return ""


def _in_time(item: tuple[str, float]) -> tuple[bool, int, str]:
    """Days in order, then parts from night to evening: the database keeps no order of keys."""
    name = item[0]
    return (True, PARTS.index(name), "") if name in PARTS else (False, 0, name)


def _lists(
    items: Sequence[Mapping[str, Any]], life: Sequence[Circumstance], adds_up: bool
) -> list[Listed]:
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        kind = str(item["name"]).partition("_")[0]
        kinds.setdefault(kind if kind in VIEWS else "", []).append(item)
    return [
        Listed(
            title=VIEWS.get(kind, ""),
            sentences=tuple(_in_life(item, life) for item in found[: SHOWN[kind]]),
            rest=_rest(found[SHOWN[kind] :]) if adds_up else "",
        )
        for kind, found in kinds.items()
    ]


def sentence(item: Mapping[str, Any]) -> str:
    """“Sleep in long windows 4.1 h, usually 7.3 h: +12 points”."""
    value = "not known" if item["value"] is None else quantity(item["value"], item["unit"])
    words = f"{_short(item)} {value}"
    if item["usual"] is not None:
        words += f", usually {quantity(item['usual'], item['unit'])}"
    elif item["label"].endswith(AGAINST_REFERENCE):
        words += f", {AGAINST_REFERENCE}"
    return f"{words}: {_points(item['points'])}"


def _in_life(item: Mapping[str, Any], life: Sequence[Circumstance]) -> str:
    less = says_less(str(item["name"]), life)
    return f"{sentence(item)} ({less})" if less else sentence(item)


def _short(item: Mapping[str, Any]) -> str:
    return str(item["label"]).removesuffix(f", {AGAINST_REFERENCE}")


def _points(points: float) -> str:
    whole = round(points)
    return f"{signed(whole)} point{'' if abs(whole) == 1 else 's'}"


def _rest(items: Sequence[Mapping[str, Any]]) -> str:
    if not items:
        return ""
    return f"{len(items)} others together: {_points(sum(item['points'] for item in items))}"


def _total(check: Mapping[str, Any], probability: float | None) -> str:
    return (
        f"Together {_points(check['sum_points'])}: from {percent(check['base'])}, where nothing "
        f"is known, to {percent(probability)}."
    )
