"""The router's file: what is read, and what is refused."""

from pathlib import Path

import pytest

from scoring.domain.rules import Edges, Floor, RuleFileError, load_router_rules

ROUTER = Path(__file__).parents[3] / "scoring" / "data" / "router.toml"


def test_numbers_are_those_of_the_design() -> None:
    rules = load_router_rules(ROUTER)
    assert (rules.depression, rules.mania, rules.overall) == (
        Edges(0.5, 0.8), Edges(0.3, 0.6), Edges(0.3, 0.7)
    )  # fmt: skip
    assert (rules.min_depression_coverage, rules.min_mania_nights) == (0.3, 12)
    assert (rules.limited_coverage, rules.limited_weight) == (0.6, 0.25)
    assert (rules.different, rules.different_with_antidepressant) == ((0.4, 0.6), (0.6, 0.4))
    assert rules.same == (0.5, 0.5)
    assert rules.floor == Floor("Moderate", "High", "Moderate")


@pytest.mark.parametrize(
    ("probability", "tier"),
    [
        (0.0, "Low"),
        (0.4999, "Low"),
        (0.5, "Moderate"),
        (0.7999, "Moderate"),
        (0.8, "High"),
        (1, "High"),
    ],
)
def test_edges_belong_to_the_higher_tier(probability: float, tier: str) -> None:
    assert Edges(0.5, 0.8).tier(probability) == tier


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("moderate = 0.5", "moderate = 0.9", "edges must rise"),
        ("depression = 0.4", "depression = 0.5", "must sum to 1"),
        ("source =", "sauce =", "does not say source"),
        ("mania_nights", "mania_night", "did you mean"),
        ("personal_days", "person_days", "did you mean"),
        ("[availability]", "[availability", "not valid TOML"),
        ('mania_high = "High"', 'mania_high = "Low"', "a floor is Moderate or High"),
        ("depression = 0.5", "depression = 0.4", "must sum to 1"),
        ("limited_weight = 0.25", "limited_weight = 0.75", "at most 0.5"),
        ("limited = 0.60", "limited = 60", "is a share"),
    ],
)
def test_file_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = ROUTER.read_text()
    assert old in text
    path = tmp_path / "router.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RuleFileError, match=says) as refused:
        load_router_rules(path)
    assert str(refused.value).startswith("router.toml")


def test_version_follows_the_content(tmp_path: Path) -> None:
    path = tmp_path / "router.toml"
    path.write_text(ROUTER.read_text() + "\n# reviewed\n")
    assert load_router_rules(path).version != load_router_rules(ROUTER).version
