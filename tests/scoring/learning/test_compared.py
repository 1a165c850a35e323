"""What a model must beat: six features of a week, and logistic regression out of fold."""

import numpy as np
import pytest

from scoring.domain.metrics import auroc
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek
from scoring.learning.compared import SIX, out_of_fold, six_features


def week(awake_from: int = 8, awake_to: int = 22) -> PatWeek:
    hour = np.arange(WEEK_MINUTES) // 60 % 24
    active = np.where((hour >= awake_from) & (hour < awake_to), 100.0, 0.0).astype(np.float32)
    return PatWeek(active, np.ones(WEEK_MINUTES, dtype=bool))


def test_six_features_of_a_square_wave() -> None:
    found = six_features(week())
    assert tuple(found) == SIX
    assert found["mean_activity"] == pytest.approx(100 * 14 / 24)
    assert found["interdaily_stability"] == pytest.approx(1)
    assert found["relative_amplitude"] == pytest.approx(1)
    assert found["l5_onset_hour"] == pytest.approx(10)  # from 22:00 on, ten hours after noon
    assert found["m10_onset_hour"] == pytest.approx(8)


def test_a_later_person_rests_later() -> None:
    earlier, later = six_features(week(8, 22)), six_features(week(10, 24))
    assert later["l5_onset_hour"] == pytest.approx(earlier["l5_onset_hour"] + 2)


def test_what_was_not_worn_says_nothing() -> None:
    half = week()
    worn = np.arange(WEEK_MINUTES) // 60 % 24 < 8
    found = six_features(PatWeek(half.activity, worn))
    assert found["mean_activity"] == 0
    assert np.isnan(found["m10_onset_hour"])
    nothing = six_features(PatWeek(half.activity, np.zeros(WEEK_MINUTES, dtype=bool)))
    assert all(np.isnan(value) for value in nothing.values())


def people(n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten rows a person; one feature says the label, one only says who it is."""
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2 == 0
    who = np.repeat(np.arange(n), 10)
    trait = np.repeat(rng.normal(0, 5, n), 10)
    signal = label[who] + rng.normal(0, 1.0, 10 * n)
    return np.column_stack((signal, trait)), label[who], who


def test_no_fold_knows_its_people() -> None:
    features, labels, who = people()
    guess = out_of_fold(features, labels, who)
    assert guess is not None and np.isfinite(guess).all()
    assert auroc(labels, guess) == pytest.approx(0.76, abs=0.03)  # of a shift of one SD
    noise = np.random.default_rng(1).normal(0, 1, features.shape)
    memorised = out_of_fold(noise, labels, who)
    assert memorised is not None and auroc(labels, memorised) == pytest.approx(0.5, abs=0.06)


def test_missing_values_are_filled() -> None:
    features, labels, who = people()
    features[::3, 0] = np.nan
    features[:, 1] = np.nan
    guess = out_of_fold(features, labels, who)
    assert guess is not None and np.isfinite(guess).all()


def test_one_person_of_a_class_is_too_few() -> None:
    labels, who = np.array([True, False, False]), np.arange(3)
    assert out_of_fold(np.zeros((3, 1)), labels, who) is None
