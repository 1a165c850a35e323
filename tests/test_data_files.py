"""Every rule file that is shipped loads, and a bad one is refused by name."""

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.domain.guidelines import load_guidelines
from alerts.domain.triage_rules import load_triage_rules
from scoring.domain.rules import PROVENANCE, RuleFileError, load_router_rules, read_rule_file
from scoring.domain.vector_names import INDEX_NAMES
from scoring.resources import feature_labels
from tests.conftest import ROOT

GUIDELINES = ROOT / "alerts/data/guidelines"
ROUTER, TRIAGE = ROOT / "scoring/data/router.toml", ROOT / "alerts/data/triage.toml"
SHIPPED = sorted(
    [*(ROOT / "alerts/data").rglob("*.toml"), *(ROOT / "scoring/data").rglob("*.toml")]
)
CLAIMS = re.compile(r"diagnos(e|es|ed|is|tic)\b|\balarm|\bpredict", re.IGNORECASE)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_file_loads_and_says_where_it_comes_from(path: Path) -> None:
    table, version = read_rule_file(path)
    assert len(version) == 64
    assert table["date_reviewed"] < table["next_review"]
    assert table["authored_by"] and table["source"]


def test_the_shipped_rules_are_those_of_the_design() -> None:
    rules, triage = load_router_rules(ROUTER), load_triage_rules(TRIAGE)
    edges = [(e.moderate, e.high) for e in (rules.depression, rules.mania, rules.overall)]
    assert edges == [(0.5, 0.8), (0.3, 0.6), (0.3, 0.7)]
    assert (rules.min_depression_coverage, rules.min_mania_nights) == (0.3, 12)
    assert (rules.limited_coverage, rules.limited_weight) == (0.6, 0.25)
    assert rules.different == (0.4, 0.6) and rules.different_with_antidepressant == (0.6, 0.4)
    assert triage.raise_from == "Moderate" and set(triage.follow_up_days) == {"High", "Moderate"}


def test_every_index_and_part_of_the_day_has_a_label() -> None:
    assert set(INDEX_NAMES) <= set(feature_labels())


@pytest.mark.parametrize("guideline", load_guidelines(GUIDELINES), ids=lambda g: g.name)
def test_a_guideline_says_consider_and_claims_nothing(guideline: object) -> None:
    text, title = getattr(guideline, "text"), getattr(guideline, "title")  # noqa: B009
    for sentence in re.split(r"(?<=[.!?]) ", text):
        assert "consider" in sentence.lower(), sentence
    assert not CLAIMS.search(f"{title} {text}")


@pytest.mark.parametrize(
    "text", ["a diagnosis of mania", "was diagnosed", "an alarm", "it predicts an episode"]
)
def test_a_claim_is_recognised(text: str) -> None:
    assert CLAIMS.search(text)


def changed(path: Path, folder: Path, old: str, new: str) -> Path:
    """A copy with one thing changed, which must be there to change."""
    text = path.read_text()
    assert re.search(old, text, re.MULTILINE), old
    copy = folder / path.name
    copy.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))
    return copy


Load = Callable[[Path], object]
ONE_GUIDELINE: Load = lambda path: load_guidelines(path.parent)  # noqa: E731
GUIDE = GUIDELINES / "mania_high.toml"
BAD: list[tuple[Path, Load, str, str, str]] = [
    (ROUTER, load_router_rules, r"^limited = .*$", "", "limited"),
    (ROUTER, load_router_rules, r"^limited_weight = .*$", "", "limited_weight"),
    (ROUTER, load_router_rules, r"^high = .*$", "higher = 0.8", "higher"),
    (ROUTER, load_router_rules, r"^high = .*$", "high = 0.4", "edges"),
    (ROUTER, load_router_rules, r"^mania = 0.6$", "mania = 0.7", "sum to 1"),
    (ROUTER, load_router_rules, r"^\[tiers.mania\].*$", "[tiers.mania", "not valid TOML"),
    (TRIAGE, load_triage_rules, r"^cool_down_days.*$", "", "cool_down_days"),
    (TRIAGE, load_triage_rules, r"^follow_up_days.*$", "", "follow_up_days"),
    (GUIDE, ONE_GUIDELINE, r"^rank = .*$", "", "rank"),
    (GUIDE, ONE_GUIDELINE, r"^track = .*$", 'track = "sleep"', "criteria.track is one of"),
    (GUIDE, ONE_GUIDELINE, r"^tiers = .*$", 'tiers = ["high"]', "criteria.tiers is one of"),
    (GUIDE, ONE_GUIDELINE, r"^tiers = .*$", 'tiers = ["Low"]', "level must be that of"),
    (GUIDE, ONE_GUIDELINE, r"^tiers = .*$", 'teirs = ["High"]', "did you mean tiers"),
    (GUIDE, ONE_GUIDELINE, r"Consider", "Consider {antidepressant}", "must ask for it"),
    (GUIDE, ONE_GUIDELINE, r"^rank = ", "ranking = ", "ranking"),
    (GUIDE, ONE_GUIDELINE, r"Consider", "Do", "consider"),
    *((ROUTER, load_router_rules, rf"^{key} = .*$", "", key) for key in PROVENANCE),
    *((GUIDE, ONE_GUIDELINE, rf"^{key} = .*$", "", key) for key in PROVENANCE),
]


@pytest.mark.parametrize(
    ("path", "load", "old", "new", "named"), BAD, ids=[f"{b[0].stem}-{b[4]}" for b in BAD]
)
def test_a_bad_file_is_refused_naming_the_file_and_the_field(
    tmp_path: Path, path: Path, load: Load, old: str, new: str, named: str
) -> None:
    bad = changed(path, tmp_path, old, new)
    if "consider" in named:
        bad.write_text(bad.read_text().replace("consider", "do"))
    with pytest.raises(RuleFileError) as refusal:
        load(bad)
    assert path.name in str(refusal.value) and named in str(refusal.value)


def test_an_unchanged_copy_loads(tmp_path: Path) -> None:
    for path, load in ((ROUTER, load_router_rules), (TRIAGE, load_triage_rules)):
        assert load(Path(shutil.copy(path, tmp_path)))
    assert tomllib.loads(GUIDE.read_text())["criteria"]["track"] == "mania"
