"""What would change a decision: the router is asked, nothing is guessed."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.early_warning import EarlyWarning
from scoring.domain.router import TIERS, Antidepressant
from scoring.domain.types import TrackOutput
from scoring.domain.what_if import (
    EdgeStep,
    Inputs,
    KnownList,
    MoreCoverage,
    MoreData,
    WithoutRule,
    what_would_change,
)
from scoring.resources import router_rules

DAY = date(2026, 11, 19)
QUIET = EarlyWarning()


def output(probability: float | None, coverage: float = 1.0) -> TrackOutput:
    if probability is None:
        return TrackOutput.unavailable("too little", coverage)
    return TrackOutput("ok", None, probability, coverage)


def inputs(
    depression: TrackOutput,
    mania: TrackOutput,
    antidepressant: Antidepressant = Antidepressant.NONE,
    warning: EarlyWarning = QUIET,
) -> Inputs:
    return Inputs(DAY, depression, mania, antidepressant, warning, router_rules())


def test_the_nearest_edges_are_told_with_the_tier_that_comes_out() -> None:
    edges = [
        i for i in what_would_change(inputs(output(0.46), output(0.12))) if isinstance(i, EdgeStep)
    ]
    assert [(e.track, e.edge, e.upwards, e.tier, e.overall) for e in edges] == [
        ("depression", 0.5, True, "Moderate", "Low"),  # 0.4 * 0.5 + 0.6 * 0.12 = 0.272
        ("mania", 0.3, True, "Moderate", "Moderate"),  # 0.4 * 0.46 + 0.6 * 0.3 = 0.364
    ]


def test_both_edges_of_a_moderate_track_are_told() -> None:
    edges = [
        i for i in what_would_change(inputs(output(0.6), output(0.1)))
        if isinstance(i, EdgeStep) and i.track == "depression"
    ]  # fmt: skip
    assert [(e.edge, e.upwards, e.tier) for e in edges] == [
        (0.8, True, "High"),
        (0.5, False, "Low"),
    ]


def test_a_track_without_data_says_how_many_nights_or_minutes_are_missing() -> None:
    found = what_would_change(inputs(output(None, 0.21), output(None, 9 / 30)))
    assert found == [MoreData("depression", 2117, 3024), MoreData("mania", 9, 12)]
    assert [item.missing for item in found if isinstance(item, MoreData)] == [907, 3]


def test_enough_nights_without_a_recent_one_ask_for_a_recent_one() -> None:
    [found] = [
        i for i in what_would_change(inputs(output(0.1), output(None, 20 / 30)))
        if isinstance(i, MoreData)
    ]  # fmt: skip
    assert (found.needs_recent, found.missing) == (True, 0)


def test_a_model_that_failed_is_not_for_want_of_data() -> None:
    failed = TrackOutput.failure("The model failed.", 1.0)
    assert not any(isinstance(i, MoreData) for i in what_would_change(inputs(output(0.1), failed)))


def test_limited_coverage_is_tried_at_the_limit() -> None:
    found = what_would_change(inputs(output(0.75, 0.5), output(0.1)))
    # 0.25 * 0.75 + 0.75 * 0.1 = 0.26, Low; covered: 0.4 * 0.75 + 0.6 * 0.1 = 0.36, Moderate.
    assert MoreCoverage("depression", 0.5, 0.6, "Moderate") in found


def test_the_list_of_medications_is_tried_both_ways() -> None:
    given_ = inputs(output(0.75), output(0.05), Antidepressant.UNAVAILABLE)
    # 0.4 * 0.75 + 0.6 * 0.05 = 0.33; 0.6 * 0.75 + 0.4 * 0.05 = 0.47: both Moderate.
    assert KnownList("Moderate", "Moderate") in what_would_change(given_)
    assert not any(
        isinstance(i, KnownList)
        for i in what_would_change(replace(given_, antidepressant=Antidepressant.NONE))
    )


def test_the_early_warning_rule_is_left_out_once() -> None:
    found = what_would_change(inputs(output(0.1), output(0.1), warning=EarlyWarning("High")))
    assert WithoutRule("Low") in found


PROBABILITY = st.none() | st.floats(0, 1)


@given(PROBABILITY, PROBABILITY, st.floats(0.31, 1), st.sampled_from(list(Antidepressant)))
def test_every_tier_told_is_the_routers_own_and_no_indeterminate_day_has_an_edge(
    depression: float | None, mania: float | None, coverage: float, drug: Antidepressant
) -> None:
    given_ = inputs(output(depression, coverage), output(mania, coverage), drug)
    now = given_.decide()
    for item in what_would_change(given_):
        if isinstance(item, EdgeStep):
            assert now.tier != "Indeterminate"
            p = item.edge if item.upwards else item.edge - 1e-9
            track = replace(given_.track(item.track), probability=p)
            there = given_.with_track(item.track, track).decide()
            assert item.overall == there.tier
            rank = TIERS.index(item.overall) - TIERS.index(now.tier)
            assert rank >= 0 if item.upwards else rank <= 0
