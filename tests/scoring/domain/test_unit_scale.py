"""A week's level against the levels of the reference people."""

import numpy as np
import pytest

from patients.domain.recording import Family
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek
from scoring.domain.unit_scale import scale_reason, weekly_level


def week(level: float, worn: float = 1.0) -> PatWeek:
    minutes = np.arange(WEEK_MINUTES)
    activity = np.where(minutes % 2, 0.0, 2 * level).astype(np.float32)
    return PatWeek(activity, minutes < worn * WEEK_MINUTES)


def test_the_level_is_the_mean_of_worn_minutes() -> None:
    half = week(100, worn=0.5)
    half.activity[WEEK_MINUTES // 2 :] = 9999
    half.activity[:1440] = np.nan
    assert weekly_level(half) == pytest.approx(100)
    assert weekly_level(week(100, worn=0)) is None


@pytest.mark.parametrize(
    ("level", "is_within"), [(49, False), (50, True), (200, True), (2e3, False)]
)
def test_a_level_outside_what_was_seen_has_a_reason(level: float, is_within: bool) -> None:
    reason = scale_reason(week(level), Family.CONDOR_PIM, (50.0, 200.0))
    assert (reason is None) == is_within
    if reason:
        assert reason.code == "unit_scale_not_validated"
        assert reason.text.lower().startswith("unit scale not validated: ")
        assert f"{level:,.0f} PIM/min" in reason.text and "50 to 200" in reason.text


def test_a_week_without_a_level_has_none() -> None:
    assert scale_reason(week(100, worn=0), Family.MIMS, (1.0, 2.0)) is None
