"""The pacemaker from night to night."""

import numpy as np
import pytest

from patients.domain.days import ZoneHistory
from patients.domain.recording import Minutes
from scoring.domain.daily import daily_features
from scoring.domain.phase import PacemakerDay
from scoring.domain.types import PersonData
from tests.scoring.domain.builders import a_day, episode, log_only, logged, person

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
    assert first.dlmo_hours == pytest.approx(21.577, abs=0.02)


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
    assert found[-1].dlmo_hours == pytest.approx(21.577, abs=0.02)
    assert found[-1].amplitude == pytest.approx(found[8].amplitude, abs=0.005)


def test_habit_of_an_evening_sleeper_runs_over_19_o_clock() -> None:
    # 16:00 to midnight: half before and half after the edge of the pacemaker's day.
    def away(values: Minutes) -> None:
        values[12 * 1440 :] = np.nan

    nights = tuple(episode(a_day(d), -480, 0) for d in range(1, 12))
    found = known(pacemakers(person(sleep=nights, change=away)))
    assert found[-1].dlmo_hours % 24 == pytest.approx((21.577 - 7) % 24, abs=0.1)


def test_awakening_within_a_window_stays_dark_as_in_the_published_model() -> None:
    whole = known(pacemakers(logged()))[-1]
    broken = tuple(episode(a_day(d), wakes=((120, 170),)) for d in range(1, 20))
    found = known(pacemakers(person(sleep=broken)))[-1]
    assert (found.dlmo_hours, found.amplitude) == (whole.dlmo_hours, whole.amplitude)


def test_light_between_two_windows_weakens_the_pacemaker() -> None:
    whole = known(pacemakers(logged()))[-1].amplitude
    broken = tuple(episode(a_day(d), wakes=((120, 190),)) for d in range(1, 20))
    assert known(pacemakers(person(sleep=broken)))[-1].amplitude < whole - 0.05


def test_later_sleep_delays_the_phase_step_by_step() -> None:
    nights = tuple(
        episode(a_day(d), -60 + 120 * (d > 9), 420 + 120 * (d > 9)) for d in range(1, 20)
    )
    hours = [d.dlmo_hours for d in known(pacemakers(person(sleep=nights)))]
    assert hours[8] == pytest.approx(21.577, abs=0.02)
    assert all(later > earlier for earlier, later in zip(hours[8:], hours[9:], strict=False))
    assert 22.5 < hours[-1] < 23.6
