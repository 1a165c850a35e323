"""The depression output against the person's own history: stored with the score, shown, inert."""

from datetime import timedelta
from typing import Any

import pytest

from patients.models import Patient
from scoring.domain.baselines import baseline_delta
from scoring.engines.assess import Assessment
from scoring.features import features_update
from scoring.models import RiskScore
from scoring.presenters.tracks import own_history, track_views
from scoring.replay import score_replay
from scoring.services import DELTA, patient_assess, score_store
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.people import LAST_DAY, in_care

pytestmark = pytest.mark.django_db
HISTORY = [0.1 + 0.01 * (n % 7) for n in range(20)]


@pytest.fixture
def patient() -> Patient:
    made = in_care("P-1")
    features_update(patient=made)
    return made


def earlier(patient: Patient, days_before: int, depression: float | None, **more: Any) -> None:
    factories.score(patient, LAST_DAY - timedelta(days=days_before), depression, **more)


def with_history(patient: Patient, first: RiskScore) -> Assessment:
    """Scores of the same model on 20 days, and others that must not count."""
    same = {"depression_model": first.depression_model}
    for n, p in enumerate(HISTORY):
        earlier(patient, 7 + 2 * n, p, **same)
    earlier(patient, 6, 0.9, **same)  # shares a day with the scored week
    earlier(patient, 63, 0.9, **same)  # more than 8 weeks before it
    earlier(patient, 8, 0.9)  # another model's
    earlier(patient, 10, None, **same)  # not assessed
    earlier(patient, 12, 0.9, is_current=False, **same)  # withdrawn
    return patient_assess(patient=patient)


def test_the_delta_is_of_the_persons_own_scores_by_the_same_model(patient: Patient) -> None:
    assessment = patient_assess(patient=patient)
    score, _ = score_store(patient=patient, assessment=assessment)
    assert score.context[DELTA] is None
    assessment = with_history(patient, score)
    score.delete()
    again, is_new = score_store(patient=patient, assessment=assessment)
    assert is_new and assessment.depression.probability is not None
    expected = baseline_delta(assessment.depression.probability, HISTORY)
    assert again.context[DELTA] == pytest.approx(expected)
    assert score_replay(score=RiskScore.objects.get(pk=again.pk)) == []


def test_a_history_that_changed_makes_no_other_decision(patient: Patient) -> None:
    score, _ = score_store(patient=patient, assessment=patient_assess(patient=patient))
    assessment = with_history(patient, score)
    assert score_store(patient=patient, assessment=assessment) == (score, False)
    older = RiskScore.objects.filter(pk=score.pk)
    older.update(context={"antidepressant": score.context["antidepressant"]})  # as before this
    assert score_store(patient=patient, assessment=assessment) == (score, False)
    older.update(context={"antidepressant": "active"})
    assert score_store(patient=patient, assessment=assessment)[1]


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (1.84, "1.8 SD above this person’s own last 8 weeks"),
        (-0.3, "0.3 SD below this person’s own last 8 weeks"),
        (0.02, "as in this person’s own last 8 weeks"),
        (26.4, "more than 5.0 SD above this person’s own last 8 weeks"),
        (None, ""),
    ],
)
def test_the_record_says_it_beside_the_depression_track(delta: float | None, words: str) -> None:
    client, who = browser()
    score = factories.score(factories.patient("P-1", [who]), yesterday(), context={DELTA: delta})
    assert [own_history(score, view) for view in track_views(score)] == [words, ""]
    shown = text(client.get("/patients/P-1/"))
    assert words in shown and ("own last 8 weeks" in shown) == bool(words)


def test_a_track_that_was_not_assessed_is_not_compared() -> None:
    client, who = browser()
    factories.score(factories.patient("P-1", [who]), yesterday(), None, context={DELTA: 1.8})
    assert "own last 8 weeks" not in text(client.get("/patients/P-1/"))
