"""Calibrators are fitted for people unseen, for the prevalence asked, or not at all."""

import numpy as np
import pytest

from scoring.domain.calibration import expected_calibration_error
from scoring.learning.calibrate import TooFewPositives, calibrator_of
from scoring.learning.fit import folds_of
from scoring.learning.fit_mania import natural_weights


def people(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, outputs that are twice too high, and whose they are."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(1, 6, n)
    labels = (rng.random(n) < truth).astype(np.float64)
    return labels, np.minimum(2 * truth, 1.0), np.arange(n) // 4


def test_outputs_that_are_too_high_come_down() -> None:
    labels, raw, who = people(20_000)
    calibrate = calibrator_of(labels, raw, who)
    unseen, told, _ = people(20_000, seed=1)
    before = expected_calibration_error((unseen > 0).tolist(), told.tolist())
    after = expected_calibration_error((unseen > 0).tolist(), [calibrate(p) for p in told])
    assert before > 0.08 and after < 0.02
    assert len(calibrate.raw) <= 2000 and 0 < calibrate(0.0) < calibrate(1.0) < 1


def test_weights_bring_an_enriched_sample_back_to_its_prevalence() -> None:
    labels, raw, who = people(40_000)
    kept = (labels == 0) | (np.random.default_rng(0).random(len(labels)) < 0.5)
    labels, raw, who = labels[kept], raw[kept], who[kept]
    weights = natural_weights(labels.astype(np.int8), np.array([0.75, 0.25, 0.0, 0.0]))
    assert np.average(labels, weights=weights) == pytest.approx(0.25)
    calibrate = calibrator_of(labels, raw, who, weights)
    told = np.array([calibrate(p) for p in raw])
    assert np.average(told, weights=weights) == pytest.approx(0.25, abs=0.01)


def test_every_kind_of_episode_gets_its_natural_share() -> None:
    kinds = np.repeat(np.array([0, 2, 3], np.int8), (600, 300, 100))
    natural = np.array([0.90, 0.0, 0.08, 0.02])
    weights = natural_weights(kinds, natural)
    for kind, share in enumerate(natural):
        assert weights[kinds == kind].sum() / weights.sum() == pytest.approx(share)


def test_a_higher_output_gets_a_higher_probability_between_the_ends() -> None:
    # Few positives a step: half a row more turns neighbours round, which must not leave a level.
    labels, raw, who = people(1_500, seed=4)
    calibrate = calibrator_of(labels, raw, who)
    assert (np.diff(calibrate.raw) > 0).all() and (np.diff(calibrate.calibrated) > 0).all()
    between = np.linspace(calibrate.raw[0], calibrate.raw[-1], 500)
    assert (np.diff([calibrate(p) for p in between]) > 0).all()


@pytest.mark.parametrize(("positives", "of_people"), [(49, 49), (60, 9)])
def test_too_few_positives_are_no_calibration(positives: int, of_people: int) -> None:
    labels = np.zeros(1000)
    labels[:positives] = 1
    who = np.arange(1000)
    who[:positives] = np.arange(positives) % of_people
    with pytest.raises(TooFewPositives, match=f"{positives} positive days of {of_people} people"):
        calibrator_of(labels, np.linspace(1, 0, 1000), who)


def test_outputs_that_say_nothing_are_no_calibration() -> None:
    labels = (np.arange(1000) % 2).astype(np.float64)
    with pytest.raises(TooFewPositives, match="do not rise"):
        calibrator_of(labels, np.full(1000, 0.3), np.arange(1000))


def test_nobody_is_in_two_folds() -> None:
    who = np.repeat(np.arange(30), 5)
    fold = folds_of(who, 0)
    assert all(len(set(fold[who == person])) == 1 for person in range(30))
    assert sorted(set(fold)) == [0, 1, 2]
