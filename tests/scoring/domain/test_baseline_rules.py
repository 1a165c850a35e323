"""baselines.toml: each value has a source, and a file that is wrong is refused by name."""

import shutil
from pathlib import Path

import pytest

from alerts.checks import rule_files
from scoring import resources
from scoring.domain.baseline_rules import BaselineRules, load_baseline_rules
from scoring.domain.rules import RuleFileError
from scoring.resources import DATA, baseline_rules

SHIPPED = (DATA / "baselines.toml").read_text()


def test_the_shipped_numbers_are_those_of_the_design() -> None:
    rules = baseline_rules()
    assert (rules.run_in_days, rules.low_days, rules.worsening_sd) == (30, 56, 2.0)
    known = {name: f.population for name, f in rules.features.items() if f.population}
    assert known["time_asleep_hours"].usual.mean == 7.0
    assert known["sdnn_ms"].usual.mean == 50.0
    assert not any(p.verified for p in known.values())  # until somebody has looked them up
    assert all(len(p.source) > 20 for p in known.values())


def test_every_feature_that_can_be_worse_says_by_whom() -> None:
    for feature in baseline_rules().features.values():
        assert bool(feature.worse) == bool(feature.worse_source), feature.name
    worse = {name: dict(f.worse) for name, f in baseline_rules().features.items()}
    assert worse["time_asleep_hours"] == {"mania": "lower", "depression": "higher"}
    assert worse["dlmo_hour"] == {"mania": "lower", "depression": "higher"}
    assert worse["resting_bpm"] == {"mania": "higher", "depression": "higher"}
    assert worse["sdnn_ms"] == {}


def edited(tmp_path: Path, old: str, new: str) -> BaselineRules:
    assert old in SHIPPED
    path = tmp_path / "baselines.toml"
    path.write_text(SHIPPED.replace(old, new, 1))
    return load_baseline_rules(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "run_in_days = 30",
            "run_in = 30",
            "period.run_in is an unknown field",
        ),
        ("run_in_days = 30", "run_in_days = 30.5", "run_in_days must be a whole number"),
        ("run_in_days = 30", "run_in_days = 7", "must rise in this order"),
        ("unassessed_days = 14", "unassessed_days = 56", "fewer than low_days"),
        ("sd = 2.0", "sd = 0.0", r"sd of \[worsening\]"),
        ('mania = "lower"', 'mania = "less"', "time_asleep_hours: worse names poles"),
        ('mania = "lower"', 'anxiety = "lower"', "worse.anxiety is an unknown field"),
        ('needs = "night"', 'needs = "day"', "needs must be night or worn"),
        ("plausible = [2.0, 16.0]", "plausible = [2.0]", "plausible has two numbers"),
        ("plausible = [2.0, 16.0]", "plausible = [16.0, 2.0]", "plausible must rise"),
        ("mean = 7.0", "mean = 17.0", "Time asleep: the mean must lie between 2 and 16"),
        ("verified = false\n", 'verified = "no"\n', "verified must be true or false"),
        ("least_sd = 0.5", "least = 0.5", "least is an unknown field: did you mean least_sd"),
        ("[refresh]", "[refresh]\nunheard_of = 1", "refresh.unheard_of is an unknown field"),
        ("[period]", "[period", "not valid TOML.*line 9"),
        ('authored_by = "Clarity team"', "", "does not say authored_by"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_field(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(RuleFileError, match=rf"baselines\.toml.*{words}"):
        edited(tmp_path, old, new)


def test_another_file_has_another_version(tmp_path: Path) -> None:
    rules = edited(tmp_path, "sd = 2.0", "sd = 2.5")
    assert rules.worsening_sd == 2.5 and rules.version != baseline_rules().version


def test_a_wrong_file_stops_start_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(DATA, tmp_path / "data")
    (folder / "baselines.toml").write_text(SHIPPED.replace("run_in_days = 30", "run_in = 30"))
    monkeypatch.setattr(resources, "DATA", folder)
    baseline_rules.cache_clear()
    try:
        found = [message for message in rule_files() if message.id == "clarity.E001"]
    finally:
        baseline_rules.cache_clear()
    [error] = found
    assert "baselines.toml" in error.msg and "run_in" in error.msg and error.hint
