"""Both models and the router on one day: which night the mania track reads."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from patients.domain.days import ZoneHistory
from patients.domain.recording import Family
from scoring.domain.daily import daily_features
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures, PersonData
from scoring.engines.assess import Assessment, assess_day
from scoring.resources import feature_labels, models, router_rules
from tests.people import DAYS, LAST_DAY, ZONE, recording


@pytest.fixture(scope="module")
def person() -> PersonData:
    what = recording()
    series = {s.channel: s for s in what.series}
    return PersonData.of(ZoneHistory.of(ZONE), series, what.family, what.sleep)


@pytest.fixture(scope="module")
def days(person: PersonData) -> list[DayFeatures]:
    first = LAST_DAY - timedelta(days=DAYS - 1)
    return [f for f, _ in daily_features(person, first, LAST_DAY)]


def assessed(person: PersonData, days: list[DayFeatures], day: date = LAST_DAY) -> Assessment:
    return assess_day(
        person, days, day, Antidepressant.NONE, models(), router_rules(), feature_labels()
    )


def without_nights(days: list[DayFeatures], count: int) -> list[DayFeatures]:
    """The same days, their last nights not recorded."""
    missing = [replace(d, night_present=False, indexes=(None,) * 12) for d in days[-count:]]
    return [*days[:-count], *missing]


def test_last_night_is_read_where_it_is_there(person: PersonData, days: list[DayFeatures]) -> None:
    found = assessed(person, days)
    assert found.mania.status == "ok" and found.mania.coverage == 1.0
    assert "mania_night" not in [r.code for r in found.decision.reasons]


@pytest.mark.parametrize("count", [1, 2])
def test_missing_night_leaves_the_one_before_it_and_says_so(
    person: PersonData, days: list[DayFeatures], count: int
) -> None:
    found = assessed(person, without_nights(days, count))
    night = LAST_DAY - timedelta(days=count)
    before = assessed(person, days, night)
    assert found.mania.coverage == pytest.approx((30 - count) / 30)
    # As that night's own score, but for the nights that have left the window since.
    assert found.mania.probability == pytest.approx(before.mania.probability, abs=1e-9)
    assert all(c.value is not None for c in found.mania.contributions)
    [reason] = [r for r in found.decision.reasons if r.code == "mania_night"]
    assert str(night) in reason.text


def test_three_missing_nights_leave_mania_unavailable(
    person: PersonData, days: list[DayFeatures]
) -> None:
    found = assessed(person, without_nights(days, 3))
    assert (found.mania.status, found.mania.probability) == ("unavailable", None)
    assert found.mania.reason == "none of the last 3 nights is there."
    assert found.mania.coverage == pytest.approx(27 / 30)
    assert found.depression.status == "ok"


def in_units(person: PersonData, family: Family | None, factor: float = 1.0) -> PersonData:
    assert person.activity is not None
    values = (person.activity.values * factor).astype("float32")
    return replace(person, family=family, activity=replace(person.activity, values=values))


@pytest.mark.parametrize(
    ("family", "named"),
    [(None, "unknown"), (Family.ENMO, "enmo (mg)"), (Family.ACTICAL_COUNTS, "actical_counts")],
)
def test_a_unit_without_reference_leaves_depression_unavailable(
    person: PersonData, days: list[DayFeatures], family: Family | None, named: str
) -> None:
    found = assessed(in_units(person, family), days)
    assert (found.depression.status, found.depression.probability) == ("unavailable", None)
    assert (found.depression.reason or "").startswith(f"no reference for unit {named}")
    assert found.mania.status == "ok"
    assert any("no reference for unit" in reason.text for reason in found.decision.reasons)


@pytest.mark.parametrize(("factor", "is_within"), [(1.0, True), (30.0, False), (0.05, False)])
def test_a_level_no_reference_person_had_is_said_and_scored(
    person: PersonData, days: list[DayFeatures], factor: float, is_within: bool
) -> None:
    found = assessed(in_units(person, Family.ACTIGRAPH_COUNTS, factor), days)
    codes = [reason.code for reason in found.decision.reasons]
    assert found.depression.status == "ok"
    assert ("unit_scale_not_validated" not in codes) == is_within


def test_points_of_both_tracks_are_of_their_probability(
    person: PersonData, days: list[DayFeatures]
) -> None:
    found = assessed(person, days)
    assert found.depression.probability is not None and found.mania.probability is not None
    for track in (found.depression, found.mania):
        assert track.contributions
        assert all(abs(c.points) <= 100 for c in track.contributions)
    parts = found.mania.parts
    assert found.mania.probability == pytest.approx(sum(parts.values()))
