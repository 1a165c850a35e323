from datetime import date
from typing import Any

import pytest

from alerts.domain.guidelines import Recommendation, recommend


def guideline(name: str, rank: int, **more: Any) -> Recommendation:
    values: dict[str, Any] = {
        "title": name,
        "text": "Consider it.",
        "source": "a guideline",
        "section": "1",
        "authored_by": "us",
        "checked_by": "",
        "date_reviewed": date(2026, 1, 1),
        "next_review": date(2026, 7, 1),
        "track": "mania",
        "tiers": ("High",),
        "diagnoses": (),
        "antidepressant": False,
    }
    return Recommendation(name=name, rank=rank, **(values | more))


RULES = (  # as loaded: highest rank first
    guideline("bipolar I on a drug", 30, diagnoses=("bipolar_1",), antidepressant=True),
    guideline("on a drug", 25, antidepressant=True),
    guideline("bipolar", 20, diagnoses=("bipolar_1", "bipolar_2")),
    guideline("anybody", 10),
    guideline("moderate", 5, tiers=("Moderate",)),
)


@pytest.mark.parametrize(
    ("diagnosis", "treated", "expected"),
    [
        ("bipolar_1", True, "bipolar I on a drug"),
        ("bipolar_2", True, "on a drug"),
        ("bipolar_2", False, "bipolar"),
        ("unknown", False, "anybody"),
        ("mdd", True, "on a drug"),
    ],
)
def test_the_most_specific_that_fits_is_taken(diagnosis: str, treated: bool, expected: str) -> None:
    found = recommend(
        RULES, track="mania", tier="High", diagnosis=diagnosis, antidepressant_active=treated
    )
    assert found and found.name == expected


@pytest.mark.parametrize(("track", "tier"), [("depression", "High"), ("mania", "Low")])
def test_what_no_guideline_covers_has_no_recommendation(track: str, tier: str) -> None:
    found = recommend(RULES, track=track, tier=tier, diagnosis="mdd", antidepressant_active=False)
    assert found is None


def test_as_dict_is_ready_for_json() -> None:
    assert RULES[0].as_dict()["next_review"] == "2026-07-01"
