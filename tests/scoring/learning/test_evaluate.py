"""A made-up table of person-days, small enough to count by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from patients.domain.errors import InputError
from scoring.learning.evaluate import (
    EITHER,
    Table,
    ablations,
    baselines,
    chronological,
    episodes_found,
    evaluated,
    later_days,
    outcome_measured,
    person_folds,
    reached,
    subgroups,
    tier_measured,
)
from scoring.learning.outcome import called_measured, observed_to_expected
from scoring.resources import router_rules

EPISODES = ["person", "kind", "first_day", "last_day"]


def days(person: int, tiers: str, episode: range = range(0), **more: Any) -> pd.DataFrame:
    """A person's mania track from letters (L, M, H, - for indeterminate), one a day."""
    words = {"L": "Low", "M": "Moderate", "H": "High", "-": "Indeterminate"}
    p = {"L": 0.1, "M": 0.4, "H": 0.9, "-": np.nan}
    n = len(tiers)
    inside = np.isin(np.arange(n), episode)
    values = {
        "person": person,
        "day": np.arange(n),
        "label_depression": False,
        "label_mania": inside,
        "label_hypomania": False,
        "p_depression": 0.2,
        "p_mania": [p[c] for c in tiers],
        "p_hypomania": 0.05,
        "tier_depression": "Low",
        "tier_mania": [words[c] for c in tiers],
    }
    return pd.DataFrame(values | more)


def table(frames: list[pd.DataFrame], episodes: list[tuple[int, int, int]], *groups: str) -> Table:
    rows = [(who, "mania", first, last) for who, first, last in episodes]
    return Table(pd.concat(frames), pd.DataFrame(rows, columns=EPISODES), groups)


def small() -> Table:
    """One found early, one found late, one missed, one not scored, and one never ill."""
    frames = [
        days(1, "LLLMHHHLLL", range(4, 7)),
        days(2, "LLLLLMHLLL", range(4, 7)),
        days(3, "LLLLLLLLLL", range(4, 7)),
        days(4, "LLLL---LLL", range(4, 7)),
        days(5, "LMLLLLLLLL"),
    ]
    return table(frames, [(1, 4, 6), (2, 4, 6), (3, 4, 6), (4, 4, 6)])


def test_an_episode_is_found_if_any_day_of_it_reaches_the_tier() -> None:
    assert episodes_found(small(), "mania", "Moderate") == {
        "scored": 3,
        "unscored": 1,
        "found": 2,
        "share_found": pytest.approx(2 / 3, abs=1e-6),
        "share_found_ci": None,  # of three people's episodes
        "with_lead": 2,
        "lead_days_median": 0.0,  # one day before, one day after
        "lead_days_quartiles": [-0.5, 0.5],
    }
    high = episodes_found(small(), "mania", "High")
    assert (high["found"], high["lead_days_median"]) == (2, -1.0)
    assert episodes_found(small(), "hypomania", "High")["share_found"] is None


def test_days_at_a_tier_by_hand() -> None:
    found = tier_measured(small(), "mania", "Moderate")
    assert found["true_positives"] == 5 and found["false_positives"] == 2
    assert found["false_negatives"] == 4 and found["true_negatives"] == 36
    assert found["npv"] == pytest.approx(36 / 40)  # of Low
    assert found["alerts_per_patient_month"] == pytest.approx(3 / (47 / 30.4375), abs=1e-6)


def test_indeterminate_days_are_told_and_not_measured() -> None:
    measured = outcome_measured(small(), "mania")
    assert (measured["n"], measured["unavailable_days"], measured["people"]) == (47, 3, 5)
    rows = small().rows("mania")
    assert measured["auroc"] == pytest.approx(
        roc_auc_score(rows["label_mania"], rows["p_mania"]), abs=1e-6
    )
    low, high = measured["auroc_ci"]
    assert low <= measured["auroc"] <= high


def test_a_rule_that_raises_the_tier_counts_though_the_probability_is_low() -> None:
    frame = days(1, "LLLL", range(2, 4))
    frame["tier_mania"] = ["Low", "Low", "High", "High"]
    rows = table([frame], [(1, 2, 3)]).rows("mania")
    assert reached(rows, "mania", "High").tolist() == [False, False, True, True]


