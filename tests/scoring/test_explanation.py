"""What contributed, as it is stored with a score and as a clinician reads it."""

import sys
from typing import Any

import pytest

from scoring.domain.explain import EXPLANATION_FAILED
from scoring.domain.occlusion import AGAINST_REFERENCE, occlusions
from scoring.features import features_update
from scoring.models import RiskScore
from scoring.presenters.explanation import explanation, sentence
from scoring.presenters.tracks import track_views
from scoring.services import patient_assess, score_store
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.people import LAST_DAY, in_care

SLEEP = factories.contribution("Sleep", 4.1, "h", 7.3, 12.2)
CHECK = {
    "base": 0.05, "sum_points": 27.2, "output_minus_base": 27.2, "gap": 0.0,
    "margin_gap": 1e-7, "holds": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (SLEEP, "Sleep 4.1 h, usually 7.3 h: +12 points"),
        (SLEEP | {"points": -1.2}, "Sleep 4.1 h, usually 7.3 h: \u22121 point"),
        (SLEEP | {"points": 0.3}, "Sleep 4.1 h, usually 7.3 h: 0 points"),
        (SLEEP | {"value": None}, "Sleep not known, usually 7.3 h: +12 points"),
        (SLEEP | {"usual": None}, "Sleep 4.1 h: +12 points"),
        (
            factories.contribution("Melatonin onset", 24.67, "clock hour", 21.58, 6.7),
            "Melatonin onset 00:40, usually 21:35: +7 points",
        ),
        (
            SLEEP | {"label": f"Activity, 00\u201306 h, {AGAINST_REFERENCE}", "usual": None},
            f"Activity, 00\u201306 h 4.1 h, {AGAINST_REFERENCE}: +12 points",
        ),
    ],
)
def test_a_contribution_reads_as_a_sentence(item: dict[str, Any], words: str) -> None:
    assert sentence(item) == words


@pytest.fixture
def stored() -> RiskScore:
    """A score as the models made it."""
    patient = in_care("P-1")
    features_update(patient=patient)
    score, _ = score_store(patient=patient, assessment=patient_assess(patient=patient))
    return RiskScore.objects.get(pk=score.pk)


@pytest.mark.django_db
def test_everything_that_is_shown_is_stored_with_the_score(
    stored: RiskScore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(stored.depression["attention"]) == set(occlusions(LAST_DAY))
    assert stored.mania["additivity"]["holds"]
    for name in ("xgboost", "tensorflow", "shap", "keras"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails from here on
    monkeypatch.delattr("scoring.engines.models.Models.depression_engine")
    monkeypatch.delattr("scoring.engines.models.Models.mania_engine")
    depression, mania = (explanation(stored, view) for view in track_views(stored))
    assert [part.title for part in depression.lists] in (
        ["Days", "Parts of the day"], ["Parts of the day", "Days"],
    )  # fmt: skip
    assert sorted(len(part.sentences) for part in depression.lists) == [3, 4]
    assert not depression.total and not any(part.rest for part in depression.lists)
    names = [label for label, _ in depression.attention]
    assert len(names) == 11 and names[0] == "Activity on Monday 23 February"
    assert names[7:] == [f"Activity, {hours} h" for hours in HOURS]
    [listed] = mania.lists
    assert len(listed.sentences) == 5 and listed.rest.startswith("12 others together: ")
    assert mania.total.startswith("Together ") and not mania.attention


HOURS = ("00\u201306", "06\u201312", "12\u201318", "18\u201324")


def page(mania: dict[str, Any]) -> str:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    score = factories.score(patient, yesterday(), 0.6, 0.32)
    score.mania |= mania
    score.save()
    return text(client.get("/patients/P-1/"))


@pytest.mark.django_db
def test_the_record_shows_sentences_and_what_they_come_to() -> None:
    shown = page({"additivity": CHECK})
    assert "Sleep per night 4.1 h less than usual 7.3 h +12 points" in shown
    assert "Together +27 points: from 5 %, where nothing is known, to 32 %." in shown
    activity = "Activity on Saturday afternoon 96 counts/min less than usual 214 counts/min"
    assert f"{activity} +9 points" in shown
    assert "Where the model looked" not in shown


@pytest.mark.django_db
def test_what_did_not_add_up_is_not_shown() -> None:
    shown = page({"additivity": CHECK | {"holds": False, "margin_gap": 0.2}})
    assert "did not add up" in shown
    assert "Sleep per night" not in shown


@pytest.mark.django_db
def test_an_explanation_that_failed_is_said_to_have() -> None:
    shown = page({EXPLANATION_FAILED: True})
    assert "The explanation failed, so there is none. The operations log says why." in shown
    assert "Sleep per night" not in shown


@pytest.mark.django_db
def test_attention_is_folded_and_called_what_it_is() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    score = factories.score(patient, yesterday(), 0.6, 0.1)
    score.depression |= {
        "contributions": [
            SLEEP | {"name": "part_night", "label": "Activity, 00\u201306 h"},
            SLEEP | {"name": "day_2026-03-01", "label": "Activity on Sunday 1 March"},
        ],
        "attention": {"part_night": 0.4, "day_2026-03-01": 0.3},
    }
    score.save()
    response = client.get("/patients/P-1/")
    assert "<summary>Where the model looked</summary>" in response.content.decode()
    assert "not what moved the indicator" in text(response)
    assert "Activity on Sunday 1 March 30 % Activity, 00\u201306 h 40 %" in text(response)
