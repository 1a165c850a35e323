"""Minutes replaced by a person's usual ones, and what is said of it."""

from datetime import date, timedelta

import numpy as np
import pytest

from scoring.domain.explain import Label
from scoring.domain.occlusion import (
    AGAINST_REFERENCE,
    PARTS,
    TypicalWeek,
    attention_shares,
    depression_contributions,
    occluded,
    occlusions,
    typical_week,
)
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek, Reference, standardised
from scoring.domain.types import Mask

LAST = date(2026, 3, 1)
REFERENCE = Reference(
    np.full(WEEK_MINUTES, 10, dtype=np.float32), np.full(WEEK_MINUTES, 2, dtype=np.float32)
)
LABELS = {name: Label(f"label of {name}", "") for name in PARTS}
EVERY = np.ones(WEEK_MINUTES, dtype=bool)
DAY = np.arange(WEEK_MINUTES) // 1440
PART = np.arange(WEEK_MINUTES) % 1440 // 360


def week(level: float | np.ndarray, worn: Mask = EVERY) -> PatWeek:
    return PatWeek(np.full(WEEK_MINUTES, 1.0, dtype=np.float32) * np.float32(level), worn)


def test_days_and_parts_each_cover_every_minute_once() -> None:
    found = occlusions(LAST)
    names = [f"day_{LAST - timedelta(days=back)}" for back in range(6, -1, -1)]
    assert list(found) == [*names, *PARTS]
    masks = list(found.values())
    for view in (masks[:7], masks[7:]):
        assert (sum(mask.astype(int) for mask in view) == 1).all()
    assert found["day_2026-03-01"][-1440:].all()
    assert found["part_morning"][360] and not found["part_morning"][359]


def test_the_typical_week_is_one_that_was_lived() -> None:
    """Of the three weeks the oldest is a holiday; the newest may already be part of the change."""
    rng = np.random.default_rng(1)
    usual, newest = (week(rng.gamma(2, 5, WEEK_MINUTES)) for _ in range(2))
    holiday = week(rng.gamma(2, 50, WEEK_MINUTES))
    found = typical_week([newest, usual, holiday], REFERENCE)
    np.testing.assert_array_equal(found.activity, usual.activity)
    np.testing.assert_array_equal(found.inputs, standardised(usual, REFERENCE))
    assert found.own.all()


def test_of_equal_weeks_the_older_is_usual() -> None:
    found = typical_week([week(3), week(4), week(4)], REFERENCE)
    assert set(found.activity) == {4.0}


def test_gaps_are_filled_minute_by_minute_and_the_rest_is_the_references() -> None:
    first, second = DAY < 4, DAY < 6
    found = typical_week([week(7, second), week(20, first)], REFERENCE)
    assert set(found.activity[DAY < 4]) == {20} and set(found.activity[second & ~first]) == {7}
    assert set(found.activity[DAY == 6]) == {10} and not found.inputs[DAY == 6].any()
    np.testing.assert_array_equal(found.own, second)


def test_no_week_before_leaves_the_reference() -> None:
    for earlier in ([], [week(5, ~EVERY)], [week(np.nan)] * 3):
        found = typical_week(earlier, REFERENCE)
        assert not found.own.any() and not found.inputs.any()
        np.testing.assert_array_equal(found.activity, REFERENCE.mean)


def test_occluding_nothing_changes_nothing() -> None:
    inputs = standardised(week(13), REFERENCE)
    typical = typical_week([week(20)], REFERENCE)
    np.testing.assert_array_equal(occluded(inputs, ~EVERY, typical), inputs)
    same = typical_week([week(13)], REFERENCE)
    np.testing.assert_array_equal(occluded(inputs, EVERY, same), inputs)


def test_only_the_occluded_minutes_change() -> None:
    inputs = standardised(week(13), REFERENCE)
    out = occluded(inputs, PART == 2, typical_week([week(20)], REFERENCE))
    assert set(out[PART == 2]) == {5.0} and set(out[PART != 2]) == {1.5}
    assert set(inputs) == {1.5} and out.dtype == np.float32


def shown(
    now: PatWeek, typical: TypicalWeek, **without: float
) -> dict[str, tuple[float | None, float | None, float, str]]:
    probabilities = dict.fromkeys(occlusions(LAST), 0.6) | without
    found = depression_contributions(0.6, probabilities, now, typical, LAST, "counts", LABELS)
    assert len(found) == 11 and {c.unit for c in found} == {"counts"}
    assert [abs(c.points) for c in found] == sorted((abs(c.points) for c in found), reverse=True)
    return {c.name: (c.value, c.usual, c.points, c.label) for c in found}


def test_each_day_and_part_stands_beside_the_usual_of_the_same_minutes() -> None:
    worn = PART > 0
    found = shown(
        week(PART.astype(float), worn),
        typical_week([week(PART + 10.0)], REFERENCE),
        part_evening=0.4,
        **{"day_2026-02-28": 0.7},
    )
    assert next(iter(found)) == "part_evening"
    value, usual, points, label = found["part_evening"]
    assert (value, usual, label) == (3.0, 13.0, "label of part_evening")
    assert points == pytest.approx(20)
    value, usual, points, label = found["day_2026-02-28"]
    assert (value, usual, label) == (2.0, 12.0, "Activity on Saturday 28 February")
    assert points == pytest.approx(-10)
    assert found["part_night"][:2] == (None, None)


def test_without_a_history_it_says_what_it_was_compared_with() -> None:
    typical = typical_week([week(7, DAY == 6)], REFERENCE)
    found = shown(week(5), typical)
    assert found["day_2026-03-01"][:2] == (5, 7)
    value, usual, _, label = found["part_morning"]
    assert (value, usual) == (5, None)
    assert label == f"label of part_morning, {AGAINST_REFERENCE}"


def test_attention_is_shared_out_in_two_views() -> None:
    attention = np.where((DAY == 2) & (PART == 1), 3.0, 1.0)
    found = attention_shares(attention, LAST)
    assert list(found) == list(occlusions(LAST))
    assert sum(list(found.values())[:7]) == pytest.approx(1)
    assert sum(list(found.values())[7:]) == pytest.approx(1)
    assert found["day_2026-02-25"] == pytest.approx(1.5 / 7.5)
