"""The mania model's 36 inputs: names, order, window, mean, SD and Z."""

from datetime import timedelta

import numpy as np
import pytest

from scoring.domain.types import DayFeatures
from scoring.domain.vector import PHASE, body_vector, vector
from scoring.domain.vector_names import BODY_NAMES, BODY_VECTOR_NAMES, VECTOR_NAMES
from tests.scoring.domain.builders import a_day, features

BASES = [
    "ST_long", "ST_short", "WT_long", "WT_short",
    "LongSleepWindow_length", "LongSleepWindow_number",
    "ShortSleepWindow_length", "ShortSleepWindow_number",
    "Sleep_percentage", "Sleep_amplitude", "Circadian_phase", "Circadian_amplitude",
]  # fmt: skip
NOBODY: tuple[None, ...] = (None,) * 12


def days_of(hours: list[float]) -> list[DayFeatures]:
    return [features(a_day(i), hours=h) for i, h in enumerate(hours)]


def with_phase(*phases: float) -> list[DayFeatures]:
    return [
        features(a_day(i), indexes=(7.0,) + (0.0,) * 9 + (phase, 1.1))
        for i, phase in enumerate(phases)
    ]


def phase_of(days: list[DayFeatures]) -> list[float]:
    """Mean, SD and Z of the phase on the last day."""
    return vector(days, days[-1].day).values.reshape(12, 3)[PHASE].tolist()


def missing(offset: int) -> DayFeatures:
    return features(a_day(offset), night_present=False, indexes=NOBODY)


def test_names_and_order_are_those_of_the_published_boosters() -> None:
    expected = [f"{base}_{suffix}" for base in BASES for suffix in ("MN", "SD", "Zscore")]
    assert list(VECTOR_NAMES) == expected
    assert len(expected) == 36
    assert list(vector([], a_day(0)).named()) == expected


def test_values_stand_in_the_order_of_the_names() -> None:
    days = [features(a_day(i), indexes=tuple(10.0 * k + i for k in range(12))) for i in range(3)]
    named = vector(days, a_day(2)).named()
    for k, base in enumerate(BASES):
        shown = 10.0 * k + 1
        mean = shown if base != "Circadian_phase" else (shown - 12) % 24 + 12
        assert named[f"{base}_MN"] == pytest.approx(mean)
        assert named[f"{base}_SD"] == pytest.approx(1.0)
        assert named[f"{base}_Zscore"] == pytest.approx(1.0)


def test_mean_sd_and_z_by_hand() -> None:
    # 6, 7, 8, 11: mean 8, squares 4 + 1 + 0 + 9 = 14 over n - 1 = 3.
    found = vector(days_of([6, 7, 8, 11]), a_day(3)).values[:3]
    sd = np.sqrt(14 / 3)
    assert found == pytest.approx([8, sd, 3 / sd])


def test_nothing_moved_gives_z_of_zero() -> None:
    assert vector(days_of([7.1] * 30), a_day(29)).values[:3].tolist() == pytest.approx([7.1, 0, 0])


def test_one_night_has_a_mean_only() -> None:
    values = vector(days_of([7]), a_day(0)).values[:3]
    assert values[0] == 7 and np.isnan(values[1:]).all()


def test_no_night_has_nothing() -> None:
    for days in ([], [missing(0)]):
        found = vector(days, a_day(0))
        assert np.isnan(found.values).all() and found.nights_present == 0
        assert set(found.named().values()) == {None}


def test_missing_scored_night_has_no_z() -> None:
    days = [*days_of([6, 7, 8]), missing(3)]
    values = vector(days, a_day(3)).values.reshape(12, 3)
    assert np.isnan(values[:, 2]).all()
    assert not np.isnan(values[:, :2]).any()
    assert values[0, :2].tolist() == [7, 1]


def test_missing_night_of_a_constant_sleeper_has_no_z_either() -> None:
    days = [*days_of([7, 7, 7]), missing(3)]
    assert np.isnan(vector(days, a_day(3)).values[2])


def test_missing_nights_are_left_out_and_not_zero() -> None:
    days = [features(a_day(0), hours=6), missing(1), features(a_day(2), hours=8)]
    found = vector(days, a_day(2))
    assert (found.values[0], found.nights_present) == (7, 2)
    assert found.coverage == pytest.approx(2 / 30)


