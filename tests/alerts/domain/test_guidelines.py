"""What is recommended: by example, and over every situation there can be."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from alerts.domain.guidelines import (
    DIAGNOSES,
    LEVEL_OF_TIER,
    Advice,
    Known,
    Seen,
    Situation,
    advise,
    load_guidelines,
)

GUIDELINES = load_guidelines(Path(__file__).parents[3] / "alerts/data/guidelines")
TIERS = ("Low", "Moderate", "High")
DRUGS = {
    "antidepressant": "sertraline 50 mg/day, since 5 January 2026",
    "mood_stabiliser": "lithium, last on 1 February 2026",
}
# What would start, add or raise an antidepressant, whatever the words.
STARTS = re.compile(
    r"(start|begin|add|initiat|prescrib|increas|rais|optimi[sz]|augment|switch|titrat|resum|chang)"
    r"\w*( \w+){0,4} (an? )?(antidepressant|ssri|snri|treatment|dose|it)\b"
    r"|optimi[sz]|first-line antidepressant|antidepressant (therapy|treatment|monotherapy)",
    re.IGNORECASE,
)
USUAL = Situation(
    track="mania", tier="High", diagnosis="bipolar_1", antidepressant=Known.NO,
    stabiliser_stopped=Known.NO, seen=Seen.WELL, other_seen=Seen.WELL, other_tier="Low",
    early_warning=False,
)  # fmt: skip


def every_situation() -> Iterator[Situation]:
    """Every combination of inputs that a score, an alert and a record can have."""
    for track, tier, diagnosis, drug, stopped, seen, warned in product(
        ("depression", "mania"), (*TIERS, "Indeterminate"), DIAGNOSES, Known, Known, Seen,
        (False, True),
    ):  # fmt: skip
        for other_seen in Seen:
            unseen = ("Indeterminate", "Moderate", "High")  # the last two by a rule alone
            for other_tier in unseen if other_seen is Seen.NOT else TIERS:
                yield Situation(
                    track, tier, diagnosis, drug, stopped, seen, other_seen, other_tier, warned
                )


EVERY = list(every_situation())


def advice(**given: object) -> Advice:
    return advise(GUIDELINES, replace(USUAL, **given))  # type: ignore[arg-type]


def chosen(**given: object) -> str:
    found = advice(**given).recommendation
    assert found
    return found.name


def shown(found: Advice) -> str:
    """All that a reader sees of it."""
    told = found.as_dict(DRUGS)
    return " ".join([told.get("title", ""), told.get("text", ""), *told["limits"],
                     *told["not_shown"]])  # fmt: skip


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "mania_high_bipolar"),
        ({"diagnosis": "unknown"}, "mania_high"),
        ({"diagnosis": "mdd"}, "mania_high"),
        ({"diagnosis": "mdd", "early_warning": True}, "mania_high_early_warning"),
        ({"antidepressant": Known.YES}, "mania_high_antidepressant"),
        ({"antidepressant": Known.UNKNOWN}, "mania_high_bipolar"),
        (
            {"antidepressant": Known.YES, "diagnosis": "unknown"},
            "mania_high_antidepressant_unknown",
        ),
        ({"stabiliser_stopped": Known.YES}, "mania_high_stabiliser"),
        ({"tier": "Moderate"}, "mania_moderate_bipolar"),
        ({"tier": "Moderate", "antidepressant": Known.YES}, "mania_moderate_antidepressant"),
        ({"tier": "Low", "diagnosis": "mdd"}, "mania_low"),
        ({"track": "depression"}, "depression_high_bipolar"),
        ({"track": "depression", "diagnosis": "mdd"}, "depression_high_mdd"),
        (
            {"track": "depression", "diagnosis": "mdd", "other_tier": "Moderate"},
            "depression_high_mixed",
        ),
        ({"track": "depression", "diagnosis": "unknown"}, "depression_high"),
        (
            {
                "track": "depression",
                "diagnosis": "mdd",
                "other_seen": Seen.NOT,
                "other_tier": "Indeterminate",
            },
            "depression_high_alone",
        ),
        ({"track": "depression", "tier": "Low"}, "depression_low"),
    ],
)
def test_what_fits_best_is_chosen(given: dict[str, object], name: str) -> None:
    assert chosen(**given) == name


def test_an_active_antidepressant_in_mania_is_named_with_its_first_day() -> None:
    told = advice(antidepressant=Known.YES).as_dict(DRUGS)
    assert (
        "An antidepressant is active (sertraline 50 mg/day, since 5 January 2026)" in told["text"]
    )
    assert "consider stopping it at early signs of mania" in told["text"]
    assert (told["section"], "2018" in told["source"]) == ("Acute mania, step 1", True)
    assert told["level"] == 2 and told["next_review"] > told["date_reviewed"]


def test_what_was_not_shown_says_why() -> None:
    found = advice(antidepressant=Known.UNKNOWN)
    assert found.not_shown == (
        "Not shown: “Same-day assessment; review the antidepressant”, because the medication "
        "list is unavailable.",
    )
    assert advice().not_shown == ()
    unknown = advice(diagnosis="unknown").not_shown
    assert unknown and all("because the diagnosis is not recorded." in line for line in unknown)
    gone = advice(other_seen=Seen.NOT, other_tier="Indeterminate").not_shown
    assert gone == ("Not shown: anything about depression, because depression was not assessed.",)


def test_a_decision_of_one_track_says_so() -> None:
    alone = advice(track="depression", other_seen=Seen.NOT, other_tier="Indeterminate")
    assert alone.limits == ("Mania not assessed: this looks at depression alone.",)
    little = advice(track="depression", other_seen=Seen.LIMITED)
    assert little.limits == ("Limited data for mania.",)
    assert "a rule alone" in advice(seen=Seen.NOT).limits[0]
    assert advice().limits == ()


def test_a_rule_alone_on_the_other_track_is_no_silence_about_it() -> None:
    found = advice(track="depression", diagnosis="mdd", other_seen=Seen.NOT, other_tier="High")
    assert found.recommendation and found.recommendation.name == "depression_high_mixed"
    assert found.not_shown == ()


def test_no_track_no_recommendation_and_the_reason() -> None:
    found = advice(tier="Indeterminate", seen=Seen.NOT)
    assert found.recommendation is None
    assert found.not_shown == ("Not shown: anything about mania, because mania was not assessed.",)
    assert set(found.as_dict({})) == {"limits", "not_shown"}
    neither = advice(tier="Indeterminate", seen=Seen.NOT, other_seen=Seen.NOT)
    assert neither.limits == ()  # no track is looked at alone where none is


def test_every_situation_has_a_recommendation_of_its_level_and_the_order_of_files_is_nothing() -> (
    None
):
    backwards = tuple(reversed(GUIDELINES))
    seen = set()
    for situation in EVERY:
        found = advise(GUIDELINES, situation)
        assert found == advise(backwards, situation)
        if situation.tier == "Indeterminate":
            assert found.recommendation is None
            continue
        assert found.recommendation
        assert found.recommendation.level == LEVEL_OF_TIER[situation.tier]
        seen.add(found.recommendation.name)
    assert seen == {g.name for g in GUIDELINES}  # none is there for nothing


def test_depression_never_suggests_an_antidepressant_unless_it_is_known_to_be_unipolar() -> None:
    checked = 0
    for situation in EVERY:
        if situation.track == "depression" and situation.diagnosis != "mdd":
            words = shown(advise(GUIDELINES, situation))
            assert not STARTS.search(words), (situation, words)
            checked += 1
    assert checked > 1000


@pytest.mark.parametrize(
    "words",
    [
        "Consider starting an antidepressant.",
        "Consider optimising it.",
        "Consider increasing the dose.",
        "Consider an increase of the SSRI dose.",
        "Consider adding sertraline or another SSRI.",
        "Consider switching to another antidepressant.",
        "Consider antidepressant monotherapy.",
    ],
)
def test_the_words_that_start_an_antidepressant_are_known(words: str) -> None:
    assert STARTS.search(words)


def test_it_would_be_seen_if_a_bipolar_file_suggested_one() -> None:
    [bad] = [
        replace(g, text=g.text + " Consider adding an SSRI.")
        for g in GUIDELINES
        if g.name == "depression_high_bipolar"
    ]
    found = advise((*GUIDELINES, replace(bad, rank=99)), replace(USUAL, track="depression"))
    assert STARTS.search(shown(found))


TREATMENT = re.compile(r"stopp|adherence|mood stabiliser|first-line|review|optimis", re.IGNORECASE)


def test_an_unknown_diagnosis_gets_assessment_only() -> None:
    for situation in EVERY:
        if situation.diagnosis == "unknown":
            found = advise(GUIDELINES, situation).recommendation
            assert found is None or not TREATMENT.search(found.text), situation


def test_a_medication_list_that_is_unavailable_is_never_read_as_none_or_as_some() -> None:
    for situation in EVERY:
        if situation.antidepressant is Known.UNKNOWN:
            found = advise(GUIDELINES, situation)
            assert "antidepressant" not in (
                found.recommendation.text if found.recommendation else ""
            )
            none, some = (
                advise(GUIDELINES, replace(situation, antidepressant=known)).recommendation
                for known in (Known.NO, Known.YES)
            )
            if none != some:
                assert any("medication list is unavailable" in line for line in found.not_shown)


@pytest.mark.parametrize("guideline", GUIDELINES, ids=lambda g: g.name)
def test_high_is_of_the_same_day_and_ranks_are_unlike(guideline: object) -> None:
    level, text = getattr(guideline, "level"), getattr(guideline, "text")  # noqa: B009
    assert bool(re.search("same-day|today", text)) == (level == 2)
    ranks = [(g.criteria.track, g.level, g.rank) for g in GUIDELINES]
    assert len(set(ranks)) == len(ranks)
