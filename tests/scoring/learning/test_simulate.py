"""Simulated people: the same from the same seed, plausible, and moved by their mood."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from patients.domain.recording import Family
from scoring.domain.daily import daily_features
from scoring.domain.types import DayFeatures, PersonData
from scoring.learning.people import (
    DEPRESSION,
    EUTHYMIA,
    MANIA,
    Course,
    Episode,
    a_course,
    a_person,
    phq8_scores,
)
from scoring.learning.simulate import (
    Night,
    asleep_minutes,
    simulate_nights,
    simulate_person_data,
)

FIRST = date(2025, 1, 6)


def simulated(
    seed: int, course: Course, diagnosis: str = "bipolar_1", zone: str = "Etc/UTC"
) -> PersonData:
    rng = np.random.default_rng(seed)
    # People who wear it, and of whom the mean effect is seen.
    person = replace(
        a_person(rng, diagnosis), missing_share=0.1, phase_response=1.0, low_sleep_response=1.0
    )
    return simulate_person_data(rng, person, course, FIRST, zone, Family.ACTIGRAPH_COUNTS, 2000.0)


def days_of(data: PersonData, count: int) -> list[DayFeatures]:
    return [f for f, _ in daily_features(data, FIRST, FIRST + timedelta(days=count - 1))]


def same(one: PersonData, other: PersonData) -> bool:
    minutes = all(
        np.array_equal(a.values, b.values, equal_nan=True)
        for a, b in zip(one.series, other.series, strict=True)
    )
    return minutes and one.sleep == other.sleep


@pytest.fixture(scope="module")
def well() -> list[DayFeatures]:
    """Three weeks of 16 people who are well."""
    return [d for seed in range(16) for d in days_of(simulated(seed, a_course(21, [])), 21)[1:]]


def mean(values: list[float | None]) -> float:
    return float(np.mean([v for v in values if v is not None]))


def test_same_seed_is_the_same_person() -> None:
    course = a_course(6, [Episode(MANIA, 2, 4, 1.0)])
    assert same(simulated(3, course), simulated(3, course))
    assert not same(simulated(3, course), simulated(4, course))


def test_sleep_of_well_people_is_plausible(well: list[DayFeatures]) -> None:
    nights = [d for d in well if d.night_present]
    assert 6.3 < mean([d.sleep["time_asleep_hours"] for d in nights]) < 7.9
    assert 2.5 < mean([d.sleep["midpoint_hours"] for d in nights]) < 5.5
    assert 5 < mean([d.sleep["wake_after_onset_minutes"] for d in nights]) < 90
    assert 20.5 < mean([d.phase["dlmo_hour"] for d in nights]) < 25
    assert 0.6 < len(nights) / len(well) < 1.0


def test_steps_and_heart_of_well_people_are_plausible(well: list[DayFeatures]) -> None:
    whole = [d for d in well if d.recorded_minutes == 1440]
    steps = [d.activity["steps"] for d in whole]
    assert 3500 < mean([float(s) for s in steps if s is not None]) < 11000
    assert 60 < mean([d.heart["mean_bpm"] for d in whole]) < 95


def test_rhythm_of_well_people_is_plausible(well: list[DayFeatures]) -> None:
    known = [d for d in well if d.rhythm["l5"] is not None]
    assert 0.2 < mean([d.rhythm["interdaily_stability"] for d in known]) < 0.9
    assert 0.7 < mean([d.rhythm["relative_amplitude"] for d in known]) <= 1.0


def test_mania_sleeps_earlier_and_shorter() -> None:
    course = a_course(60, [Episode(MANIA, 30, 30, 1.0)])
    moved = []
    for seed in range(6):
        nights = [d for d in days_of(simulated(seed, course), 60) if d.night_present]
        before = [d for d in nights if d.day < FIRST + timedelta(days=28)]
        within = [d for d in nights if FIRST + timedelta(days=36) <= d.day < FIRST + timedelta(55)]
        moved.append(
            [
                mean([d.sleep[key] for d in within]) - mean([d.sleep[key] for d in before])
                for key in ("time_asleep_hours", "midpoint_hours")
            ]
        )
    hours, middle = np.mean(moved, axis=0)
    assert -3.5 < hours < -1.2
    assert -2.5 < middle < -0.7


def test_depression_moves_less_and_scores_higher() -> None:
    course = a_course(40, [Episode(DEPRESSION, 20, 30, 1.0)])
    days = days_of(simulated(2, course, "mdd"), 40)
    low = mean([d.activity["mean_per_minute"] for d in days[26:]])  # type: ignore[misc]
    assert low < 0.9 * mean([d.activity["mean_per_minute"] for d in days[:18]])  # type: ignore[misc]
    rng = np.random.default_rng(0)
    scores = phq8_scores(rng, a_person(rng, "mdd"), course)
    assert scores[26:].mean() > scores[:18].mean() + 5
    assert ((scores >= 0) & (scores <= 24)).all()


def test_episode_ramps_up_and_down() -> None:
    course = a_course(20, [Episode(MANIA, 4, 10, 0.8)])
    assert course.intensity[3] == course.intensity[14] == 0
    assert course.intensity[4] == pytest.approx(0.2)
    assert course.intensity[13] == pytest.approx(0.2)
    assert course.intensity[7:11].tolist() == pytest.approx([0.8] * 4)
    assert (course.kind[4:14] == MANIA).all() and course.kind[14] == EUTHYMIA
    assert course.felt("sleep_hours")[0] == 0.0


def test_night_is_asleep_but_for_its_awakenings() -> None:
    nights = [Night(-60, 420, ((100, 130),), True), Night(0, 60, (), True)]
    asleep = asleep_minutes(nights)
    assert asleep.shape == (2880,)
    assert asleep[:420].sum() == 420 - 30 and not asleep[100:130].any()
    assert asleep[1440:1500].all() and asleep[420:1440].sum() == 0


def test_nights_stay_within_their_bounds() -> None:
    rng = np.random.default_rng(5)
    course = a_course(200, [Episode(MANIA, 20, 100, 1.0)])
    for night in simulate_nights(rng, a_person(rng, "bipolar_1"), course):
        assert 90 <= night.offset - night.onset <= 720
        for start, stop in night.wakes:
            assert night.onset < start <= stop < night.offset


def test_night_not_recorded_has_no_minutes_and_no_record() -> None:
    data = simulated(1, a_course(60, []))
    days = days_of(data, 60)[1:]
    missing = [d for d in days if not d.night_present]
    assert missing
    assert all(d.night_worn_minutes == 0 and d.indexes == (None,) * 12 for d in missing)


def test_records_do_not_overlap_and_lie_in_a_clock_change_zone() -> None:
    data = simulated(8, a_course(90, []), zone="America/Toronto")
    for one, other in zip(data.sleep, data.sleep[1:], strict=False):
        assert one.end <= other.start
    assert len(days_of(data, 90)) == 90
