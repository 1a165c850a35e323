"""What contributed to a track, in sentences; read from the stored score, never computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clarity_site.said import said_again
from patients.templatetags.clarity import percent, quantity, signed
from scoring.domain.circumstances import Circumstance, says_less, weight_of
from scoring.domain.explain import EXPLANATION_FAILED
from scoring.domain.occlusion import AGAINST_REFERENCE, PARTS
from scoring.domain.worsening import CLOCK_MINUTES
from scoring.models import RiskScore
from scoring.presenters.tracks import TrackView
from scoring.selectors import circumstances_kept

VIEWS = {"day": gettext_lazy("Days"), "part": gettext_lazy("Parts of the day")}
SHOWN = {"day": 3, "part": 4, "": 5}  # of each kind, the largest
BAR = 60  # units of the drawing that the largest contribution is long


@dataclass(frozen=True)
class Row:
    """One contribution as a line of a table: now, usually, which way, and how many points.

    ``raises`` says whether it moved the indicator up; ``bar`` is its length of BAR; ``side`` is
    how now lies to usually.
    """

    label: str
    value: str
    usual: str
    side: str
    points: str
    raises: bool
    bar: float
    note: str


@dataclass(frozen=True)
class Listed:
    """Contributions of one kind, largest first; ``rest`` says what the others come to."""

    title: str
    sentences: tuple[str, ...]
    rest: str = ""
    rows: tuple[Row, ...] = ()


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


def most_raising(score: RiskScore, view: TrackView) -> str:
    """The sentence of what raises the indicator most; empty where nothing told raises it."""
    stored = getattr(score, view.name)
    if _withheld(stored, stored.get("additivity")):
        return ""
    life = circumstances_kept(score)
    most = max(
        (item for item in view.contributions if round(item["points"]) > 0),
        key=lambda item: item["points"] * weight_of(item["name"], life),
        default=None,
    )
    return _in_life(most, life) if most else ""


def _withheld(stored: Mapping[str, Any], check: Mapping[str, Any] | None) -> str:
    if stored.get(EXPLANATION_FAILED):
        return _("The explanation failed, so there is none. The operations log says why.")
    if check is not None and not check["holds"]:
        return _(
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
    most = max((abs(item["points"]) for item in items), default=0.0) or 1.0
    return [
        Listed(
            title=str(VIEWS.get(kind, "")),
            sentences=tuple(_in_life(item, life) for item in found[: SHOWN[kind]]),
            rest=_rest(found[SHOWN[kind] :]) if adds_up else "",
            rows=tuple(_row(item, life, most) for item in found[: SHOWN[kind]]),
        )
        for kind, found in kinds.items()
    ]


def _row(item: Mapping[str, Any], life: Sequence[Circumstance], most: float) -> Row:
    return Row(
        label=_short(item),
        value=_value(item),
        usual=_usual(item),
        side=_side(item),
        points=_points(item["points"]),
        raises=item["points"] > 0,
        bar=round(abs(item["points"]) / most * BAR, 1),
        note=said_again(says_less(str(item["name"]), life)),
    )


def _value(item: Mapping[str, Any]) -> str:
    return _("not known") if item["value"] is None else quantity(item["value"], item["unit"])


def _usual(item: Mapping[str, Any]) -> str:
    if item["usual"] is not None:
        return quantity(item["usual"], item["unit"])
    return said_again(AGAINST_REFERENCE) if item["label"].endswith(AGAINST_REFERENCE) else ""


def _side(item: Mapping[str, Any]) -> str:
    if item["value"] is None or item["usual"] is None or _value(item) == _usual(item):
        return ""
    more = item["value"] > item["usual"]
    if item["unit"] in CLOCK_MINUTES:
        return _("later than usual") if more else _("earlier than usual")
    return _("more than usual") if more else _("less than usual")


def sentence(item: Mapping[str, Any]) -> str:
    """“Sleep in long windows 4.1 h, usually 7.3 h: +12 points”."""
    told = {
        "what": _short(item),
        "value": _value(item),
        "usual": _usual(item),
        "points": _points(item["points"]),
    }
    if item["usual"] is not None:
        return _("%(what)s %(value)s, usually %(usual)s: %(points)s") % told
    if told["usual"]:
        return _("%(what)s %(value)s, %(usual)s: %(points)s") % told
    return _("%(what)s %(value)s: %(points)s") % told


def _in_life(item: Mapping[str, Any], life: Sequence[Circumstance]) -> str:
    less = says_less(str(item["name"]), life)
    return f"{sentence(item)} ({said_again(less)})" if less else sentence(item)


def _short(item: Mapping[str, Any]) -> str:
    return said_again(str(item["label"]).removesuffix(f", {AGAINST_REFERENCE}"))


def _points(points: float) -> str:
    whole = round(points)
    return ngettext("%(n)s point", "%(n)s points", abs(whole)) % {"n": signed(whole)}


def _rest(items: Sequence[Mapping[str, Any]]) -> str:
    if not items:
        return ""
    told = {"n": len(items), "points": _points(sum(item["points"] for item in items))}
    return (
        ngettext(
            "%(n)d other together: %(points)s", "%(n)d others together: %(points)s", len(items)
        )
        % told
    )


def _total(check: Mapping[str, Any], probability: float | None) -> str:
    told = {
        "points": _points(check["sum_points"]),
        "base": percent(check["base"]),
        "now": percent(probability),
    }
    return _("Together %(points)s: from %(base)s, where nothing is known, to %(now)s.") % told
