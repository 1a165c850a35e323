"""Section 4 of the design said again in plain words, against every point of a grid."""

import json
from datetime import date
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.circumstances import circumstances_on
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS, EarlyWarning
from scoring.domain.output import decision_dict
from scoring.domain.router import TIERS, Antidepressant, decide
from scoring.domain.rules import load_router_rules
from scoring.domain.types import Reason, RiskDecision, TrackOutput
from tests.scoring.domain.test_circumstances import EVERY_KIND, NOTING

DATA = Path(__file__).parents[3] / "scoring" / "data"
RULES = load_router_rules(DATA / "router.toml")
DAY = date(2026, 3, 1)
LIFE = circumstances_on(EVERY_KIND, DAY, NOTING)
STORED = json.loads((Path(__file__).parent / "stored_decisions.json").read_text())
RANK = {"Indeterminate": 0, "Low": 1, "Moderate": 2, "High": 3}
WARNINGS = {
    None: EarlyWarning(),
    "Moderate": EarlyWarning("Moderate", (Reason(TWO_NIGHTS, "two"),)),
    "High": EarlyWarning("High", (Reason(THREE_NIGHTS, "three"),)),
}


def track(probability: float | None, coverage: float) -> TrackOutput:
    if probability is None:
        return TrackOutput.unavailable("too little data.", coverage)
    return TrackOutput("ok", None, probability, coverage)


# The design in whole hundredths and fractions; nothing here comes from the code it checks.
def plain_tier(hundredths: Fraction | int, moderate: int, high: int) -> str:
    return "High" if hundredths >= high else "Moderate" if hundredths >= moderate else "Low"


def plain_section_4(
    d: int | None, m: int | None, d_full: bool, m_full: bool, antidepressant: str
) -> tuple[str, Fraction | None]:
    """Tier and probability in hundredths; d and m are hundredths or None, full: 60 % or more."""
    if d is None and m is None:
        return "Indeterminate", None
    if m is None:
        assert d is not None
        return plain_tier(d, 50, 80), Fraction(d)
    mania = plain_tier(m, 30, 60)
    floor = ("High" if m_full else "Moderate") if mania == "High" else "Low"
    if d is None:
        return max(mania, floor, key=RANK.__getitem__), Fraction(m)
    depression = plain_tier(d, 50, 80)
    if depression == "High" and floor == "Low":
        floor = "Moderate"
    quarter, usual, treated = Fraction(1, 4), Fraction(2, 5), Fraction(3, 5)
    if d_full != m_full:
        shares = [1 - quarter if d_full else quarter]
    elif depression == mania:
        shares = [Fraction(1, 2)]
    else:
        shares = {"none": [usual], "active": [treated], "unavailable": [usual, treated]}[
            antidepressant
        ]
    found = []
    for share in shares:
        mean = share * d + (1 - share) * m
        tier = "Low" if depression == mania == "Low" else plain_tier(mean, 30, 70)
        found.append((RANK[tier], mean, tier))
    _, mean, tier = max(found)
    return max(tier, floor, key=RANK.__getitem__), mean


@pytest.mark.parametrize("antidepressant", Antidepressant)
@pytest.mark.parametrize(("d_full", "m_full"), list(product((True, False), repeat=2)))
def test_every_point_of_the_grid_has_the_tier_of_section_4(
    d_full: bool, m_full: bool, antidepressant: Antidepressant
) -> None:
    coverages = [1.0 if full else 0.5 for full in (d_full, m_full)]
    seen = set()
    for d, m in product(range(101), repeat=2):
        tier, mean = plain_section_4(d, m, d_full, m_full, antidepressant)
        result = decide(
            DAY, track(d / 100, coverages[0]), track(m / 100, coverages[1]),
            antidepressant, EarlyWarning(), RULES,
        )  # fmt: skip
        assert result.tier == tier, (d, m)
        assert mean is not None and result.probability == pytest.approx(float(mean) / 100)
        seen.add(tier)
    assert seen == {"Low", "Moderate", "High"}


@pytest.mark.parametrize("antidepressant", Antidepressant)
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("only", ["depression", "mania", "neither"])
def test_every_point_of_one_track_has_the_tier_of_section_4(
    only: str, full: bool, antidepressant: Antidepressant
) -> None:
    for p in range(101):
        d, m = (p if only == name else None for name in ("depression", "mania"))
        tier, mean = plain_section_4(d, m, full, full, antidepressant)
        tracks = [track(None if v is None else v / 100, 1.0 if full else 0.5) for v in (d, m)]
        result = decide(DAY, *tracks, antidepressant, EarlyWarning(), RULES)
        expected = None if mean is None else pytest.approx(float(mean) / 100)
        assert (result.tier, result.probability) == (tier, expected), p


