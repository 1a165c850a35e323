"""The router: worked numbers, every point of a grid, and what must never happen."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest

from scoring.domain.calibration import IsotonicCalibrator
from scoring.domain.early_warning import EarlyWarning
from scoring.domain.router import TIERS, Antidepressant, decide
from scoring.domain.rules import load_router_rules
from scoring.domain.types import Reason, RiskDecision, TrackOutput

SCORING = Path(__file__).parents[3] / "scoring"
RULES = load_router_rules(SCORING / "data" / "router.toml")
SHIPPED = IsotonicCalibrator.of(
    json.loads((SCORING / "artifacts" / "combination.json").read_text())
)
DAY = date(2026, 3, 1)
GRID = [i / 100 for i in range(101)]
COVERAGES = [(1.0, 1.0), (0.5, 1.0), (1.0, 0.5), (0.5, 0.5)]
SHORT_SLEEP = EarlyWarning("High", (Reason("early_warning_sleep", "rule"),))


def ok(probability: float, coverage: float = 1.0) -> TrackOutput:
    return TrackOutput("ok", None, probability, coverage)


def gone(reason: str = "too little data.", coverage: float = 0.1) -> TrackOutput:
    return TrackOutput.unavailable(reason, coverage)


def decision(
    depression: TrackOutput,
    mania: TrackOutput,
    antidepressant: Antidepressant = Antidepressant.NONE,
    warning: EarlyWarning | None = None,
    calibrate: Callable[[float], float] | None = None,
) -> RiskDecision:
    return decide(
        DAY, depression, mania, antidepressant, warning or EarlyWarning(), RULES, calibrate
    )


@pytest.mark.parametrize(
    ("depression", "mania", "antidepressant", "probability", "tier"),
    [
        (0.9, 0.2, Antidepressant.NONE, 0.48, "Moderate"),
        (0.9, 0.2, Antidepressant.ACTIVE, 0.62, "Moderate"),
        (0.49, 0.12, Antidepressant.NONE, 0.305, "Low"),
        (0.1, 1.0, Antidepressant.NONE, 0.64, "High"),
    ],
)
def test_worked_numbers(
    depression: float, mania: float, antidepressant: Antidepressant, probability: float, tier: str
) -> None:
    result = decision(ok(depression), ok(mania), antidepressant)
    assert (result.tier, result.probability) == (tier, pytest.approx(probability, abs=1e-12))


def test_floor_of_mania_is_named_as_a_reason() -> None:
    assert "floor_mania" in [r.code for r in decision(ok(0.1), ok(1.0)).reasons]


@pytest.mark.parametrize("calibrate", [None, SHIPPED], ids=["as it is", "shipped"])
@pytest.mark.parametrize("coverages", COVERAGES)
@pytest.mark.parametrize("antidepressant", Antidepressant)
def test_raising_either_probability_never_lowers_the_tier(
    coverages: tuple[float, float],
    antidepressant: Antidepressant,
    calibrate: IsotonicCalibrator | None,
) -> None:
    def rank(d: float, m: float) -> int:
        both = ok(d, coverages[0]), ok(m, coverages[1])
        return TIERS.index(decision(*both, antidepressant, calibrate=calibrate).tier)

    ranks = [[rank(d, m) for m in GRID] for d in GRID]
    for i, j in product(range(101), range(101)):
        if i:
            assert ranks[i][j] >= ranks[i - 1][j], (GRID[i], GRID[j])
        if j:
            assert ranks[i][j] >= ranks[i][j - 1], (GRID[i], GRID[j])


@pytest.mark.parametrize(
    ("said", "probability", "tier"),
    [(0.72, 0.60, "Moderate"), (0.58, 0.58, "Moderate"), (0.1, 0.56, "Moderate")],
)
def test_either_pole_is_as_likely_as_the_likelier_and_no_likelier_than_both_together(
    said: float, probability: float, tier: str
) -> None:
    result = decision(ok(0.56), ok(0.04), calibrate=lambda mean: said)
    assert (result.tier, result.probability) == (tier, pytest.approx(probability))


@pytest.mark.parametrize("calibrate", [None, SHIPPED, lambda mean: 1.0])
@pytest.mark.parametrize("antidepressant", Antidepressant)
def test_the_overall_tier_is_at_most_the_higher_tracks(
    antidepressant: Antidepressant, calibrate: Callable[[float], float] | None
) -> None:
    for d, m in product(GRID[::4], GRID[::4]):
        result = decision(ok(d), ok(m), antidepressant, calibrate=calibrate)
        tracks = max(map(TIERS.index, (result.depression_tier, result.mania_tier)))
        assert TIERS.index(result.tier) <= tracks, (d, m)


def test_a_tier_held_at_the_tracks_says_so() -> None:
    result = decision(ok(0.71), ok(0.1), calibrate=lambda mean: 0.75)
    assert (result.tier, result.probability) == ("Moderate", pytest.approx(0.75))
    assert "no_higher" in [reason.code for reason in result.reasons]


@pytest.mark.parametrize("coverages", COVERAGES)
@pytest.mark.parametrize("antidepressant", Antidepressant)
def test_weights_sum_to_one_and_make_the_probability(
    coverages: tuple[float, float], antidepressant: Antidepressant
) -> None:
    for d, m in product(GRID[::10], GRID[::10]):
        result = decision(ok(d, coverages[0]), ok(m, coverages[1]), antidepressant)
        assert result.depression_weight is not None and result.mania_weight is not None
        assert result.depression_weight + result.mania_weight == pytest.approx(1)
        expected = result.depression_weight * d + result.mania_weight * m
        assert result.probability == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("coverages", [(0.5, 1.0), (1.0, 0.5)])
def test_one_track_under_60_percent_weighs_a_quarter(coverages: tuple[float, float]) -> None:
    result = decision(ok(0.9, coverages[0]), ok(0.1, coverages[1]))
    expected = (0.25, 0.75) if coverages[0] < 0.6 else (0.75, 0.25)
    assert (result.depression_weight, result.mania_weight) == expected


def test_both_tracks_under_60_percent_is_said() -> None:
    assert "limited_data_both" in [r.code for r in decision(ok(0.2, 0.5), ok(0.2, 0.5)).reasons]


def test_medication_list_unavailable_keeps_the_higher_tier() -> None:
    for d, m in product(GRID[::5], GRID[::5]):
        unknown = decision(ok(d), ok(m), Antidepressant.UNAVAILABLE)
        known = [decision(ok(d), ok(m), a) for a in (Antidepressant.NONE, Antidepressant.ACTIVE)]
        assert TIERS.index(unknown.tier) == max(TIERS.index(k.tier) for k in known)


def test_high_mania_on_limited_data_is_at_least_moderate() -> None:
    assert decision(ok(0.0), ok(0.65, 0.5)).tier == "Moderate"
    assert decision(ok(0.0), ok(0.65, 0.6)).tier == "High"


@pytest.mark.parametrize("probability", GRID[::7])
def test_one_track_decides_by_its_own_probability_and_tier(probability: float) -> None:
    alone = decision(ok(probability), gone())
    assert alone.probability == probability
    assert alone.tier == RULES.depression.tier(probability)
    assert (alone.depression_weight, alone.mania_weight) == (1.0, 0.0)
    assert "mania_unavailable" in [r.code for r in alone.reasons]
    manic = decision(gone(), ok(probability, 0.5))
    assert manic.tier == RULES.mania.tier(probability)


def test_no_track_is_indeterminate_without_a_number() -> None:
    result = decision(gone(), gone())
    assert (result.tier, result.probability) == ("Indeterminate", None)
    assert (result.depression_weight, result.mania_weight) == (None, None)


def test_early_warning_raises_tiers_and_invents_no_probability() -> None:
    result = decision(gone(), gone(), warning=SHORT_SLEEP)
    assert (result.tier, result.mania_tier, result.probability) == ("High", "High", None)
    before = decision(ok(0.6), ok(0.1))
    after = decision(ok(0.6), ok(0.1), warning=SHORT_SLEEP)
    assert after.probability == before.probability
    assert (after.tier, after.mania_tier, after.depression_tier) == ("High", "High", "Moderate")


def test_early_warning_never_lowers() -> None:
    moderate = EarlyWarning("Moderate", (Reason("early_warning_sleep_activity", "rule"),))
    assert decision(ok(0.9), ok(0.9), warning=moderate).tier == "High"


def test_unavailable_track_never_contributes() -> None:
    a = decision(ok(0.7), TrackOutput("unavailable", "failed.", 0.99, 0.9))
    b = decision(ok(0.7), gone("failed.", 0.9))
    assert (a.tier, a.probability, a.mania_tier) == (b.tier, b.probability, "Indeterminate")
    assert a.day + timedelta(0) == DAY
