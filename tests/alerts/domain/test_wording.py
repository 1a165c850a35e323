import re
from typing import Any

import pytest

from alerts.domain.wording import RESEARCH_USE, message_lines

CLAIMS = re.compile(r"diagnos|alarm|predict|episode", re.IGNORECASE)
WHY = {
    "label": "Sleep per night",
    "value": 4.1,
    "unit": "h",
    "usual": 7.3,
    "points": 12.4,
    "name": "x",
}
OK = {"status": "ok", "tier": "High", "coverage": 0.93, "contributions": [WHY], "reason": None}
MISSING = {
    "status": "unavailable",
    "tier": "Indeterminate",
    "coverage": 0.2,
    "contributions": [],
    "reason": "9 of 30 nights are there, 12 are needed.",
}
ADVICE = {
    "text": "Consider a contact.",
    "source": "A guideline",
    "section": "3",
    "checked_by": "",
}


def lines(**more: Any) -> list[str]:
    score = {
        "day": "2026-03-01",
        "tier": "High",
        "depression": MISSING,
        "mania": OK,
        "reasons": [
            {"code": "early_warning_3_nights", "text": "Three nights under 4 h."},
            {"code": "agreement", "text": "Both tracks weigh the same."},
        ],
    }
    values: dict[str, Any] = {
        "research_use": True,
        "track": "mania",
        "tier": "High",
        "score": score | more.pop("score", {}),
        "recommendation": ADVICE,
    }
    return list(message_lines(**(values | more)))


def test_a_message_of_a_simulated_model_begins_with_research_use() -> None:
    assert lines()[0] == f"{RESEARCH_USE}."
    assert not any(RESEARCH_USE in line for line in lines(research_use=False))


def test_a_message_says_what_how_sure_why_and_what_to_consider() -> None:
    assert lines()[1:] == [
        "Clarity risk indicator for mania: High on 2026-03-01.",
        "Overall tier: High.",
        "Consider a contact.",
        "Source: A guideline, 3 (unverified).",
        "Depression not assessed: 9 of 30 nights are there, 12 are needed.",
        "Mania: High, data coverage 93%.",
        "Main contributions: Sleep per night 4.1 h (usually 7.3 h) raises it by 12 points.",
        "Three nights under 4 h.",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (24.7, "clock hour", "00:42"),
        (21.58, "clock hour", "21:35"),
        (1345.0, "a day", "1,345 a day"),
        (0.42, "ratio", "0.42 ratio"),
    ],
)
def test_amounts_are_said_as_a_reader_would(value: float, unit: str, words: str) -> None:
    item = WHY | {"value": value, "usual": value, "unit": unit, "points": 1.2}
    [why] = [w for w in lines(score={"mania": OK | {"contributions": [item]}}) if "Main" in w]
    assert why == (
        f"Main contributions: Sleep per night {words} (usually {words}) raises it by 1 point."
    )


def test_days_are_not_mixed_with_parts_of_the_day_that_tell_the_same() -> None:
    items = [WHY | {"name": name, "label": name} for name in ("part_night", "day_2026-03-01")]
    [why] = [w for w in lines(score={"mania": OK | {"contributions": items}}) if "Main" in w]
    assert "day_2026-03-01" in why and "part_night" not in why


def test_a_checked_guideline_is_not_called_unverified() -> None:
    assert "Source: A guideline, 3." in lines(recommendation=ADVICE | {"checked_by": "Dr A"})


def test_unknown_values_and_lowering_contributions_are_worded() -> None:
    item = WHY | {"value": None, "usual": None, "points": -3.2}
    found = lines(score={"mania": OK | {"contributions": [item] * 5}})
    why = next(line for line in found if line.startswith("Main"))
    assert why.count("Sleep per night unknown lowers it by 3 points") == 3


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("limited_data_both", True),
        ("medication_unavailable", True),
        ("combination_lost", True),
        ("combination_not_fitted", True),
        ("circumstance_newborn", True),
        ("early_warning_noted", True),
        ("x", False),
    ],
)
def test_reasons_that_limit_the_result_are_told(code: str, shown: bool) -> None:
    found = lines(score={"reasons": [{"code": code, "text": "The reason."}]})
    assert ("The reason." in found) == shown


def test_no_word_claims_more_than_a_risk_indicator() -> None:
    assert not CLAIMS.search("\n".join(lines()))


def test_limits_and_what_was_not_shown_are_told_around_the_recommendation() -> None:
    more = {"limits": ["Limited data for mania."], "not_shown": ["Not shown: it, because."]}
    found = lines(recommendation=ADVICE | more)
    at = found.index("Consider a contact.")
    assert (found[at - 1], found[at + 2]) == ("Limited data for mania.", "Not shown: it, because.")
    alone = lines(recommendation=more)
    assert "Not shown: it, because." in alone and not any("Source" in line for line in alone)
    assert lines(recommendation={})[3].startswith("Depression not assessed")


@pytest.mark.parametrize(
    ("due", "marks"),
    [("2026-02-28", " (unverified, its review is overdue)"), ("2026-03-01", " (unverified)")],
)
def test_an_overdue_guideline_is_said_to_be(due: str, marks: str) -> None:
    assert f"Source: A guideline, 3{marks}." in lines(recommendation=ADVICE | {"next_review": due})
