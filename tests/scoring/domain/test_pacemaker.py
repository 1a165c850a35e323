"""The pacemaker against the golden schedules and the reference's check values."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from scoring.domain import pacemaker
from scoring.domain.types import Floats


def light(lux: float, bed_hour: float, wake_hour: float) -> Floats:
    """A day from midnight: dark between bed and wake (clock hours), lux otherwise."""
    hour = np.arange(1440) / 60
    return np.where((hour - bed_hour) % 24 < (wake_hour - bed_hour) % 24, 0.0, lux)


def settled(lux: Floats, days: int = 40) -> tuple[float, float, float]:
    """CBTmin, DLMO (clock hours) and half the range of x on the last of so many days alike."""
    x = pacemaker.simulate(lux, pacemaker.warmed_up(lux, days - 1)).x
    cbtmin = pacemaker.minimum_hour(x, 0, 24)
    dlmo = (cbtmin - pacemaker.CBTMIN_TO_DLMO_HOURS) % 24
    return cbtmin, dlmo, float(x.max() - x.min()) / 2


@pytest.mark.parametrize(
    ("name", "bed", "wake"),
    [("500lux|regular_23_07", 23, 7), ("500lux|advanced_3h_20_04", 20, 4)],
)
def test_golden_schedule(shared: Path, name: str, bed: float, wake: float) -> None:
    golden = json.loads((shared / "golden" / "circadian.json").read_text())
    wanted, tolerance = golden["dlmo_expected_variant_A"][name], golden["dlmo_tolerance_h"]
    cbtmin, dlmo, half_range = settled(light(500, bed, wake))
    assert dlmo == pytest.approx(wanted["dlmo_h"], abs=tolerance)
    assert cbtmin == pytest.approx(wanted["cbtmin_h"], abs=tolerance)
    assert half_range == pytest.approx(wanted["half_p2p_x"], abs=1e-3)


def test_reference_values_of_a_regular_sleeper_at_250_lux() -> None:
    cbtmin, dlmo, half_range = settled(light(250, 23, 7))
    assert cbtmin == pytest.approx(4.577, abs=0.005)
    assert dlmo == pytest.approx(21.577, abs=0.005)
    assert half_range == pytest.approx(1.0984, abs=5e-4)


@pytest.mark.parametrize(
    ("hours", "dlmo", "half_range"),
    [
        (6, 23.25, 1.063),
        (8, 23.05, 1.098),
        (10, 22.70, 1.113),
        (12, 22.35, 1.115),
        (14, 21.95, 1.111),
    ],
)
def test_reference_values_by_length_of_sleep(hours: float, dlmo: float, half_range: float) -> None:
    found = settled(light(250, 4.5 - hours / 2, 4.5 + hours / 2))
    assert found[1] == pytest.approx(dlmo, abs=0.1)  # given to a twentieth of an hour
    assert found[2] == pytest.approx(half_range, abs=0.002)


def test_thirty_days_settle_even_a_night_worker() -> None:
    day_sleep = light(250, 9, 16)
    assert settled(day_sleep, 30)[1] == pytest.approx(settled(day_sleep, 60)[1], abs=0.05)


def test_steps_of_five_minutes_follow_the_equations_of_the_paper() -> None:
    stiffness = (24 / (0.99669 * 24.2)) ** 2

    def slope(hour: float, state: Floats, lux: float) -> list[float]:
        x, xc, n = state
        alpha = 0.16 * (lux / 9500) ** 0.6
        b = 19.875 * (1 - n) * alpha * (1 - 0.4 * x) * (1 - 0.4 * xc)
        return [
            np.pi / 12 * (xc + b),
            np.pi / 12 * (0.23 * (xc - 4 / 3 * xc**3) - x * (stiffness + 0.55 * b)),
            60 * (alpha * (1 - n) - 0.013 * n),
        ]

    exact = np.array(pacemaker.MIDNIGHT_OF_A_REGULAR_SLEEPER)
    for hours, lux in ((7, 0.0), (16, 250.0), (1, 0.0)) * 3:
        path = solve_ivp(slope, (0, hours), exact, args=(lux,), rtol=1e-10, atol=1e-12)
        exact = path.y[:, -1]
    found = pacemaker.simulate(np.tile(light(250, 23, 7), 3)).end
    assert found == pytest.approx(tuple(exact), abs=1e-3)


def test_many_people_at_once_are_each_alone() -> None:
    people = np.stack([light(250, 23, 7), light(250, 2, 9)])
    together = pacemaker.simulate(people)
    for i, lux in enumerate(people):
        assert together.x[:, i] == pytest.approx(pacemaker.simulate(lux).x, abs=1e-12)


def test_two_halves_in_a_row_are_the_whole() -> None:
    lux = np.tile(light(250, 23, 7), 2)
    whole = pacemaker.simulate(lux)
    first = pacemaker.simulate(lux[:1440])
    second = pacemaker.simulate(lux[1440:], first.end)
    assert second.end == whole.end
    assert np.array_equal(second.x, whole.x[288:])


def test_minimum_at_the_edge_is_given_as_the_edge() -> None:
    assert pacemaker.minimum_hour(np.arange(289.0), 0, 24) == 0.0
    assert pacemaker.minimum_hour(-np.arange(289.0), 0, 24) == 24.0


@pytest.mark.parametrize(
    ("hours", "shown"), [(21.58, 21.58), (24.667, 24.667), (12.0, 12.0), (36.0, 12.0), (11.9, 35.9)]
)
def test_printed_hour_lies_in_12_to_36(hours: float, shown: float) -> None:
    assert pacemaker.dlmo_printed_hour(hours) == pytest.approx(shown)
