from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.triage import (
    RANK,
    Evidence,
    Standing,
    TrackDay,
    Verdict,
    triage,
)
from alerts.domain.triage_rules import load_triage_rules
from alerts.resources import DATA, triage_rules
from scoring.domain.rules import RuleFileError

DAY = date(2026, 3, 30)
EDGES = {"depression": (0.5, 0.8), "mania": (0.3, 0.6)}


def days(track: str, *probabilities: float | None) -> tuple[TrackDay, ...]:
    """Days that end with DAY, tiers as the router gives them; None is not assessed."""
    moderate, high = EDGES[track]

    def tier(p: float | None) -> str:
        if p is None:
            return "Indeterminate"
        return "High" if p >= high else "Moderate" if p >= moderate else "Low"

    first = DAY - timedelta(days=len(probabilities) - 1)
    return tuple(
        TrackDay(first + timedelta(days=n), tier(p), p) for n, p in enumerate(probabilities)
    )


def mania(*probabilities: float | None, **more: object) -> Evidence:
    return replace(Evidence("mania", days("mania", *probabilities)), **more)  # type: ignore[arg-type]


def verdict(evidence: Evidence, standing: Standing | None = None) -> Verdict:
    return triage(evidence, standing, triage_rules())


def test_high_raises_at_once_and_low_never() -> None:
    assert verdict(mania(0.1, 0.7)) == Verdict("raised", "High", "high")
    assert verdict(mania(0.1, 0.2)) == Verdict(None, "Low", "below")


@pytest.mark.parametrize(
    ("last", "event"),
    [
        ((0.35,), None),
        ((0.35, 0.1, 0.35), None),
        ((0.35, 0.35, 0.35), "raised"),
        ((0.35, 0.25, 0.35, 0.25, 0.35), "raised"),
        ((0.35, 0.35, 0.25, 0.25, 0.25, 0.35), None),
        ((0.35, None, 0.35, None, 0.35), "raised"),
    ],
)
def test_moderate_raises_when_it_was_there_on_three_of_five_days(
    last: tuple[float | None, ...], event: str | None
) -> None:
    found = verdict(mania(*last))
    assert (found.event, found.why) == (event, "persisted" if event else "not_persisted")


def test_a_fast_rise_does_not_wait() -> None:
    assert verdict(mania(0.1, 0.1, 0.36)).why == "rose_fast"
    assert verdict(mania(0.1, 0.2, 0.2, 0.2, 0.36)).event is None


@pytest.mark.parametrize("reason", ["worse_than_usual", "early_warning", "antidepressant_active"])
def test_a_reason_of_its_own_does_not_wait(reason: str) -> None:
    assert verdict(mania(0.25, 0.35, at_once=(reason,))) == Verdict("raised", "Moderate", reason)
    assert verdict(mania(0.25, 0.28, at_once=(reason,))).event is None


def test_after_a_stopped_mood_stabiliser_mania_alerts_earlier() -> None:
    stopped = mania(0.22, 0.22, 0.22, stabiliser_stopped=True)
    assert verdict(stopped) == Verdict("raised", "Moderate", "persisted")
    assert verdict(replace(stopped, stabiliser_stopped=False)).event is None
    assert verdict(mania(0.15, 0.15, 0.15, stabiliser_stopped=True)).event is None
    at_once = replace(stopped, at_once=("mood_stabiliser_stopped",))
    assert verdict(replace(at_once, days=at_once.days[-1:])).why == "mood_stabiliser_stopped"


def test_high_mania_inhibits_moderate_depression_and_not_high() -> None:
    evidence = Evidence("depression", days("depression", 0.6, 0.6, 0.6), mania_is_high=True)
    assert verdict(evidence) == Verdict(None, "Moderate", "inhibited")
    assert verdict(replace(evidence, mania_is_high=False)).event == "raised"
    severe = replace(evidence, days=days("depression", 0.6, 0.85))
    assert verdict(severe).event == "raised"


def test_after_a_change_of_a_drug_that_affects_sleep_moderate_waits_and_high_does_not() -> None:
    assert verdict(mania(0.35, 0.35, 0.35, in_grace=True)).why == "grace"
    assert verdict(mania(0.35, 0.35, 0.65, in_grace=True)).event == "raised"
    kept = mania(0.35, in_grace=True, at_once=("antidepressant_active",))
    assert verdict(kept).event == "raised"


def test_the_same_or_a_lower_tier_changes_nothing_about_an_open_alert() -> None:
    for tier in ("Moderate", "High"):
        standing = Standing(True, tier, is_acknowledged=True)
        assert verdict(mania(0.35, 0.35, 0.35), standing).event is None
    assert verdict(mania(0.35, 0.65), Standing(True, "Moderate")).event == "risen"


