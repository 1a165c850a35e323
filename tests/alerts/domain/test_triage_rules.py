"""A number in triage.toml that cannot be meant stops start-up, by its name."""

import re
from pathlib import Path

import pytest

from alerts.domain.triage_rules import RANGES, SHAPE, load_triage_rules
from alerts.resources import DATA
from patients.domain.rule_files import RuleFileError


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("persists_days", "0"),
        ("persists_of_days", "31"),
        ("fast_rise", "-5"),
        ("fast_rise", "0"),
        ("fast_rise_days", "0"),
        ("cool_down_days", "-7"),
        ("resolve_after_low_days", "0"),
        ("low_below.depression", "45"),
        ("low_below.mania", "0"),
        ("mania_from_after_stabiliser", "20"),
        ("follow_up_days.High", "-1"),
        ("follow_up_days.Moderate", "9999999"),
        ("alerts_a_week", "0"),
    ],
)
def test_a_number_out_of_range_is_refused(tmp_path: Path, field: str, value: str) -> None:
    last = field.split(".")[-1]
    text, count = re.subn(
        rf"\b{last} = [\d.]+", f"{last} = {value}", (DATA / "triage.toml").read_text(), count=1
    )
    assert count == 1
    (tmp_path / "triage.toml").write_text(text)
    with pytest.raises(RuleFileError, match=f"triage.toml: {field} is {value}: give a value from"):
        load_triage_rules(tmp_path / "triage.toml")


def test_every_number_has_its_range() -> None:
    assert set(RANGES) == {name for name, kind in SHAPE.items() if kind is not str}
