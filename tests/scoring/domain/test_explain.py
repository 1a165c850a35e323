"""Points of the mania track: they add up, whatever the calibrators do."""

from collections.abc import Callable
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.explain import (
    Label,
    ModelPart,
    additivity,
    by_index,
    mania_contributions,
    points_by_index,
    shown_probability,
)
from scoring.domain.vector_names import BODY_NAMES, BODY_VECTOR_NAMES, INDEX_NAMES, VECTOR_NAMES
from tests.scoring.domain.builders import a_day, features

Calibrate = Callable[[float], float]
LABELS = {name: Label(f"label of {name}", "h") for name in (*INDEX_NAMES, *BODY_NAMES)}
MARGINS = st.lists(st.floats(-6, 6), min_size=4, max_size=4)


def as_it_is(probability: float) -> float:
    return probability


def in_steps(heights: list[float]) -> Calibrate:
    """A calibrator of flat parts and jumps, as isotonic regression gives."""
    steps = sorted(heights)
    return lambda probability: steps[min(int(probability * len(steps)), len(steps) - 1)]


CALIBRATORS = st.one_of(
    st.just(as_it_is),
    st.floats(0, 1).map(lambda level: lambda _: level),
    st.lists(st.floats(0, 1), min_size=1, max_size=5).map(in_steps),
)


def part(
    margins: list[float], bias: float = -3.0, calibrate: Calibrate = as_it_is, off: float = 0.0
) -> ModelPart:
    """A model over four indexes; ``off`` is how far its own margin is from the SHAP values'."""
    margin = bias + sum(margins) + off
    named = dict(zip("abcd", margins, strict=False))
    return ModelPart(named, bias, margin, calibrate(1 / (1 + exp(-margin))), calibrate)


PARTS = st.builds(part, MARGINS, st.floats(-6, 3), CALIBRATORS)


@given(st.lists(PARTS, min_size=1, max_size=2))
def test_points_sum_to_shown_output_minus_base(parts: list[ModelPart]) -> None:
    points = points_by_index(parts)
    shown = shown_probability([p.probability for p in parts])
    base = shown_probability([p.base for p in parts])
    assert sum(points.values()) == pytest.approx(100 * (shown - base), abs=1e-9)
    assert additivity(parts, points)["holds"]


@given(st.lists(PARTS, min_size=2, max_size=2))
def test_no_index_is_worth_more_than_the_whole_scale(parts: list[ModelPart]) -> None:
    for points in points_by_index(parts).values():
        assert abs(points) <= 200 + 1e-9  # two forces of two models at most, 100 points each


@given(PARTS)
def test_an_index_has_the_sign_of_its_margin(model: ModelPart) -> None:
    for name, points in points_by_index([model]).items():
        assert points * model.margins[name] >= 0


@given(MARGINS, st.floats(-6, 3))
def test_margins_of_one_sign_keep_their_shares(margins: list[float], bias: float) -> None:
    upwards = [abs(m) + 0.01 for m in margins]
    points = points_by_index([part(upwards, bias)])
    for name, margin in zip("abcd", upwards, strict=True):
        assert points[name] / points["a"] == pytest.approx(margin / upwards[0])


def test_points_of_one_model_are_those_worked_out_by_hand() -> None:
    """Base 1/2; up alone 3/4, down alone 1/4, both 1/2: each force is worth 25 points."""
    third = log(3)
    points = points_by_index([part([third, -third * 0.75, -third * 0.25], bias=0.0)])
    assert points == pytest.approx({"a": 25.0, "b": -18.75, "c": -6.25})


def test_margins_that_cancel_stand_against_each_other() -> None:
    points = points_by_index([part([2.0, -2.0, 0.0, 0.0], bias=-1.0)])
    assert points["a"] == pytest.approx(-points["b"]) and points["a"] > 10
    assert points["c"] == points["d"] == 0


def test_a_jump_between_margins_that_nearly_cancel_gives_no_huge_points() -> None:
    """A plain rescaling would give the first index 100 * 0.9 * 3 / 0.001 points."""
    jump: Calibrate = lambda p: 0.95 if p > 0.5 else 0.05  # noqa: E731
    points = points_by_index([part([3.0, -2.999, 0.0, 0.0], bias=-0.0005, calibrate=jump)])
    assert sum(points.values()) == pytest.approx(90)
    assert max(map(abs, points.values())) <= 100


def test_nothing_known_moves_nothing() -> None:
    assert points_by_index([part([0.0] * 4), part([0.0] * 4)]) == dict.fromkeys("abcd", 0.0)


