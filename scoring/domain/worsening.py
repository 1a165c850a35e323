"""Where a day lies far from what is usual, on the side that is worse. No tier comes from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scoring.domain.baseline_rules import BaselineRules, Feature, Usual
from scoring.domain.personal_baseline import feature_value
from scoring.domain.types import DayFeatures, Reason

WORSE = "worse_than_usual"
OWN, POPULATION = "baseline", "population"
MOST_SD = 5.0  # beyond, a spread from some weeks says no more
CLOCK_MINUTES = {"clock hour": 60.0, "min from midnight": 1.0}


@dataclass(frozen=True)
class Deviation:
    """One feature of a day, ``sd_off`` SDs from its mean, and the poles it is worse for.

    ``against``: the person's own baseline, or the population while there is none.
    """

    name: str
    label: str
    unit: str
    value: float
    mean: float
    sd: float
    sd_off: float
    poles: tuple[str, ...]
    against: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**asdict(self), "poles": list(self.poles)}


def worsenings(
    day: DayFeatures, usual: Mapping[str, Usual], against: str, rules: BaselineRules
) -> tuple[Deviation, ...]:
    """The features that lie ``worsening_sd`` SDs or more from usual on a side that is worse.

    A feature that ``usual`` or the day lacks is not compared.
    """
    found = (_deviation(day, f, usual.get(name), against, rules)
             for name, f in rules.features.items())  # fmt: skip
    return tuple(d for d in found if d and d.poles)


def sd_off(value: float, usual: Usual, feature: Feature) -> float:
    """(value - mean) / SD, round the clock the shorter way; 0 where no SD is known.

    The SD is at least the feature's ``least_sd``.
    """
    off, sd = value - usual.mean, max(usual.sd, feature.least_sd)
    if feature.period:
        half = feature.period / 2
        off = (off + half) % feature.period - half
    return off / sd if sd > 0 else 0.0


def _deviation(
    day: DayFeatures, feature: Feature, usual: Usual | None, against: str, rules: BaselineRules
) -> Deviation | None:
    value = feature_value(day, feature, rules)
    if value is None or usual is None:
        return None
    off = sd_off(value, usual, feature)
    side = "higher" if off > 0 else "lower"
    far = abs(off) >= rules.worsening_sd
    poles = tuple(pole for pole, worse in feature.worse.items() if far and worse == side)
    return Deviation(
        feature.name, feature.label, feature.unit, feature.shown(value),
        usual.mean, max(usual.sd, feature.least_sd), off, poles, against,
    )  # fmt: skip


def worse_reasons(
    deviations: Sequence[Mapping[str, Any]], depression_delta: float | None, rules: BaselineRules
) -> tuple[Reason, ...]:
    """A reason for each deviation, as stored with a score, and one for the depression output.

    ``depression_delta`` is the output's own, in SD (``baseline_delta``); None is not known.
    """
    return (*map(_reason, deviations), *_of_output(depression_delta, rules))


def _reason(off: Mapping[str, Any]) -> Reason:
    value, mean = (_amount(off[key], off["unit"]) for key in ("value", "mean"))
    usually = f"usually {mean}" if off["against"] == OWN else f"{mean} in a population"
    words = ("later", "earlier") if off["unit"] in CLOCK_MINUTES else ("more", "less")
    size = _size(off["sd_off"])
    side = words[0] if off["sd_off"] > 0 else words[1]
    why = "" if off["against"] == OWN else "; there is no personal baseline yet"
    return Reason(WORSE, f"{off['label']} {value}, {usually} ({size} SD {side}){why}.")


def _of_output(delta: float | None, rules: BaselineRules) -> Iterator[Reason]:
    if delta is not None and delta >= rules.worsening_sd:
        text = f"The depression output lies {_size(delta)} SD above this person’s own last 8 weeks."
        yield Reason(WORSE, text)


def _size(off: float) -> str:
    return f"more than {MOST_SD:g}" if abs(off) > MOST_SD else f"{abs(off):.1f}"


def _amount(value: float, unit: str) -> str:
    """“7.3 h”, “3,321 a day”, “0.43 of 1”, and 21:35 for 21.58 of the clock."""
    if unit in CLOCK_MINUTES:
        minutes = round(value * CLOCK_MINUTES[unit]) % 1440
        return f"{minutes // 60:02}:{minutes % 60:02}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f} {'of 1' if unit == '0 to 1' else unit}"