def test_the_order_of_rows_does_not_matter() -> None:
    one = small()
    shuffled = Table(one.days.sample(frac=1, random_state=1), one.episodes)
    assert evaluated(shuffled, router_rules()) == evaluated(one, router_rules())


def many(people: int = 40) -> Table:
    """Noisy people; the model sees the label well, one plain feature sees it less well."""
    rng, frames = np.random.default_rng(0), []
    for who in range(people):
        ill = who % 2 == 0
        frame = days(who, "L" * 40, range(15, 30) if ill else range(0))
        label = frame["label_mania"].to_numpy(float)
        frame["p_mania"] = 1 / (1 + np.exp(2 - 3 * label - rng.normal(0, 1, 40)))
        frame["p_mania@without heart"] = 1 / (1 + np.exp(2 - label - rng.normal(0, 1, 40)))
        frame["x_mean_activity"] = label + rng.normal(0, 2, 40)
        frame["x_sleep"] = -label + rng.normal(0, 1, 40)
        frame["sex"] = "f" if who % 4 < 2 else "m"
        frame["tier_mania"] = np.where(frame["p_mania"] >= 0.6, "High", "Low")
        frames.append(frame)
    return table(frames, [(who, 15, 29) for who in range(0, people, 2)], "sex")


def test_parts_add_up_and_nobody_is_in_two_folds() -> None:
    rows = many().rows("mania")
    folds = list(person_folds(rows, "mania"))
    assert [f["people"] for f in folds] == [8] * 5 and sum(f["n"] for f in folds) == len(rows)
    parts = subgroups(rows, "mania", "sex")
    assert set(parts) == {"f", "m"} and sum(p["n"] for p in parts.values()) == len(rows)
    women = rows[rows["sex"] == "f"]
    assert parts["f"]["auroc"] == pytest.approx(
        roc_auc_score(women["label_mania"], women["p_mania"]), abs=1e-6
    )


def test_an_interval_is_of_five_people_at_least() -> None:
    """Of two it would reach from one of them to the other."""
    for people, has_interval in ((20, False), (25, True)):
        folds = [f for f in person_folds(many(people).rows("mania"), "mania") if f["auroc"]]
        assert folds and {f["auroc_ci"] is not None for f in folds} == {has_interval}


def test_later_days_are_the_last_30_percent_of_the_calendar() -> None:
    rows = many().rows("mania")
    assert set(rows["day"][later_days(rows["day"].to_numpy())]) == set(range(28, 40))
    found = chronological(rows, "mania")
    assert found["earlier"]["n"] + found["later"]["n"] == len(rows)
    assert found["later_logistic_regression"]["n"] == found["later"]["n"]


def test_with_less_the_model_falls_behind_itself_and_plain_things_behind_it() -> None:
    rows = many().rows("mania")
    less = ablations(rows, "mania")["without heart"]
    whole = roc_auc_score(rows["label_mania"], rows["p_mania"])
    assert less["less_the_whole"]["auroc"] == pytest.approx(less["auroc"] - whole, abs=2e-6)
    assert less["less_the_whole"]["auroc_ci"][1] < 0
    beside = baselines(rows, "mania")
    for name in ("mean_activity", "logistic_regression"):
        measured = beside[name]
        assert measured is not None and measured["model_ahead"]["auroc_ci"][0] > 0, name
    assert beside["logistic_regression"]["auroc"] > beside["mean_activity"]["auroc"]  # type: ignore[index]


def test_lower_activity_counts_as_more_depressed_and_as_less_manic() -> None:
    frame = days(1, "L" * 8)
    frame["label_depression"] = frame["label_mania"] = np.arange(8) >= 4
    frame["x_mean_activity"] = np.arange(8.0)
    rows = table([frame, days(2, "LL", x_mean_activity=0.5)], []).rows("depression")
    by = {o: baselines(rows, o)["mean_activity"] for o in ("depression", "mania")}
    assert by["depression"]["auroc"] == 0 and by["mania"]["auroc"] == 1  # type: ignore[index]


def test_an_outcome_that_never_happens_or_never_was_scored_ends_nothing() -> None:
    found = evaluated(small(), router_rules())["outcomes"]
    assert found["depression"]["auroc"] is None and found["depression"]["auroc_ci"] is None
    one = small()
    silent = Table(one.days.assign(p_hypomania=np.nan), one.episodes)
    assert evaluated(silent, router_rules())["outcomes"]["hypomania"]["n"] == 0


