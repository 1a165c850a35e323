"""Flags that a clinician reads: each at its threshold, and silent where nothing is known."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scoring.domain.clinical_flags import FlagRules, clinical_flags, load_flag_rules
from scoring.domain.rules import RuleFileError
from scoring.domain.types import DayFeatures
from scoring.resources import DATA
from tests.scoring.domain.builders import a_day, features

TOML = DATA / "flags.toml"
LAST = 29
Changes = dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def rules() -> FlagRules:
    return load_flag_rules(TOML)


def night(
    offset: int, hours: float = 8.0, awake: float = 10.0, latency: float | None = None,
    dlmo: float = 21.5, index: float | None = 90.0, **more: Any,
) -> DayFeatures:  # fmt: skip
    sleep = {
        "time_asleep_hours": hours,
        "wake_after_onset_minutes": awake,
        "latency_minutes": latency,
        "sleep_regularity_index": index,
    }
    return features(a_day(offset), **{"sleep": sleep, "phase": {"dlmo_hour": dlmo}, **more})


def nights(changes: Changes | None = None, first: int = 0) -> list[DayFeatures]:
    """An ordinary month, but for the nights whose changes are given."""
    return [night(n, **(changes or {}).get(n, {})) for n in range(first, LAST + 1)]


def last(count: int, **change: Any) -> Changes:
    return dict.fromkeys(range(LAST - count + 1, LAST + 1), change)


def found(rules: FlagRules, changes: Changes | None = None, first: int = 0) -> tuple[str, ...]:
    return clinical_flags(nights(changes, first), a_day(LAST), rules)


def test_ordinary_month_has_no_flag(rules: FlagRules) -> None:
    assert found(rules) == ()


@pytest.mark.parametrize(
    ("change", "count", "is_flagged"),
    [
        ({"hours": 5.9, "awake": 31.0}, 3, True),
        ({"hours": 5.9, "awake": 31.0}, 2, False),
        ({"hours": 5.9, "awake": 30.9}, 3, False),
        ({"hours": 5.9, "awake": 20.0, "latency": 11.0}, 3, True),
        ({"hours": 6.0, "awake": 90.0}, 3, False),  # broken, but not short
        ({"hours": 4.0, "awake": 5.0}, 3, False),  # short, but not broken: no need of sleep
    ],
)
def test_insomnia_is_short_and_broken_sleep(
    rules: FlagRules, change: dict[str, Any], count: int, is_flagged: bool
) -> None:
    assert ("insomnia_pattern" in found(rules, last(count, **change))) == is_flagged


@pytest.mark.parametrize(
    ("hours", "count", "is_flagged"), [(10.1, 3, True), (10.1, 2, False), (10.0, 3, False)]
)
def test_hypersomnia_is_three_long_nights_of_seven(
    rules: FlagRules, hours: float, count: int, is_flagged: bool
) -> None:
    assert ("hypersomnia" in found(rules, last(count, hours=hours))) == is_flagged


def test_nights_of_a_week_ago_do_not_count(rules: FlagRules) -> None:
    spread = {LAST - 6: {"hours": 11.0}, LAST - 3: {"hours": 11.0}, LAST: {"hours": 11.0}}
    assert found(rules, spread) == ("hypersomnia",)
    earlier = {**spread, LAST - 7: {"hours": 11.0}}
    del earlier[LAST - 6]
    assert found(rules, earlier) == ()


@pytest.mark.parametrize(
    ("dlmo", "flags"),
    [
        (19.49, ("phase_advanced",)),
        (19.51, ()),
        (23.49, ()),
        (23.51, ("phase_delayed",)),
        (12.1, ("phase_advanced",)),
        (33.4, ("phase_delayed",)),  # 09:24, nearly twelve hours late
    ],
)
def test_phase_is_compared_with_the_persons_own(
    rules: FlagRules, dlmo: float, flags: tuple[str, ...]
) -> None:
    assert found(rules, last(3, dlmo=dlmo)) == flags


def test_phase_that_crosses_noon_is_no_jump(rules: FlagRules) -> None:
    """DLMO is printed in [12, 36): from 35.9 to 12.1 h is a quarter of an hour."""
    month = [night(n, dlmo=35.9 if n <= LAST - 3 else 12.1) for n in range(LAST + 1)]
    assert clinical_flags(month, a_day(LAST), rules) == ()


@pytest.mark.parametrize(("index", "is_flagged"), [(59.9, True), (60.0, False), (None, False)])
def test_irregular_rhythm_is_a_low_index(
    rules: FlagRules, index: float | None, is_flagged: bool
) -> None:
    assert ("irregular_rhythm" in found(rules, last(1, index=index))) == is_flagged


@pytest.mark.parametrize(
    ("hours", "is_flagged"),
    [
        ([6.0, 6.0, 6.0], True),
        ([7.5, 6.0, 4.5], True),
        ([6.1, 6.0, 6.0], False),  # less than two hours on average
        ([8.5, 4.0, 4.0], False),  # the first was no shorter than usual
    ],
)
def test_sleep_collapses_by_two_hours_over_three_nights(
    rules: FlagRules, hours: list[float], is_flagged: bool
) -> None:
    changes = {LAST - 2 + n: {"hours": each} for n, each in enumerate(hours)}
    assert ("sleep_collapsing" in found(rules, changes)) == is_flagged


def test_own_mean_needs_fourteen_nights_before(rules: FlagRules) -> None:
    changes = last(3, hours=5.0, dlmo=25.0)
    both = ("phase_delayed", "sleep_collapsing")
    assert found(rules, changes, first=LAST - 2 - 14) == both
    assert found(rules, changes, first=LAST - 2 - 13) == ()


def test_own_mean_is_that_of_the_window(rules: FlagRules) -> None:
    month = [*nights(), *(night(n, hours=5.0) for n in range(LAST + 1, LAST + 28))]
    day = month[-1].day
    # The eight hours of two months ago are forgotten: five are usual by now.
    assert clinical_flags(month, day, rules) == ()
    assert clinical_flags(month, day, rules, window_days=57) == ()
    assert "sleep_collapsing" in clinical_flags(month, a_day(LAST + 3), rules)


def test_missing_night_says_nothing(rules: FlagRules) -> None:
    changes = last(3, hours=5.0, index=10.0)
    assert found(rules, {**changes, LAST: {"night_present": False, **changes[LAST]}}) == ()
    changes[LAST - 1] = {"night_present": False, "hours": 5.0}
    assert found(rules, changes) == ("irregular_rhythm",)  # two nights are no three


def test_night_that_the_sensor_did_not_see_does_not_count(rules: FlagRules) -> None:
    changes = last(3, hours=11.0)
    assert found(rules, changes) == ("hypersomnia",)
    changes[LAST - 1] = {"hours": 11.0, "flags": ("night_unworn",)}
    assert found(rules, changes) == ()


def test_later_nights_change_nothing(rules: FlagRules) -> None:
    month = nights(last(3, hours=5.0, dlmo=25.0))
    later = [night(LAST + n, hours=12.0, dlmo=15.0) for n in range(1, 20)]
    day = a_day(LAST)
    assert clinical_flags(month, day, rules) == clinical_flags([*later, *month], day, rules) != ()


def test_days_stored_before_these_measures_have_no_flag(rules: FlagRules) -> None:
    month = [features(a_day(n), sleep={}, phase={}) for n in range(30)]
    assert clinical_flags(month, month[-1].day, rules) == ()
    assert clinical_flags([], a_day(0), rules) == ()
    assert clinical_flags(month, month[-1].day + timedelta(days=1), rules) == ()


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = TOML.read_text()
    assert re.search(old, text, flags=re.MULTILINE)
    path = tmp_path / "flags.toml"
    path.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))
    return path


def test_rules_name_their_sources_and_are_unverified(rules: FlagRules) -> None:
    assert rules.checked_by == ""
    for name in ("insomnia_pattern", "hypersomnia", "phase_advanced", "phase_delayed",
                 "irregular_rhythm", "sleep_collapsing", "usual"):  # fmt: skip
        assert getattr(rules, name).source


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"^nights = 3 .*$", ""),
        (r"^\[hypersomnia\]", "[oversleeping]"),
        (r"^\[hypersomnia\]", "[more]\nhours = 1\n[hypersomnia]"),
        (r"^index_under = 60.0", "index_over = 60.0"),
        (r"^hours_less = 2.0", "hours_less = 0.0"),
        (r"^hours_less = 2.0", "hours_less = nan"),
        (r"^hours_less = 2.0", 'hours_less = "two"'),
        (r"^authored_by.*$", ""),
    ],
)
def test_broken_rule_file_is_refused_by_name(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(RuleFileError, match=r"flags\.toml"):
        load_flag_rules(changed(tmp_path, old, new))
