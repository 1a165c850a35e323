"""What courses say about a day: by example, and against counting days one by one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.medications import Course, changes, stopped, taken_on

DAY = date(2026, 3, 1)
SSRI = {"ssri"}


def day(offset: int) -> date:
    return DAY + timedelta(days=offset)


def course(first: int, last: int | None = None, dose: str = "50 mg", drug: str = "a") -> Course:
    return Course(drug, "ssri", dose, day(first), None if last is None else day(last))


def kinds(courses: list[Course], days: int = 14) -> list[tuple[str, int]]:
    found = changes(courses, DAY, days, SSRI)
    return [(change.kind, (change.on - DAY).days) for change in found]


def test_a_drug_is_taken_since_its_first_day_without_a_break() -> None:
    courses = [course(-50, -31), course(-30, -10, "100 mg"), course(-9, None, "150 mg")]
    [taken] = taken_on(courses, DAY, SSRI)
    assert (taken.since, taken.dose) == (day(-50), "150 mg")
    [after_a_gap] = taken_on([course(-50, -31), course(-29)], DAY, SSRI)
    assert after_a_gap.since == day(-29)


def test_two_doses_at_once_are_one_drug() -> None:
    [taken] = taken_on([course(-20, None, "50 mg"), course(-5, None, "25 mg")], DAY, SSRI)
    assert (taken.since, taken.dose) == (day(-20), "50 mg + 25 mg")


def test_first_and_last_day_are_taken_and_no_other() -> None:
    for first, last, expected in ((0, 0, 1), (1, None, 0), (-9, -1, 0), (-9, 0, 1)):
        assert len(taken_on([course(first, last)], DAY, SSRI)) == expected


def test_only_the_classes_asked_for() -> None:
    assert taken_on([course(-9)], DAY, {"snri"}) == ()
    assert changes([course(-9)], DAY, 14, {"snri"}) == ()


def test_starts_stops_and_doses_in_the_span() -> None:
    assert kinds([course(-13)]) == [("start", -13)]
    assert kinds([course(-14)]) == []  # a day too early
    assert kinds([course(0)]) == [("start", 0)]
    assert kinds([course(1)]) == []  # tomorrow
    assert kinds([course(-90, -1)]) == [("stop", 0)]
    assert kinds([course(-90, 0)]) == []
    assert kinds([course(-90, -6), course(-5, None, "100 mg")]) == [("dose", -5)]
    assert kinds([course(-90, -6), course(-5, None, "50 mg")]) == []  # written in two parts
    assert kinds([course(-90, -6), course(-4, None, "50 mg")]) == [("stop", -5), ("start", -4)]


def test_a_switch_is_a_stop_and_a_start() -> None:
    found = changes([course(-90, -6), course(-5, drug="b")], DAY, 14, SSRI)
    assert [(c.drug, c.kind) for c in found] == [("a", "stop"), ("b", "start")]


def test_stopped_is_without_what_goes_on() -> None:
    assert [c.on for c in stopped([course(-90, -6)], DAY, 28, SSRI)] == [day(-5)]
    assert stopped([course(-90, -6), course(-2)], DAY, 28, SSRI) == ()  # begun again
    assert stopped([course(-90, -6), course(-2, drug="b")], DAY, 28, SSRI) == ()  # of its class
    assert stopped([course(-90, -29)], DAY, 28, SSRI) == ()
    assert len(stopped([course(-90, -28)], DAY, 28, SSRI)) == 1
    twice = [course(-90, -20), course(-15, -6)]
    assert [c.on for c in stopped(twice, DAY, 28, SSRI)] == [day(-5)]


@pytest.mark.parametrize(
    ("first", "last", "is_stopped"),
    [
        (-5, None, False),  # the day after lithium's last
        (-19, None, False),  # 14 days before: both for a while
        (-20, None, True),  # both for longer: one of two was stopped
        (-500, None, True),
        (-1, None, False),
        (1, None, True),  # not begun yet
        (-5, -1, True),  # not taken any more
    ],
)
def test_a_switch_to_another_of_the_list_is_no_stop(
    first: int, last: int | None, is_stopped: bool
) -> None:
    lithium = Course("lithium", "lithium", "", day(-90), day(-6))
    other = Course("valproate", "valproate", "", day(first), None if last is None else day(last))
    found = stopped([lithium, other], DAY, 28, {"lithium", "valproate"}, 14)
    assert ("lithium" in {c.drug for c in found}) == is_stopped
    unlisted = Course("sertraline", "ssri", "", day(-5))
    assert stopped([lithium, unlisted], DAY, 28, {"lithium", "valproate"}, 14)


COURSES = st.lists(
    st.builds(
        lambda first, length, dose, drug: course(
            first, None if length is None else first + length, dose, drug
        ),
        st.integers(-40, 5),
        st.none() | st.integers(0, 30),
        st.sampled_from(["", "50 mg", "100 mg"]),
        st.sampled_from(["a", "b"]),
    ),
    max_size=5,
)


@given(COURSES)
def test_changes_are_where_what_is_taken_differs_from_the_day_before(courses: list[Course]) -> None:
    changed = {(c.drug, c.on): c.kind for c in changes(courses, DAY, 20, SSRI)}
    for drug in ("a", "b"):
        for offset in range(-19, 1):
            now, before = (
                sorted(c.dose for c in courses if c.drug == drug and c.active_on(on))
                for on in (day(offset), day(offset - 1))
            )
            kind = changed.pop((drug, day(offset)), None)
            assert (kind is not None) == (now != before)
            assert kind is None or kind == ("stop" if not now else "dose" if before else "start")
    assert not changed


@given(COURSES)
def test_nothing_stopped_is_taken_and_each_taken_drug_was_taken_since(
    courses: list[Course],
) -> None:
    taken = {t.drug: t for t in taken_on(courses, DAY, SSRI)}
    assert not ({c.drug for c in stopped(courses, DAY, 28, SSRI)} & set(taken))
    for drug, found in taken.items():
        mine = [c for c in courses if c.drug == drug]
        days = [found.since + timedelta(days=n) for n in range((DAY - found.since).days + 1)]
        assert all(any(c.active_on(on) for c in mine) for on in days)
        assert not any(c.active_on(found.since - timedelta(days=1)) for c in mine)