def test_window_is_thirty_days_with_the_scored_one_and_never_later() -> None:
    days = [features(a_day(i), hours=float(i)) for i in range(60)]
    found = vector(days, a_day(40))
    assert found.nights_present == 30
    assert found.values[0] == pytest.approx(np.mean(np.arange(11, 41)))
    other = [d if d.day <= a_day(40) else features(d.day, hours=99.0) for d in days]
    assert np.array_equal(vector(other, a_day(40)).values, found.values)
    older = [d if d.day > a_day(10) else features(d.day, hours=99.0) for d in days]
    assert np.array_equal(vector(older, a_day(40)).values, found.values)


def test_phase_across_midnight_is_one_series() -> None:
    # 23:20, 00:00, 00:40
    mean, sd, z = phase_of(with_phase(23.333, 24.0, 24.667))
    assert (mean, sd, z) == (pytest.approx(24.0), pytest.approx(0.667), pytest.approx(1.0))


def test_phase_across_noon_is_one_series() -> None:
    # From 11:00 by 12:00 to 13:00 the next day: 35, 36, 37 and not 35, 12, 13.
    mean, sd, z = phase_of(with_phase(35.0, 36.0, 37.0))
    assert (mean, sd, z) == (pytest.approx(12.0), pytest.approx(1.0), pytest.approx(1.0))


@pytest.mark.parametrize("turns", [-2, -1, 0, 1, 3])
def test_mean_phase_lies_in_12_to_36_whatever_the_turn(turns: int) -> None:
    found = phase_of(with_phase(*(p + 24.0 * turns for p in (21.0, 22.0, 23.0))))
    assert found == pytest.approx([22.0, 1.0, 1.0])


def test_index_unknown_on_one_day_is_left_out() -> None:
    days = days_of([7, 7, 7])
    days[1] = features(a_day(1), indexes=(7.0,) + (0.0,) * 8 + (None, 21.5, 1.1))
    found = vector(days, a_day(2)).values.reshape(12, 3)
    assert found[9].tolist() == [0, 0, 0]
    assert found[0].tolist() == [7, 0, 0]


def test_scored_day_that_is_not_there_has_no_z() -> None:
    days = days_of([6, 7, 8])
    assert np.isnan(vector(days, a_day(2) + timedelta(days=1)).values[2])


def body_day(offset: int, steps: float | None, rmssd: float | None = None) -> DayFeatures:
    return features(
        a_day(offset),
        activity={"mean_per_minute": 1.0, "steps": steps, "sedentary_hours": 9.0},
        heart={"rmssd_ms": rmssd},
    )


def body(days: list[DayFeatures], window_days: int = 30) -> dict[str, list[float]]:
    values = body_vector(days, days[-1].day, window_days).reshape(-1, 3)
    return dict(zip(BODY_NAMES, values.tolist(), strict=True))


def test_body_has_fifteen_columns_behind_the_thirty_six() -> None:
    assert len(BODY_VECTOR_NAMES) == 15 and not set(BODY_VECTOR_NAMES) & set(VECTOR_NAMES)
    assert BODY_VECTOR_NAMES[:3] == ("Steps_MN", "Steps_SD", "Steps_Zscore")


def test_body_by_hand_with_a_day_missing() -> None:
    found = body([body_day(0, 4000, 30), body_day(1, None), body_day(2, 6000, None)])
    assert found["Steps"] == pytest.approx([5000, 2000 / 2**0.5, 1 / 2**0.5])
    assert found["Sedentary_hours"] == [9, 0, 0]  # nothing moved
    assert found["RMSSD"][0] == 30 and np.isnan(found["RMSSD"][1:]).all()
    assert np.isnan(found["SDNN"]).all()


def test_body_does_not_look_ahead_nor_beyond_its_window() -> None:
    days = [body_day(i, 1000.0 * i) for i in range(40)]
    alone = body(days[:31])
    assert np.array_equal(body_vector(days, a_day(30)), body_vector(days[:31], a_day(30)), True)
    assert alone["Steps"][0] == pytest.approx(np.mean(range(1, 31)) * 1000)
    assert body(days[:31], 10)["Steps"][0] == pytest.approx(np.mean(range(21, 31)) * 1000)


def test_window_length_is_given() -> None:
    days = days_of([float(i) for i in range(40)])
    assert vector(days, a_day(39), 10).coverage == 1.0
    assert vector(days, a_day(39), 10).values[0] == pytest.approx(34.5)
    assert vector(days[35:], a_day(39), 10).coverage == 0.5
