"""Limits of drift: as in the file, and refused when they make no sense."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.drift import reference_of
from scoring.domain.drift_limits import Verdict, drift_line, load_drift_limits
from scoring.domain.rules import RuleFileError
from scoring.resources import DATA

FILE = DATA / "drift.toml"
LIMITS = load_drift_limits(FILE)
ENOUGH = LIMITS.person_days


@pytest.mark.parametrize(
    ("index", "statistic", "verdict"),
    [
        (0.05, 0.05, Verdict.STEADY),
        (None, None, Verdict.STEADY),
        (0.2, 0.05, Verdict.LOOK),
        (0.05, 0.15, Verdict.LOOK),
        (0.25, 0.05, Verdict.ACT),
        (None, 0.2, Verdict.ACT),
    ],
)
def test_of_many_people_the_limits_are_those_of_the_file(
    index: float | None, statistic: float | None, verdict: Verdict
) -> None:
    assert LIMITS.verdict(index, statistic, 7000, 1000) == verdict


def test_of_few_people_a_limit_is_what_chance_does_not_reach() -> None:
    assert LIMITS.verdict(1.5, 0.37, 210, 30) == Verdict.STEADY  # 46 / 30, 2.08 / sqrt(30)
    assert LIMITS.verdict(1.6, 0.37, 210, 30) == Verdict.ACT
    assert LIMITS.verdict(1.5, 0.39, 210, 30) == Verdict.ACT


def test_too_few_days_or_people_have_no_verdict() -> None:
    assert LIMITS.verdict(9.0, 1.0, ENOUGH - 1, 500) == Verdict.TOO_FEW
    assert LIMITS.verdict(9.0, 1.0, 5000, LIMITS.people - 1) == Verdict.TOO_FEW
    assert LIMITS.verdict(9.0, 1.0, ENOUGH, LIMITS.people) == Verdict.ACT
    assert LIMITS.verdict(None, None, 0, 0) == Verdict.TOO_FEW


@given(st.floats(0, 5), st.floats(0, 1), st.integers(20, 300))
def test_a_larger_figure_never_has_a_milder_verdict(
    index: float, statistic: float, people: int
) -> None:
    order = [Verdict.STEADY, Verdict.LOOK, Verdict.ACT]
    now = order.index(LIMITS.verdict(index, statistic, 7 * people, people))
    assert order.index(LIMITS.verdict(index + 0.1, statistic, 7 * people, people)) >= now
    assert order.index(LIMITS.verdict(index, statistic + 0.1, 7 * people, people)) >= now


def test_equal_populations_pass_the_limits_in_few_weeks() -> None:
    """At worst, when a person's days are all the same: 2 of 100 weeks for 39 lines."""
    rng = np.random.default_rng(3)
    reference = reference_of("x", rng.normal(size=20_000))
    for people in (20, 60, 150):
        weeks = [np.repeat(rng.normal(size=people), 7) for _ in range(2000)]
        past = [
            drift_line(reference, week, people, LIMITS).verdict == Verdict.ACT for week in weeks
        ]
        assert sum(past) <= 5  # 1 expected


def test_a_line_says_what_is_missing_now_and_then() -> None:
    reference = reference_of("x", [*range(90), *[np.nan] * 10])
    line = drift_line(reference, np.array([1.0, np.nan]), 2, LIMITS)
    assert (line.name, line.missing, line.person_days, line.people) == ("x", 0.5, 2, 2)
    assert line.missing_then == pytest.approx(0.1) and line.verdict == Verdict.TOO_FEW
    empty = drift_line(reference, np.array([]), 0, LIMITS)
    assert (empty.psi, empty.ks, empty.missing) == (None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("look = 0.1 ", "look = 0.3 ", "must rise"),
        ("people = 20", "people = 300", "most_people"),
        ("person_days = 100", "", "missing"),
        ("authored_by", "by", "authored_by"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path, text = tmp_path / "drift.toml", FILE.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RuleFileError, match=words):
        load_drift_limits(path)