def test_a_flat_calibrator_leaves_no_points() -> None:
    model = part([3.0, -1.0, 0.5, 0.0], calibrate=lambda _: 0.3)
    assert points_by_index([model]) == dict.fromkeys("abcd", 0.0)


def test_the_cap_is_shared_by_both_models() -> None:
    both = [part([8.0, 0.0, 0.0, 0.0]), part([0.0, 8.0, 0.0, 0.0])]
    assert sum(p.probability for p in both) > 1.9
    points = points_by_index(both)
    assert points["a"] == pytest.approx(points["b"])
    assert points["a"] + points["b"] == pytest.approx(100 * (1 - sum(p.base for p in both)))


def test_both_models_add_to_the_same_index() -> None:
    one, two = part([1.0, 0.0, 0.0, 0.0], bias=-4), part([1.5, 0.0, 0.0, 0.0], bias=-4)
    alone = [points_by_index([model])["a"] for model in (one, two)]
    assert points_by_index([one, two])["a"] == pytest.approx(sum(alone))


def test_gap_on_the_margin_is_found() -> None:
    for off, holds in ((5e-5, True), (2e-4, False), (-0.1, False)):
        model = part([1.0, 0.2, 0.0, 0.0], off=off)
        check = additivity([part([0.1] * 4), model], points_by_index([model]) | {"a": 0.0})
        assert check["margin_gap"] == pytest.approx(abs(off))
        found = additivity([model], points_by_index([model]))
        assert found["holds"] is holds


def test_points_that_do_not_add_up_are_found() -> None:
    model = part([1.0, 0.2, 0.0, 0.0])
    points = points_by_index([model])
    check = additivity([model], points | {"a": points["a"] + 0.5})
    assert check["gap"] == pytest.approx(0.5) and not check["holds"]
    assert check["output_minus_base"] == pytest.approx(100 * (model.probability - model.base))


def test_a_check_without_a_number_does_not_hold() -> None:
    model = part([float("nan"), 0.0, 0.0, 0.0])
    assert not additivity([model], {"a": float("nan")})["holds"]


def test_margins_of_an_index_are_those_of_its_three_features() -> None:
    margins = np.zeros(36)
    margins[3:6] = [1.0, 2.0, 4.0]
    found = by_index(VECTOR_NAMES, margins)
    assert list(found) == list(INDEX_NAMES)
    assert {name: m for name, m in found.items() if m} == {"ST_short": 7.0}


def test_features_of_the_body_are_grouped_by_their_names() -> None:
    found = by_index((*VECTOR_NAMES, *BODY_VECTOR_NAMES), np.ones(51))
    assert list(found) == [*INDEX_NAMES, *BODY_NAMES]
    assert set(found.values()) == {3.0}


def means(**known: float) -> dict[str, float | None]:
    return dict.fromkeys(VECTOR_NAMES) | known


def test_mania_shows_every_index_by_its_points_beside_the_usual() -> None:
    points = dict(zip(INDEX_NAMES, [1.0, -9, 0, 0, 5, 0, 0, 0, 2, 0, -7, 0], strict=True))
    day = features(a_day(0), indexes=tuple(float(k) for k in range(12)))
    shown = mania_contributions(points, means(ST_short_MN=3.5), day, LABELS)
    assert [c.name for c in shown[:5]] == [INDEX_NAMES[i] for i in (1, 10, 4, 8, 0)]
    assert sum(c.points for c in shown) == sum(points.values())
    assert (shown[0].value, shown[0].usual, shown[0].points) == (1.0, 3.5, -9.0)
    assert shown[0].label == "label of ST_short"


def test_mania_shows_the_body_where_the_model_reads_it() -> None:
    day = features(a_day(0), heart={"resting_bpm": 71.0})
    [shown] = mania_contributions(
        {"Resting_heart_rate": 4.0}, means(Resting_heart_rate_MN=62.0), day, LABELS
    )
    assert (shown.value, shown.usual, shown.points) == (71.0, 62.0, 4.0)


def test_mania_shows_the_phase_as_a_clock_hour() -> None:
    day = features(a_day(0), indexes=(36.5,) * 12)
    [phase] = mania_contributions(
        {"Circadian_phase": 1.0}, means(Circadian_phase_MN=37.0), day, LABELS
    )
    assert (phase.value, phase.usual) == (12.5, 13.0)


def test_mania_of_a_missing_night_shows_no_value() -> None:
    day = features(a_day(0), indexes=(None,) * 12)
    shown = mania_contributions(dict.fromkeys(INDEX_NAMES, 1.0), means(), day, LABELS)
    assert {(c.value, c.usual) for c in shown} == {(None, None)}
