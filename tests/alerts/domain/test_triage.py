from datetime import date, timedelta

import pytest

from alerts.domain.triage import Standing, TriageRules, triage

RULES = TriageRules("Moderate", cool_down_days=7, resolve_after_low_days=7, follow_up_days={})
DAY = date(2026, 3, 1)
TIERS = ("Indeterminate", "Low", "Moderate", "High")


@pytest.mark.parametrize(
    ("tier", "event"),
    [("Indeterminate", None), ("Low", None), ("Moderate", "raised"), ("High", "raised")],
)
def test_without_an_alert_moderate_and_above_raises(tier: str, event: str | None) -> None:
    assert triage(DAY, ["Low", tier], None, RULES) == event


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("open_at", ["Moderate", "High"])
def test_an_open_alert_only_rises(tier: str, open_at: str) -> None:
    rises = tier == "High" and open_at == "Moderate"
    assert triage(DAY, [open_at, tier], Standing(True, open_at), RULES) == (
        "risen" if rises else None
    )


@pytest.mark.parametrize(
    ("tiers", "event"),
    [
        (["Moderate", *["Low"] * 7], "resolved"),
        (["Moderate", *["Low"] * 6], None),
        (["Low"] * 6, None),
        (["Low"] * 3 + ["Indeterminate"] * 5 + ["Low"] * 4, "resolved"),
        (["Low"] * 7 + ["Indeterminate"], None),
        (["Low"] * 5 + ["Moderate", "Low"], None),
        (["Indeterminate"] * 9, None),
    ],
)
def test_an_acknowledged_alert_resolves_after_seven_assessed_low_days(
    tiers: list[str], event: str | None
) -> None:
    seen = Standing(True, "Moderate", is_acknowledged=True)
    assert triage(DAY, tiers, seen, RULES) == event
    # Nobody has looked at this one: it waits, however low the tier has fallen.
    assert triage(DAY, tiers, Standing(True, "Moderate"), RULES) is None


@pytest.mark.parametrize(
    ("days_later", "tier", "event"),
    [
        (0, "Moderate", None),
        (6, "Moderate", None),
        (7, "Moderate", "raised"),
        (1, "High", "raised"),
        (7, "Low", None),
    ],
)
def test_after_a_dismissal_the_same_tier_is_quiet_for_a_week(
    days_later: int, tier: str, event: str | None
) -> None:
    standing = Standing(False, "Moderate", dismissed_on=DAY)
    assert triage(DAY + timedelta(days=days_later), [tier], standing, RULES) == event


def test_after_a_dismissed_high_a_moderate_day_is_quiet_too() -> None:
    assert triage(DAY, ["Moderate"], Standing(False, "High", DAY), RULES) is None


def test_a_resolved_alert_leaves_no_cool_down() -> None:
    assert triage(DAY, ["Moderate"], Standing(False, "High"), RULES) == "raised"
