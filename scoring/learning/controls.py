"""People without episodes whose lives look like them: what they live through, day by day.

Sizes are assumptions where no source is named: no cohort of such people is at hand.
"""

from collections.abc import Callable, Mapping

import numpy as np

Lived = Mapping[str, np.ndarray]


def lived(rng: np.random.Generator, control: str, days: int) -> Lived:
    """What a control of that kind lives through, as ``Course.lived``; nothing for "none"."""
    return KINDS[control](rng, days) if control in KINDS else {}


def _shift_worker(rng: np.random.Generator, days: int) -> Lived:
    """Blocks of two to four nights at work, sleeping from the morning on: 8 to 9 h later."""
    phase, sleep = np.zeros(days), np.zeros(days)
    day = int(rng.integers(0, 6))
    while day < days:
        block = slice(day, day + int(rng.integers(2, 5)))
        phase[block], sleep[block] = rng.uniform(7.5, 9.0), -1.2
        day = block.stop + int(rng.integers(3, 8))
    return {"phase_hours": phase, "sleep_hours": sleep}


def _newborn_parent(rng: np.random.Generator, days: int) -> Lived:
    """Three times the awakenings, an hour less from sleep's beginning to its end, easing off."""
    easing = np.linspace(1.0, rng.uniform(0.3, 0.8), days)
    return {"wake_bouts": 1.0 + 2.0 * easing, "sleep_hours": -1.0 * easing}


def _traveller(rng: np.random.Generator, days: int) -> Lived:
    """Journeys over 4 to 9 zones that the record does not know: out, 5 to 12 days, and back."""
    phase = np.zeros(days)
    day = int(rng.integers(3, 25))
    while day < days:
        hours, stay = float(rng.choice((-1, 1)) * rng.uniform(4, 9)), int(rng.integers(5, 13))
        left = np.arange(max(min(days - day, stay), 0))
        phase[day : day + len(left)] = hours * np.minimum((left + 1) / abs(hours), 1)
        back = np.arange(max(min(days - day - stay, 9), 0))
        start = day + len(left)
        phase[start : start + len(back)] = np.sign(hours) * np.maximum(abs(hours) - 1 - back, 0)
        day += stay + int(rng.integers(15, 45))
    return {"phase_hours": phase}


def _athlete(rng: np.random.Generator, days: int) -> Lived:
    """Half as active again, a pulse 12 lower, and a training camp now and then."""
    activity = np.full(days, 1.5)
    camp = int(rng.integers(0, max(days - 10, 1)))
    activity[camp : camp + 8] = 1.9
    return {"activity": activity, "resting_bpm": np.full(days, -12.0)}


def _ill(rng: np.random.Generator, days: int) -> Lived:
    """Infections of 5 to 10 days: in bed, with a pulse 8 higher and broken, longer sleep."""
    out = {
        "activity": np.ones(days),
        "wake_bouts": np.ones(days),
        "sleep_hours": np.zeros(days),
        "resting_bpm": np.zeros(days),
    }
    day = int(rng.integers(0, 30))
    while day < days:
        spell = slice(day, day + int(rng.integers(5, 11)))
        out["activity"][spell], out["wake_bouts"][spell] = 0.5, 1.6
        out["sleep_hours"][spell], out["resting_bpm"][spell] = 1.5, 8.0
        day = spell.stop + int(rng.integers(30, 90))
    return out


def _elderly(rng: np.random.Generator, days: int) -> Lived:
    """Earlier by an hour, shorter by half an hour, lighter sleep, a quarter less activity."""
    return {
        "phase_hours": np.full(days, -1.0),
        "sleep_hours": np.full(days, -0.5),
        "wake_bouts": np.full(days, 1.5),
        "activity": np.full(days, 0.75),
    }


KINDS: Mapping[str, Callable[[np.random.Generator, int], Lived]] = {
    "shift_worker": _shift_worker,
    "newborn_parent": _newborn_parent,
    "traveller": _traveller,
    "athlete": _athlete,
    "ill": _ill,
    "elderly": _elderly,
}
