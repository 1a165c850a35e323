"""Both models and the router on one day: which night the mania track reads."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from patients.domain.days import ZoneHistory
from patients.domain.recording import Family, Minutes
from scoring.domain.daily import daily_features
from scoring.domain.explain import EXPLANATION_FAILED
from scoring.domain.occlusion import AGAINST_REFERENCE, occlusions
from scoring.domain.pat_window import WEEK_MINUTES
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.vector_names import BODY_NAMES, INDEX_NAMES
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
    assert all(c.value is not None for c in found.mania.contributions if c.name in INDEX_NAMES)
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


def test_points_of_the_mania_track_sum_to_output_minus_base(
    person: PersonData, days: list[DayFeatures]
) -> None:
    track = assessed(person, days).mania
    check = track.explained["additivity"]
    assert check["holds"] and track.probability is not None
    assert {c.name for c in track.contributions} == set(INDEX_NAMES) | set(BODY_NAMES)
    total = sum(c.points for c in track.contributions)
    assert total == pytest.approx(100 * (track.probability - check["base"]), abs=1e-6)
    assert track.probability == pytest.approx(sum(track.parts.values()))


def test_depression_shows_days_and_parts_and_where_the_model_looked(
    person: PersonData, days: list[DayFeatures]
) -> None:
    track = assessed(person, days).depression
    names = {c.name for c in track.contributions}
    assert names == set(occlusions(LAST_DAY)) == set(track.explained["attention"])
    assert all(abs(c.points) <= 100 and c.usual is not None for c in track.contributions)
    assert max(abs(c.points) for c in track.contributions) > 0.01


def with_activity(person: PersonData, change: Callable[[Minutes], Minutes]) -> PersonData:
    """The same person with nothing but an activity channel, changed."""
    assert person.activity is not None
    activity = replace(person.activity, values=change(person.activity.values))
    return PersonData(person.zones, person.family, activity)


def test_a_week_like_the_usual_one_has_no_points(
    person: PersonData, days: list[DayFeatures]
) -> None:
    """Every week is the last one, so there is nothing that could be taken away."""

    def same(values: Minutes) -> Minutes:
        return np.resize(values[::-1][:WEEK_MINUTES], values.size)[::-1].copy()

    found = assessed(with_activity(person, same), days).depression
    assert found.status == "ok" and len(found.contributions) == 11
    assert max(abs(c.points) for c in found.contributions) < 1e-3


def test_without_a_history_depression_is_compared_with_the_reference(
    person: PersonData, days: list[DayFeatures]
) -> None:
    def only_this_week(values: Minutes) -> Minutes:
        return np.where(np.arange(values.size) < values.size - WEEK_MINUTES, np.nan, values)

    found = assessed(with_activity(person, only_this_week), days).depression
    assert found.status == "ok" and len(found.contributions) == 11
    for c in found.contributions:
        assert c.value is not None and c.usual is None and c.label.endswith(AGAINST_REFERENCE)


def test_what_is_not_asked_for_is_not_explained(
    person: PersonData, days: list[DayFeatures]
) -> None:
    bare = assess_day(
        person, days, LAST_DAY, Antidepressant.NONE, models(), router_rules(), {}, explain=False
    )
    explained = assessed(person, days)
    for track, other in ((bare.depression, explained.depression), (bare.mania, explained.mania)):
        assert not track.contributions and not track.explained
        assert track.probability == pytest.approx(other.probability, abs=1e-5)


def test_an_explanation_that_fails_leaves_the_number(
    person: PersonData, days: list[DayFeatures]
) -> None:
    """Without its labels neither explanation can be worded."""
    failed = assess_day(
        person, days, LAST_DAY, Antidepressant.NONE, models(), router_rules(), labels={}
    )
    explained = assessed(person, days)
    for track, other in (
        (failed.depression, explained.depression),
        (failed.mania, explained.mania),
    ):
        assert track.status == "ok" and track.probability == other.probability
        assert not track.contributions and track.explained == {EXPLANATION_FAILED: True}


def test_a_week_that_cannot_be_occluded_leaves_the_number(
    person: PersonData, days: list[DayFeatures], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = assessed(person, days).depression
    monkeypatch.setattr("scoring.engines.explained.occluded", lambda *_: 1 / 0)
    found = assessed(person, days).depression
    assert found.probability == pytest.approx(usual.probability, abs=1e-5)
    assert not found.contributions and found.explained == {EXPLANATION_FAILED: True}


def test_the_window_asked_for_is_that_of_the_mania_models_inputs(
    person: PersonData, days: list[DayFeatures]
) -> None:
    def read(window: int, some: list[DayFeatures] = days) -> Assessment:
        return assess_day(
            person, some, LAST_DAY, Antidepressant.NONE, models(), router_rules(),
            feature_labels(), window_nights=window,
        )  # fmt: skip

    shorter, usual = read(14), read(30)
    assert shorter.inputs_sha256 != usual.inputs_sha256
    assert shorter.mania.coverage == usual.mania.coverage == 1.0
    assert {c.name: c.usual for c in shorter.mania.contributions} != {
        c.name: c.usual for c in usual.mania.contributions
    }
    few = read(14, without_nights(days, 1)[-12:])
    assert "of 14 nights are there" in str(few.mania.reason)


def test_without_activity_there_is_no_reference_for_its_unit(
    person: PersonData, days: list[DayFeatures]
) -> None:
    heart = replace(person, activity=None, steps=None, family=None)
    assert str(assessed(heart, days).depression.reason).startswith("no reference for unit unknown")
