"""Circumstances: when they count, what they say, and how little they may do."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from patients.domain.rule_files import RuleFileError
from patients.models import Circumstance as Stored
from scoring.domain.circumstances import (
    CIRCUMSTANCES,
    NOTED,
    Circumstance,
    Span,
    circumstance_reasons,
    circumstances_on,
    load_circumstance_rules,
    softened,
    weighed,
)
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS, EarlyWarning
from scoring.domain.types import Contribution, Reason, TrackOutput

FILE = Path(__file__).parents[3] / "scoring" / "data" / "circumstances.toml"
RULES = load_circumstance_rules(FILE)
DAY = date(2026, 3, 1)
# As a clinic may set it: newborns' two short nights are noted. Nothing shipped softens a rule.
NOTING = replace(
    RULES,
    effects={
        **RULES.effects,
        "newborn": replace(RULES.effects["newborn"], two_short_nights="note"),
    },
)
EVERY_KIND = [Span(kind, DAY - timedelta(days=40)) for kind in CIRCUMSTANCES]
TWO = EarlyWarning("Moderate", (Reason(TWO_NIGHTS, "Two short nights."),))
THREE = EarlyWarning("High", (Reason(THREE_NIGHTS, "Three short nights."),))


def on(day: date, *spans: Span) -> tuple[Circumstance, ...]:
    return circumstances_on(spans, day, RULES)


def test_the_kinds_are_those_that_can_be_recorded() -> None:
    assert tuple(Stored.Kind.values) == CIRCUMSTANCES
    assert [str(k.label) for k in Stored.Kind] == [e.words for e in RULES.effects.values()]


def test_it_counts_from_its_first_day_to_some_days_after_its_last() -> None:
    journey = Span("travel", DAY, DAY + timedelta(days=2))
    counted = [n for n in range(-2, 14) if on(DAY + timedelta(days=n), journey)]
    assert counted == list(range(0, 2 + 7 + 1))
    assert on(DAY + timedelta(days=400), Span("shift_work", DAY))


def test_it_is_told_in_the_log_in_a_fixed_order() -> None:
    spans = [Span("travel", DAY), Span("shift_work", date(2026, 2, 3))]
    reasons = circumstance_reasons(on(DAY, *spans))
    assert [r.code for r in reasons] == ["circumstance_shift_work", "circumstance_travel"]
    assert reasons[0].text == (
        "Works shifts since 3 February 2026: the timing and regularity of sleep say less."
    )


def test_two_short_nights_with_a_newborn_are_noted_where_the_model_sees_mania() -> None:
    baby = circumstances_on([Span("newborn", DAY)], DAY, NOTING)
    noted = softened(TWO, baby, True)
    assert noted.tier is None
    assert [(r.code, r.text) for r in noted.reasons] == [
        (
            NOTED,
            "Two short nights. It is noted and raises no tier: Has a newborn since 1 March 2026.",
        )
    ]
    assert softened(TWO, baby, False) == TWO


@pytest.mark.parametrize("kind", CIRCUMSTANCES)
def test_three_short_nights_are_never_softened(kind: str) -> None:
    for rules in (RULES, NOTING):
        life = circumstances_on([Span(kind, DAY)], DAY, rules)
        assert softened(THREE, life, True) == THREE
        assert softened(EarlyWarning(), life, True) == EarlyWarning()
    assert softened(TWO, on(DAY, Span(kind, DAY)), True) == TWO


def test_what_says_less_comes_later_and_keeps_its_points() -> None:
    items = [
        Contribution(name, name, 1.0, "h", None, points)
        for name, points in (("Circadian_phase", 8.0), ("ST_long", -6.0), ("Steps", 3.0))
    ]
    track = TrackOutput("ok", None, 0.5, 1.0, tuple(items))
    assert weighed(track, ()) is track
    shifts = weighed(track, on(DAY, Span("shift_work", DAY)))
    assert [c.name for c in shifts.contributions] == ["ST_long", "Circadian_phase", "Steps"]
    assert sorted(shifts.contributions, key=repr) == sorted(items, key=repr)
    assert replace(shifts, contributions=track.contributions) == track
    both = weighed(track, on(DAY, Span("shift_work", DAY), Span("newborn", DAY)))
    assert [c.name for c in both.contributions] == ["Circadian_phase", "ST_long", "Steps"]


@pytest.mark.parametrize("span", [*EVERY_KIND, Span("travel", DAY, DAY + timedelta(days=3))])
def test_a_span_is_kept_as_it_is(span: Span) -> None:
    assert Span.from_dict(span.as_dict()) == span


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("phase = 0.5", "phase = 0.0", "above 0 and up to 1"),
        ("phase = 0.5", "phase = 1.5", "above 0 and up to 1"),
        ("phase = 0.5", "fase = 0.5", "did you mean phase"),
        ('"Circadian_phase"', '"Circadian_fase"', "which nothing is called"),
        ('two_short_nights = "raise"', 'two_short_nights = "drop"', '"raise" or "note"'),
        ("days_after = 7", "days_after = -1", "0 or more"),
        ("[newborn]", "[twins]", "unknown field"),
    ],
)
def test_a_file_that_would_hide_more_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = FILE.read_text()
    assert old in text
    bad = tmp_path / "circumstances.toml"
    bad.write_text(text.replace(old, new, 1))
    with pytest.raises(RuleFileError, match=says) as refused:
        load_circumstance_rules(bad)
    assert str(refused.value).startswith("circumstances.toml")