def test_a_table_that_lacks_a_column_or_tells_a_day_twice_is_refused() -> None:
    one = small()
    with pytest.raises(InputError, match="lacks tier_mania: add"):
        Table(one.days.drop(columns="tier_mania"), one.episodes)
    with pytest.raises(InputError, match="lacks sex"):
        Table(one.days, one.episodes, ("sex",))
    with pytest.raises(InputError, match="a day of a person twice"):
        Table(pd.concat([one.days, one.days]), one.episodes)


def test_observed_to_expected_by_hand() -> None:
    labels = np.tile([True, False, True, False, True], 2)
    p = np.tile([0.5, 0.1, 0.4, 0.0999, 0.05], 2)
    found = observed_to_expected(labels, p, np.arange(10))
    assert (found["n"], found["observed"], found["expected"]) == (6, 4, 2.0)
    assert found["ratio"] == 2.0 and found["ratio_ci"][0] < 2.0 < found["ratio_ci"][1]
    none = observed_to_expected(labels, np.full(10, 0.05), np.arange(10))
    assert (none["n"], none["ratio"], none["ratio_ci"]) == (0, None, None)


def test_said_twice_as_often_as_it_happens_is_a_half_in_every_interval() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(200), 20)
    p = rng.uniform(0.2, 0.9, len(people))
    for factor in (1.0, 0.5):
        found = observed_to_expected(rng.random(len(p)) < factor * p, p, people)
        low, high = found["ratio_ci"]
        assert low < factor < high and high - low < 0.1


def test_intervals_at_a_tier_are_over_people_and_not_over_days() -> None:
    labels, called = np.ones(400, bool), np.arange(400) % 200 < 100
    by_days = called_measured(labels, called, np.arange(400))
    by_people = called_measured(labels, called, np.arange(400) // 50)  # eight people
    assert by_days["sensitivity"] == by_people["sensitivity"] == 0.5
    width = [m["sensitivity_ci"][1] - m["sensitivity_ci"][0] for m in (by_days, by_people)]
    assert width[0] < 0.12 and width[1] > 0.5
    assert by_days["npv"] == 0 and by_days["npv_ci"] is None  # the same in every resample
    assert called_measured(labels, labels, np.arange(400))["npv_ci"] is None


def test_tiers_and_episodes_have_their_intervals() -> None:
    found = tier_measured(many(), "mania", "High")
    for name in ("sensitivity", "npv"):
        low, high = found[f"{name}_ci"]
        assert low < found[name] < high


def both_poles() -> Table:
    """Mania found, hypomania found, and a hypomania that stays Low."""
    manic = days(1, "LLLLHHLLLL", range(4, 6))
    hypomanic = [days(who, tiers) for who, tiers in ((2, "LLLLMMLLLL"), (3, "L" * 10))]
    for frame in hypomanic:
        frame["label_hypomania"] = np.isin(np.arange(10), [4, 5])
    spans = [(1, "mania", 4, 5), (2, "hypomania", 4, 5), (3, "hypomania", 4, 5)]
    return Table(pd.concat([manic, *hypomanic]), pd.DataFrame(spans, columns=EPISODES))


def test_mania_or_hypomania_is_an_outcome_with_the_npv_of_low() -> None:
    found = evaluated(both_poles(), router_rules())["outcomes"][EITHER]
    assert (found["n"], found["positives"]) == (30, 6)
    moderate = found["tiers"]["Moderate"]
    assert (moderate["true_positives"], moderate["false_positives"]) == (4, 0)
    assert moderate["npv"] == pytest.approx(24 / 26)  # Low on both days of the one not found
    assert (moderate["episodes"]["found"], moderate["episodes"]["scored"]) == (2, 3)
    assert found["observed_to_expected"]["observed"] == 6
    high = found["tiers"]["High"]
    assert (high["episodes"]["found"], high["false_negatives"]) == (1, 4)


def test_either_pole_is_unavailable_where_the_track_is() -> None:
    one = both_poles()
    silent = Table(one.days.assign(p_mania=np.nan, p_hypomania=np.nan), one.episodes)
    assert evaluated(silent, router_rules())["outcomes"][EITHER]["n"] == 0