def test_the_plain_words_know_the_worked_numbers() -> None:
    asked = [(90, 20, "none"), (90, 20, "active"), (49, 12, "none"), (10, 100, "none")]
    found = [plain_section_4(d, m, True, True, state) for d, m, state in asked]
    assert [tier for tier, _ in found] == ["Moderate", "Moderate", "Low", "High"]
    assert [mean for _, mean in found] == [48, 62, Fraction(61, 2), 64]


PROBABILITY = st.floats(0, 1)
COVERAGE = st.floats(0, 1)
AROUND = {
    "antidepressant": st.sampled_from(list(Antidepressant)),
    "warning": st.sampled_from(list(WARNINGS.values())),
    "life": st.lists(st.sampled_from(LIFE), unique_by=lambda c: c.span.kind).map(tuple),
}


def decided(d: TrackOutput, m: TrackOutput, around: dict[str, Any]) -> RiskDecision:
    return decide(
        DAY, d, m, around["antidepressant"], around["warning"], RULES,
        circumstances=around["life"],
    )  # fmt: skip


@given(
    PROBABILITY, PROBABILITY, PROBABILITY, COVERAGE, COVERAGE, st.fixed_dictionaries(AROUND)
)  # fmt: skip
def test_raising_either_probability_never_lowers_a_tier(
    d: float, m: float, more: float, d_cov: float, m_cov: float, around: dict[str, Any]
) -> None:
    before = decided(track(d, d_cov), track(m, m_cov), around)
    for raised in (
        decided(track(max(d, more), d_cov), track(m, m_cov), around),
        decided(track(d, d_cov), track(max(m, more), m_cov), around),
    ):
        for tier in ("tier", "depression_tier", "mania_tier"):
            then, now = (TIERS.index(getattr(r, tier)) for r in (before, raised))
            assert now >= then, tier


@given(
    st.one_of(st.none(), PROBABILITY), PROBABILITY, COVERAGE, COVERAGE, COVERAGE,
    st.fixed_dictionaries(AROUND), st.booleans(),
)  # fmt: skip
def test_an_unavailable_track_never_contributes(
    known: float | None, hidden: float, coverage: float, one: float, other: float,
    around: dict[str, Any], depression_is_gone: bool,
) -> None:  # fmt: skip
    """Whatever number and coverage it carries, the decision is the same to the last reason."""
    there = track(known, coverage)
    gone = [TrackOutput("unavailable", "why", p, c) for p, c in ((hidden, one), (None, other))]
    if depression_is_gone:
        first, second = (decided(g, there, around) for g in gone)
    else:
        first, second = (decided(there, g, around) for g in gone)
    assert first == second
    assert first.probability == known


@given(PROBABILITY, PROBABILITY, COVERAGE, COVERAGE, st.fixed_dictionaries(AROUND))
def test_a_circumstance_hides_no_mania_warning(
    d: float, m: float, d_cov: float, m_cov: float, around: dict[str, Any]
) -> None:
    """Numbers, weights and model tiers stay; a tier is lower only where two nights are noted."""
    tracks = track(d, d_cov), track(m, m_cov)
    without, within = decided(*tracks, around | {"life": ()}), decided(*tracks, around)
    for name in ("probability", "depression_weight", "mania_weight", "depression_tier"):
        assert getattr(without, name) == getattr(within, name)
    quiet = decided(*tracks, around | {"life": (), "warning": EarlyWarning()})
    noted = "early_warning_noted" in [reason.code for reason in within.reasons]
    assert (within.tier, within.mania_tier) == (
        (quiet.tier, quiet.mania_tier) if noted else (without.tier, without.mania_tier)
    )
    if noted:
        assert around["warning"].tier == "Moderate" and m_cov >= RULES.limited_coverage
    told = [reason.text for reason in within.reasons]
    assert all(any(r.text in line for line in told) for r in without.reasons)


@pytest.mark.parametrize("row", STORED, ids=range(len(STORED)))
def test_a_decision_of_before_is_decided_the_same(row: dict[str, Any]) -> None:
    """Kept before circumstances were known: tier, number, weights and every sentence."""
    codes = {"Moderate": TWO_NIGHTS, "High": THREE_NIGHTS}
    reasons = [r for r in row["decision"]["reasons"] if r["code"] in codes.values()]
    warning = EarlyWarning(row["warning"], tuple(Reason(**r) for r in reasons))
    made = decide(
        DAY, track(*row["depression"]), track(*row["mania"]),
        Antidepressant(row["antidepressant"]), warning, RULES,
    )  # fmt: skip
    tiers = [made.depression_tier, made.mania_tier]
    assert decision_dict(made) | {"track_tiers": tiers} == row["decision"]


def test_the_kept_decisions_are_of_every_kind() -> None:
    assert {row["decision"]["tier"] for row in STORED} == set(TIERS)
    codes = {reason["code"] for row in STORED for reason in row["decision"]["reasons"]}
    assert {"one_track", "no_track", "medication_unavailable", "floor_mania"} <= codes
