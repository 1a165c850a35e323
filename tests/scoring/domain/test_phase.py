"""The pacemaker from night to night."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, Minutes
from scoring.domain.daily import daily_features
from scoring.domain.phase import PacemakerDay
from scoring.domain.types import PersonData
from tests.scoring.domain.builders import a_day, episode, log_only, logged, person, series

UTC_ZONE = ZoneHistory.of("Etc/UTC")


def pacemakers(who: PersonData, last: int = 19) -> list[PacemakerDay | None]:
    return [phase for _, phase in daily_features(who, a_day(0), a_day(last))]


def known(days: list[PacemakerDay | None]) -> list[PacemakerDay]:
    return [d for d in days if d is not None]


def test_before_the_first_known_night_there_is_no_phase() -> None:
    found = pacemakers(log_only(episode(a_day(5)), episode(a_day(6))))
    assert [d is None for d in found[:6]] == [True] * 5 + [False]


def test_first_night_repeated_is_where_it_begins() -> None:
    first = known(pacemakers(logged()))[0]
    assert first.best.dlmo_hours == pytest.approx(21.577, abs=0.02)


def test_nap_is_no_habit() -> None:
    found = pacemakers(log_only(episode(a_day(5), 800, 1000)))
    assert found == [None] * 20


def test_seven_latest_main_sleeps_are_kept() -> None:
    nights = tuple(episode(a_day(d), -60 + d) for d in range(1, 20))
    usual = known(pacemakers(person(sleep=nights)))[-1].usual
    assert usual == tuple((240 + d, 720) for d in range(13, 20))


def test_unknown_nights_follow_the_usual_ones() -> None:
    def away(values: Minutes) -> None:
        values[10 * 1440 :] = np.nan

    nights = tuple(episode(a_day(d)) for d in range(1, 10))
    found = known(pacemakers(person(sleep=nights, change=away)))
    assert found[-1].best.dlmo_hours == pytest.approx(21.577, abs=0.02)
    assert found[-1].best.amplitude == pytest.approx(found[8].best.amplitude, abs=0.005)


def test_habit_of_an_evening_sleeper_runs_over_19_o_clock() -> None:
    # 16:00 to midnight: half before and half after the edge of the pacemaker's day.
    def away(values: Minutes) -> None:
        values[12 * 1440 :] = np.nan

    nights = tuple(episode(a_day(d), -480, 0) for d in range(1, 12))
    found = known(pacemakers(person(sleep=nights, change=away)))
    assert found[-1].best.dlmo_hours % 24 == pytest.approx((21.577 - 7) % 24, abs=0.1)


def test_awakening_within_a_window_stays_dark_as_in_the_published_model() -> None:
    whole = known(pacemakers(logged()))[-1]
    broken = tuple(episode(a_day(d), wakes=((120, 170),)) for d in range(1, 20))
    found = known(pacemakers(person(sleep=broken)))[-1]
    assert (found.best.dlmo_hours, found.best.amplitude) == (
        whole.best.dlmo_hours,
        whole.best.amplitude,
    )


def test_light_between_two_windows_weakens_the_pacemaker() -> None:
    whole = known(pacemakers(logged()))[-1].best.amplitude
    broken = tuple(episode(a_day(d), wakes=((120, 190),)) for d in range(1, 20))
    assert known(pacemakers(person(sleep=broken)))[-1].best.amplitude < whole - 0.05


def test_later_sleep_delays_the_phase_step_by_step() -> None:
    nights = tuple(
        episode(a_day(d), -60 + 120 * (d > 9), 420 + 120 * (d > 9)) for d in range(1, 20)
    )
    hours = [d.best.dlmo_hours for d in known(pacemakers(person(sleep=nights)))]
    assert hours[8] == pytest.approx(21.577, abs=0.02)
    assert all(later > earlier for earlier, later in zip(hours[8:], hours[9:], strict=False))
    assert 22.5 < hours[-1] < 23.6


def lit(lux: float, days: int = 20, dark_after: int = 18 * 60, change: object = None) -> PersonData:
    """A regular sleeper with a light sensor: so many lux from 07:00 until a minute, then 10."""
    minute = np.arange(days * 1440) % 1440
    light = np.where((minute >= 420) & (minute < 1380), np.where(minute < dark_after, lux, 10), 0)
    light = light.astype(np.float32)
    if callable(change):
        change(light)
    return logged(days, light=series(light, Channel.LIGHT))


def test_measured_light_takes_the_place_of_the_assumed() -> None:
    bright = known(pacemakers(lit(5000.0)))[-1]
    assumed = known(pacemakers(logged()))[-1]
    assert bright.light_share == pytest.approx(1.0, abs=0.01)
    assert bright.measured is not None
    assert bright.best.dlmo_hours < assumed.best.dlmo_hours - 0.5  # bright days, dim evenings
    assert bright.asleep_awake == assumed.asleep_awake  # what the boosters see is as published


def test_a_constant_250_lux_is_the_published_model() -> None:
    seen = known(pacemakers(lit(250.0, dark_after=1440)))[-1]
    assert seen.measured is not None
    assert seen.measured.dlmo_hours == pytest.approx(seen.asleep_awake.dlmo_hours, abs=0.02)


@pytest.mark.parametrize("lux", [0.0, 60.0])
def test_a_sensor_that_saw_no_lit_room_is_not_believed(lux: float) -> None:
    found = known(pacemakers(lit(lux)))[-1]
    assert found.measured is None and found.light_share == 0
    assert found.best == found.asleep_awake


def test_half_a_day_of_light_is_not_believed() -> None:
    def noon(light: Minutes) -> None:
        light[np.arange(light.size) % 1440 > 720] = np.nan

    assert all(d.measured is None for d in known(pacemakers(lit(5000.0, change=noon))))


def test_light_that_stops_is_forgotten_after_two_weeks_and_without_a_jump() -> None:
    def stops(light: Minutes) -> None:
        light[12 * 1440 :] = np.nan

    found = known(pacemakers(lit(5000.0, days=40, change=stops), last=39))
    hours = [d.best.dlmo_hours for d in found]
    assert found[10].measured and found[20].measured and not found[-1].measured
    assert [d.light_share > 0 for d in found] == [True] * 11 + [False] * 28
    assert max(abs(b - a) for a, b in zip(hours[2:], hours[3:], strict=False)) < 0.7


def test_the_state_goes_through_json_and_back() -> None:
    for day in known(pacemakers(lit(5000.0, days=5), last=4)):
        assert PacemakerDay.from_dict(json.loads(json.dumps(asdict(day)))) == day
