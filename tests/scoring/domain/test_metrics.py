"""Metrics against scikit-learn, by hand, and by what must not change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from scoring.domain.metrics import (
    AtCutoff,
    Ranking,
    auroc,
    average_precision,
    bootstrap_interval,
    brier,
    calibration_error,
    reliability,
)

Rows = tuple[np.ndarray, np.ndarray]


@st.composite
def labelled(draw: st.DrawFn, smallest: int = 1) -> Rows:
    """Labels of both classes, and scores with many ties."""
    pairs = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=smallest))
    rows = [(True, draw(st.integers(0, 8))), (False, draw(st.integers(0, 8))), *pairs]
    return np.array([y for y, _ in rows]), np.array([s for _, s in rows]) / 8


@given(labelled())
def test_ranking_equals_scikit_learn(rows: Rows) -> None:
    labels, scores = rows
    assert auroc(labels, scores) == pytest.approx(sk.roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(
        sk.average_precision_score(labels, scores)
    )


@given(labelled(), st.data())
def test_a_weight_is_so_many_rows(rows: Rows, data: st.DataObject) -> None:
    labels, scores = rows
    weights = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=len(labels), max_size=len(labels)))
    )
    repeated = np.repeat(labels, weights)
    if len(np.unique(repeated)) < 2:
        assert Ranking.of(labels, scores).auroc(weights.astype(float)) is None
        return
    ranking, again = Ranking.of(labels, scores), Ranking.of(repeated, np.repeat(scores, weights))
    assert ranking.auroc(weights.astype(float)) == pytest.approx(again.auroc())
    assert ranking.average_precision(weights.astype(float)) == pytest.approx(
        again.average_precision()
    )


@given(labelled())
def test_only_the_order_counts_and_turning_it_turns_the_area(rows: Rows) -> None:
    labels, scores = rows
    area = auroc(labels, scores)
    assert area is not None and auroc(labels, np.exp(3 * scores)) == pytest.approx(area)
    assert auroc(labels, -scores) == pytest.approx(1 - area)


def test_by_hand() -> None:
    labels = np.array([True, True, False, False])
    # Of the four pairs, 0.8 beats both, 0.4 beats one and ties with the other.
    assert auroc(labels, np.array([0.8, 0.4, 0.4, 0.1])) == 3.5 / 4
    # Recall 1/2 at precision 1, then 1 at 2/3.
    assert average_precision(labels, np.array([0.8, 0.4, 0.4, 0.1])) == pytest.approx(5 / 6)


def test_the_curves_end_where_they_must() -> None:
    ranking = Ranking.of(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]))
    assert ranking.roc_points().tolist() == [[0, 0], [0, 0.5], [1, 1]]
    assert ranking.precision_points() == pytest.approx(np.array([[0.5, 1], [1, 2 / 3]]))


def test_one_class_has_no_area_and_a_gap_no_rank() -> None:
    assert auroc(np.array([True, True]), np.array([0.1, 0.2])) is None
    assert average_precision(np.array([False]), np.array([0.1])) is None
    for scores in (np.array([0.1, np.nan]), np.array([])):
        with pytest.raises(ValueError, match="needs rows"):
            auroc(np.array([True, False])[: len(scores)], scores)


def resampled(labels: np.ndarray, scores: np.ndarray, people: np.ndarray, n: int) -> list[float]:
    """The same bootstrap, told naively: people drawn, their rows laid one after another."""
    names, rng, found = np.unique(people), np.random.default_rng(0), []
    while len(found) < n:
        drawn = names[rng.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(people == name) for name in drawn])
        if len(np.unique(labels[rows])) == 2:
            found.append(float(sk.roc_auc_score(labels[rows], scores[rows])))
    return found


def test_the_interval_is_that_of_resampled_people() -> None:
    rng = np.random.default_rng(4)
    people = np.repeat(np.arange(7), rng.integers(1, 6, 7))
    labels = people < 2  # few positives: some draws have none and are drawn again
    scores = np.round(rng.random(len(people)) + 0.4 * labels, 1)
    interval = bootstrap_interval(Ranking.of(labels, scores).auroc, people, rounds=300)
    expected = np.percentile(resampled(labels, scores, people, 300), (2.5, 97.5))
    assert interval == pytest.approx(tuple(expected))


def test_rows_of_one_person_are_not_as_many_people() -> None:
    rng = np.random.default_rng(1)
    labels, scores = np.arange(40) % 2 == 0, rng.normal(0, 1, 40) + (np.arange(40) % 2 == 0)
    labels, scores = np.repeat(labels, 10), np.repeat(scores, 10)
    statistic = Ranking.of(labels, scores).auroc
    by_row = bootstrap_interval(statistic, np.arange(400), rounds=200)
    by_person = bootstrap_interval(statistic, np.repeat(np.arange(40), 10), rounds=200)
    assert by_row and by_person
    assert by_person[1] - by_person[0] > 2 * (by_row[1] - by_row[0])


def test_without_the_other_class_there_is_no_interval() -> None:
    statistic = Ranking.of(np.array([True, True]), np.array([0.1, 0.2])).auroc
    assert bootstrap_interval(statistic, np.arange(2), rounds=5) is None


@given(labelled(), st.integers(0, 8))
def test_calls_equal_scikit_learn(rows: Rows, edge: int) -> None:
    labels, scores = rows
    called = scores >= edge / 8
    found = AtCutoff.of(labels, called)
    assert found.sensitivity == pytest.approx(sk.recall_score(labels, called))
    assert found.specificity == pytest.approx(sk.recall_score(~labels, ~called))
    assert found.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(labels, called))
    assert found.f1 == pytest.approx(sk.f1_score(labels, called))
    if called.any():
        assert found.ppv == pytest.approx(sk.precision_score(labels, called))
    else:
        assert found.ppv is None
    if not called.all():
        assert found.npv == pytest.approx(sk.precision_score(~labels, ~called))


def test_calls_by_hand() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    called = np.array([1, 1, 0, 1, 0, 0, 0, 0], dtype=bool)
    assert AtCutoff.of(labels, called).as_dict() == {
        "true_positives": 2,
        "false_positives": 1,
        "false_negatives": 1,
        "true_negatives": 4,
        "sensitivity": 2 / 3,
        "specificity": 0.8,
        "ppv": 2 / 3,
        "npv": 0.8,
        "f1": 2 / 3,
        "balanced_accuracy": (2 / 3 + 0.8) / 2,
    }


@given(labelled(smallest=20))
def test_calibration_equals_scikit_learn(rows: Rows) -> None:
    labels, p = rows
    assert brier(labels, p) == pytest.approx(sk.brier_score_loss(labels, p))
    bins = reliability(labels, p * 0.999)  # off the edges, on which the two differ
    observed, predicted = calibration_curve(labels, p * 0.999, n_bins=10)
    assert [b["observed"] for b in bins] == pytest.approx(observed.tolist())
    assert [b["predicted"] for b in bins] == pytest.approx(predicted.tolist())
    gaps = sum(b["n"] * abs(b["observed"] - b["predicted"]) for b in bins)
    assert calibration_error(labels, p * 0.999) == pytest.approx(gaps / len(labels))


def test_a_probability_of_one_lies_in_the_last_bin() -> None:
    assert reliability(np.array([True]), np.array([1.0])) == [
        {"predicted": 1.0, "observed": 1.0, "n": 1}
    ]