def test_missing_data_neither_raises_nor_closes() -> None:
    assert verdict(mania(0.9, None)).event is None
    low = (0.1,) * 7
    open_alert = Standing(True, "High", is_acknowledged=True)
    assert verdict(mania(*low), open_alert).event == "resolved"
    assert verdict(mania(*low, None), open_alert).event is None
    assert verdict(mania(*low[:-1], None, 0.1), open_alert).event == "resolved"
    assert verdict(mania(*low[:-1]), open_alert).event is None


def test_nothing_closes_while_the_indicator_hovers_below_the_edge() -> None:
    open_alert = Standing(True, "Moderate", is_acknowledged=True)
    assert verdict(mania(*(0.28,) * 9), open_alert).event is None
    assert verdict(mania(*(0.1,) * 7), Standing(True, "Moderate")).event is None  # nobody saw it


@pytest.mark.parametrize(("ago", "event"), [(6, None), (7, "raised")])
def test_a_dismissed_alert_stays_quiet_for_a_week_unless_it_gets_worse(
    ago: int, event: str | None
) -> None:
    standing = Standing(False, "Moderate", closed_on=DAY - timedelta(days=ago))
    assert verdict(mania(0.35, 0.35, 0.35), standing).event == event
    assert verdict(mania(0.35, 0.65), standing).event == "raised"


def test_what_a_clinician_lowered_rises_only_with_new_evidence() -> None:
    lowered = Standing(True, "Moderate", is_acknowledged=True, evidence_tier="High")
    assert verdict(mania(0.7, 0.7), lowered).event is None
    fallen = Standing(True, "Moderate", is_acknowledged=True, evidence_tier="Moderate")
    assert verdict(mania(0.7, 0.35, 0.7), fallen).event == "risen"


def test_high_after_a_fall_is_told_during_the_cool_down_and_continuing_high_is_not() -> None:
    closed = Standing(False, "High", closed_on=DAY - timedelta(days=3), evidence_tier="Low")
    assert verdict(mania(0.7, 0.7, 0.7, 0.7), closed).why == "cool_down"
    assert verdict(mania(0.7, 0.1, 0.1, 0.7), closed).event == "raised"
    assert verdict(mania(0.35, 0.35, 0.1, 0.35), closed).why == "cool_down"


def test_a_lowered_threshold_also_holds_for_closing() -> None:
    held = Standing(True, "Moderate", is_acknowledged=True)
    hovering = mania(*(0.22,) * 9)
    assert verdict(hovering, held).event == "resolved"
    assert verdict(replace(hovering, stabiliser_stopped=True), held).event is None


probabilities = st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=12)


@given(probabilities, st.booleans(), st.booleans(), st.booleans())
def test_what_is_raised_has_a_reason_and_at_least_moderate(
    values: list[float | None], grace: bool, stopped: bool, is_high: bool
) -> None:
    evidence = mania(*values, in_grace=grace, stabiliser_stopped=stopped, mania_is_high=is_high)
    found = verdict(evidence)
    assert found.why and (found.event is None or RANK[found.tier] >= RANK["Moderate"])
    if evidence.days[-1].tier == "High":
        assert found.event == "raised"
    if evidence.days[-1].tier == "Indeterminate":
        assert found.event is None


@given(probabilities, st.integers(0, 11), st.floats(0, 1))
def test_a_higher_probability_never_loses_an_alert(
    values: list[float | None], at: int, more: float
) -> None:
    """On the scored day: raising it keeps what was raised."""
    if values[-1] is None or verdict(mania(*values)).event is None:
        return
    higher = [*values[:-1], max(values[-1], more)]
    assert verdict(mania(*higher)).event == "raised"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("persists_days = 6", "persists_days lies between"),
        ('raise_from = "Low"', "raise_from is Moderate or High"),
        ("nag = 3", "nag"),
        ("low_below = { mania = 0.2 }", "low_below.depression is missing"),
    ],
)
def test_a_bad_rule_file_is_refused_by_field(tmp_path: Path, line: str, says: str) -> None:
    name = line.split(" =")[0]
    kept = [
        row for row in (DATA / "triage.toml").read_text().splitlines() if not row.startswith(name)
    ]
    (tmp_path / "triage.toml").write_text("\n".join([*kept, line]))
    with pytest.raises(RuleFileError, match=says):
        load_triage_rules(tmp_path / "triage.toml")
